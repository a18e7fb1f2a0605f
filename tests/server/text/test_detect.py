"""Language detection, measured on short sentences and words of our own writing."""

import copy
import functools
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from server.text import detect
from server.text.detect import SURE, Detected, Detector
from tests.server.test_app import Site, refused

GERMAN = """
Ich komme gleich.|Wo ist der Bahnhof?|Das Wetter ist heute schön.|Kannst du mir helfen?|Wir essen um sieben.
Die Katze schläft noch.|Mein Bruder wohnt in Hamburg.|Hast du gut geschlafen?|Der Zug hat Verspätung.|Was kostet das?
Bitte ruf mich an.|Ich habe keinen Hunger.|Sie liest ein Buch.|Gute Nacht und bis morgen!|Das war ein langer Tag.
Mach bitte die Tür zu.|Wie alt bist du?|Die Suppe ist zu heiß.|Er spielt gern Fußball.|Vielen Dank für alles!
Ich weiß es nicht.|Heute bleibe ich zu Hause.|Das Auto ist kaputt.|Wann fängt der Film an?|Es regnet schon wieder.
Meine Schwester hat ein neues Fahrrad.|Ich bin müde.|Der Kaffee ist kalt.|Wir haben gewonnen!|Ist das dein Ernst?
Alles Gute zum Geburtstag!|Ich liebe dich.|Nimm den Schirm mit.|Das Kind lacht.|Die Rechnung, bitte.|Bis später!
Schönes Wochenende euch allen|Kein Problem.|Wer hat das gesagt?|Das glaube ich nicht.
"""
ENGLISH = """
I am on my way.|Where is the station?|The weather is nice today.|Can you help me?|We eat at seven.
The cat is still asleep.|My brother lives in London.|Did you sleep well?|The train is late.|How much is that?
Please call me back.|I am not hungry.|She is reading a book.|Good night, see you tomorrow!|That was a long day.
Close the door, please.|How old are you?|The soup is too hot.|He likes to play football.|Thank you for everything!
I do not know.|I am staying at home today.|The car is broken.|When does the movie start?|It is raining again.
My sister has a new bike.|I am tired.|The coffee is cold.|We won!|Are you serious?
Happy birthday to you!|I love you.|Take an umbrella with you.|The child is laughing.|The bill, please.|See you later!
Have a nice weekend, everyone|No problem.|Who said that?|I don't believe it.
"""
GERMAN_WORDS = """
danke bitte hallo guten morgen ja nein tschüss hund katze haus baum auto wasser brot milch schule arbeit freund liebe
sommer winter montag heute gestern immer vielleicht schnell langsam groß klein entschuldigung prost geschenk einkaufen
kaufen suchen anmelden abbrechen speichern weiter
"""
ENGLISH_WORDS = """
thanks please hello good morning yes goodbye dog cat house tree car water bread milk school work friend love summer
autumn monday today yesterday always maybe quickly slowly big small sorry cheers present shopping buy search login
cancel save next
"""
SENTENCES = [
    (text, language)
    for texts, language in ((GERMAN, "de"), (ENGLISH, "en"))
    for text in texts.strip().replace("\n", "|").split("|")
]
WORDS = [
    (text, language) for texts, language in ((GERMAN_WORDS, "de"), (ENGLISH_WORDS, "en")) for text in texts.split()
]


LINES_OF_LANGUAGES = [
    line.split("\t") for line in Path(__file__).with_name("lines_of_languages.txt").read_text("utf-8").splitlines()
]


@functools.cache
def whole_model() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@pytest.fixture(scope="module", autouse=True)
def shared_model() -> Iterator[None]:
    """Reading the file takes 0.6 s of a core; with some 30 detectors it is read once."""
    whole = whole_model()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LanguageIdentifier, "from_model_file", lambda *_, **__: copy.copy(whole))
        yield


@pytest.fixture(scope="module")
def two() -> Detector:
    return Detector(["de", "en"])


@pytest.fixture(scope="module")
def three() -> Detector:
    return Detector(["de", "en", "fr"])


def right(detector: Detector, texts: Sequence[tuple[str, str]]) -> int:
    return sum(detector.detect(text).language == language for text, language in texts)


# The numbers in the module's docstring, less a margin for another version of the model.


def test_short_sentences(two: Detector, three: Detector) -> None:
    assert len(SENTENCES) == 80
    assert right(two, SENTENCES) >= 78
    assert right(three, SENTENCES) >= 78


