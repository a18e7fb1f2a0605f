"""What the translator makes of texts: detected, left alone, with alternatives, with tags."""

from server.text.tokenizer import Tokenizer
from tests.server.dialects.libre.conftest import ENGLISH, reversed_ids, translate
from tests.server.fakes import EN, FakeEngine
from tests.server.test_app import Site


def test_auto_tells_the_language_and_its_confidence(site: Site, engine: FakeEngine) -> None:
    answer = translate(site, q="Wo ist der Bahnhof?", source="auto").json()
    assert list(answer) == ["translatedText", "detectedLanguage"]
    assert answer["detectedLanguage"]["language"] == "de"
    assert 90 < answer["detectedLanguage"]["confidence"] <= 100
    many = translate(site, q=["Wo ist der Bahnhof?", "12"], source="AUTO").json()
    assert many["detectedLanguage"] == [answer["detectedLanguage"], {"confidence": 0.0, "language": "de"}]
    assert {source[0] for source in engine.sources} == {EN}


def test_what_is_in_the_target_language_stays(site: Site, engine: FakeEngine, tokenizer: Tokenizer) -> None:
    texts = ["Wo ist der Bahnhof?", ENGLISH, "Ich bin müde."]
    answer = translate(site, q=texts, source="auto", target="de").json()
    assert answer["translatedText"] == [texts[0], reversed_ids(tokenizer, ENGLISH), texts[2]]
    assert [each["language"] for each in answer["detectedLanguage"]] == ["de", "en", "de"]
    assert len(engine.sources) == 1
    same = translate(site, q=ENGLISH, source="en", target="EN")
    assert same.json() == {"translatedText": ENGLISH}
    assert len(engine.sources) == 1


def test_what_may_be_in_the_target_language_is_translated(site: Site, engine: FakeEngine) -> None:
    answer = translate(site, q="Monday", source="auto", target="en").json()
    assert answer["detectedLanguage"]["language"] == "de"
    assert answer["detectedLanguage"]["confidence"] < 50
    assert [source[0] for source in engine.sources] == [EN]


def test_alternatives_when_asked_for(site: Site) -> None:
    answer = translate(site, alternatives=2).json()
    assert list(answer) == ["translatedText", "alternatives"]
    assert len(answer["alternatives"]) == 2
    assert answer["translatedText"] not in answer["alternatives"]
    many = translate(site, q=["Der Hund.", "😀"], alternatives="2").json()
    assert many["alternatives"] == [answer["alternatives"], []]
    assert "alternatives" not in translate(site, alternatives=0).json()


def test_html_has_no_alternatives(site: Site, engine: FakeEngine) -> None:
    assert translate(site, alternatives=3, format="html").json()["alternatives"] == []
    assert translate(site, q=["Der", "Hund"], alternatives=3, format="html").json()["alternatives"] == [[], []]
    assert {options.num_hypotheses for options in engine.options} == {1}
    assert list(translate(site, format="html").json()) == ["translatedText"]


def test_emoji_alone_stay(site: Site, engine: FakeEngine) -> None:
    assert translate(site, q="😀 👍🏽\n").json() == {"translatedText": "😀 👍🏽\n"}
    assert engine.sources == []


def test_names_of_tags_are_not_taken_for_english(site: Site) -> None:
    text = '<p class="the house is here" title="what is this">Ich bin müde.</p><span id="where are you"></span>'
    answer = translate(site, q=text, source="auto", target="de", format="html").json()
    assert answer["translatedText"] == text
    assert answer["detectedLanguage"]["language"] == "de"
    # In plain text a tag is a mark, and no language either.
    assert translate(site, q=text, source="auto", target="de").json()["translatedText"] == text