def test_lines_of_languages_that_are_not_served_are_told_as_such(two: Detector) -> None:
    found = [(two.detect(text), language) for language, text in LINES_OF_LANGUAGES]
    ours = [(each, language) for each, language in found if language in ("de", "en")]
    others = [each for each, language in found if language not in ("de", "en")]
    assert (len(ours), len(others)) == (10, 90)
    assert all((each.language, each.is_foreign) == (language, False) for each, language in ours)
    assert all(each.confidence >= SURE for each, _ in ours)
    assert sum(each.is_foreign for each in others) >= 88
    assert sum(each.confidence >= SURE for each in others) <= 1
    assert not any(each.is_foreign for each in map(two.detect, [text for text, _ in SENTENCES + WORDS]))


def test_single_words(two: Detector, three: Detector) -> None:
    assert len(WORDS) == 81
    assert right(two, WORDS) >= 74
    assert right(three, WORDS) >= 70


def test_what_is_wrong_is_not_sure(two: Detector, three: Detector) -> None:
    for detector in (two, three):
        found = [(detector.detect(text), language) for text, language in SENTENCES + WORDS]
        assert all(each.language == language for each, language in found if each.confidence >= 0.8)
    assert sum(two.detect(text).confidence >= 0.8 for text, _ in SENTENCES) >= 74


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("hello handsome", "en"),
        ("Guten Tag", "de"),
        ("GUTEN MORGEN ALLE ZUSAMMEN", "de"),
        ("HELLO WORLD", "en"),
        ("Angela Merkel wohnt in Berlin.", "de"),
        ("Peter Smith lives in London.", "en"),
        ("Das ist ein cooles Feature", "de"),
        ("I love Schnitzel", "en"),
        ("Guten Morgen! 😀😀", "de"),
        ("12.30: Der Bus fährt um 14 Uhr 😀", "de"),
        ("ß", "de"),
        ("\ud800 Der Hund läuft.", "de"),
    ],
)
def test_short_texts_of_many_kinds(two: Detector, three: Detector, text: str, language: str) -> None:
    assert two.detect(text).language == language
    assert three.detect(text).language == language


def test_addresses_and_accounts_do_not_count(two: Detector) -> None:
    noise = "@the.weather@where.is.the.station https://example.org/the/weather/is/nice/today?and=they&have=been "
    assert two.detect(noise + "Wie geht es dir?") == two.detect("Wie geht es dir?")
    assert two.detect("anna@the-weather.example").confidence == 0


NOTHING = [
    "",
    " \n",
    "123",
    "3.14 + 2",
    "😀😀",
    "…?!",
    "https://example.org/the/house",
    "Привет, как дела?",
    "你好",
    "x",
    "ok",
]


@pytest.mark.parametrize("text", NOTHING)
def test_where_nothing_tells_it_is_the_first_with_confidence_0(two: Detector, text: str) -> None:
    assert two.rank(text) == [Detected("de", 0.0), Detected("en", 0.0)]
    assert Detector(["fr", "en", "de"]).detect(text) == Detected("fr", 0.0)


def test_other_letters_tell_where_they_are_served() -> None:
    assert Detector(["en", "ru"]).detect("Привет, как дела?").language == "ru"
    assert Detector(["en", "zh-Hans"]).detect("你好，世界").language == "zh-Hans"


def test_confidences_are_shares(three: Detector) -> None:
    ranked = three.rank("Wir fahren nach Paris")
    assert ranked[0].language == "de"
    assert sorted((each.confidence for each in ranked), reverse=True) == [each.confidence for each in ranked]
    assert sum(each.confidence for each in ranked) == pytest.approx(1)


def test_one_language_needs_no_model() -> None:
    detector = Detector(["de", "de"])
    detector.load()
    assert detector.loaded
    assert detector.detect("Hello there") == Detected("de", 1.0)
    assert detector.detect("123") == Detected("de", 0.0)


@pytest.mark.parametrize("languages", [["tlh", "de", "en"], ["de", "tlh", "en"], ["tlh", "en", "de", "x-y"]])
def test_a_language_that_the_model_does_not_know_comes_last(languages: list[str]) -> None:
    detector = Detector(languages)
    german, english = detector.rank("Der Hund läuft durch den Park."), detector.rank("The weather is nice today.")
    assert [german[0].language, english[0].language] == ["de", "en"]
    assert german[0].confidence > 0.5
    assert Detected("tlh", 0.0) in german
    assert detector.detect("123") == Detected(languages[0], 0.0)


def test_where_the_model_knows_one_or_none_of_the_languages() -> None:
    assert Detector(["tlh", "sjn"]).rank("Der Hund läuft.") == [Detected("tlh", 0.0), Detected("sjn", 0.0)]
    ranked = Detector(["tlh", "de"]).rank("Der Hund läuft durch den Park.")
    assert ranked[0].language == "de"
    assert Detector(["tlh", "de"]).rank("The weather is nice today.")[0].confidence < 0.1, "one of 139, not of one"


def test_regions_and_other_names_of_languages() -> None:
    detector = Detector(["pt-br", "nb", "EN-gb"])
    for text, language in {
        "Obrigado, tudo bem com você?": "pt-br",
        "Jeg er ikke sulten, takk.": "nb",
        "Where is the station?": "EN-gb",
    }.items():
        assert detector.detect(text).language == language


def test_only_the_beginning_of_a_long_text_is_looked_at(two: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    identifier = two._load().identifier

    class Spy:
        def rank(self, text: str) -> Any:
            seen.append(len(text))
            return identifier.rank(text)

    monkeypatch.setattr(two, "_model", detect._Model(Spy(), {"de": "de", "en": "en"}, {}, latin=True))
    german, english = "Der Hund läuft durch den Park. " * 200, "The weather is nice today. " * 20_000
    assert two.detect(" " * 10_000 + german + english).language == "de"
    assert two.detect(english + german).language == "en"
    two.detect("x" * 1_000_000)
    assert len(seen) == 3
    assert all(detect.MAX_CHARS - 1 <= num_chars <= detect.MAX_CHARS for num_chars in seen)


def test_many_threads_load_the_model_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[int] = []
    read = detect._read_model

    def counted(languages: Sequence[str]) -> Any:
        loads.append(threading.get_ident())
        return read(languages)

    monkeypatch.setattr(detect, "_read_model", counted)
    detector = Detector(["en", "de"])
    texts = [text for text, _ in SENTENCES]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(detector.detect, texts))
    detector.load()
    assert detector.loaded
    assert len(loads) == 1
    assert found == [detector.detect(text) for text in texts]


def test_the_model_is_not_imported_before_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)  # importing it fails from now on
    detector = Detector(["de", "en"])
    assert detector.detect("123 😀") == Detected("de", 0.0)
    assert not detector.loaded
    with pytest.raises(ImportError):
        detector.load()


# POST /v1/detect


@pytest.fixture
def site(models: Any) -> Site:
    return Site(models)


def test_detect_over_http(site: Site) -> None:
    answer = site.ask("POST", "/v1/detect", json={"text": ["Wo ist der Bahnhof?", "Where is the station?", "12"]})
    assert answer.status_code == 200
    german, english, nothing = answer.json()["detections"]
    assert (german["language"], english["language"]) == ("de", "en")
    assert 0.9 < german["confidence"] <= 1
    assert nothing == {"language": "de", "confidence": 0.0}
    (one,) = site.ask("POST", "/v1/detect", json={"text": "Wo ist der Bahnhof?"}).json()["detections"]
    assert one == german
    assert site.ask("POST", "/v1/detect", json={"text": []}).json() == {"detections": []}


def test_detect_over_http_refuses(site: Site) -> None:
    post = "POST", "/v1/detect"
    refused(site.ask(*post, json={}), 400, "invalid_request", "text is missing.")
    refused(site.ask(*post, json={"text": "a", "q": "b"}), 400, "invalid_request", "q is no field of this request.")
    refused(site.ask(*post, json={"text": [1]}), 400, "invalid_request", "text[0]: Expected `str`")
    refused(site.ask(*post, content=b"{"), 400, "invalid_request", "not JSON")
    refused(site.ask(*post, json={"text": ["a"] * 4}), 413, "request_too_large", "4 texts; a request may have 3")
    refused(site.ask(*post, json={"text": "a" * 3000}), 413, "request_too_large", "2048 bytes")
    refused(site.ask("GET", "/v1/detect"), 405, "method_not_allowed")


def test_languages_that_nothing_tells_apart_are_all_as_likely() -> None:
    ranked = Detector(["en", "zh-hans", "zh-hant"]).rank("你好，世界。今天天气很好。")
    assert [each.language for each in ranked] == ["zh-hans", "zh-hant", "en"]
    assert ranked[0].confidence == ranked[1].confidence > 0.9
