"""The official `deepl` client against a real server process over the fake engine."""

import datetime
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import deepl
import httpx
import pytest
from deepl.api_data import MultilingualGlossaryDictionaryEntries

from server.text.tokenizer import Tokenizer
from tests.server.test_serve import Process

CHARACTER_LIMIT = 5000


@pytest.fixture(scope="module")
def url(tokenizer_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("deepl")
    argv = (
        "--port=0",
        "--deadline-s=300",
        f"--data={folder / 'data'}",
        f"--character-limit={CHARACTER_LIMIT}",
        "--max-queue-tokens=4000",
    )
    process = Process(tokenizer_file, folder, *argv)
    try:
        url = process.wait_until_ready()
        # The detector loads within the first request that needs it: seconds, on a busy machine more than clients wait.
        httpx.post(f"{url}/v1/translate", json={"text": "Der Hund.", "target": "en"}, timeout=300).raise_for_status()
        yield url
    finally:
        process.process.kill()
        process.wait()
    assert "Traceback" not in process.said
    assert "test-key" not in process.said


@pytest.fixture
def client(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[deepl.DeepLClient]:
    monkeypatch.setattr(deepl.http_client, "max_network_retries", 0)
    with closing(deepl.DeepLClient("test-key", server_url=url, send_platform_info=False)) as client:
        yield client


def reversed_text(tokenizer: Tokenizer, text: str) -> str:
    return tokenizer.decode(tokenizer.encode(text)[::-1])


def test_one_text(client: deepl.DeepLClient) -> None:
    found = client.translate_text("Der Hund läuft.", target_lang="EN-US", source_lang="DE")
    assert isinstance(found, deepl.TextResult)
    assert (found.text, found.detected_source_lang, found.billed_characters) == ("Der Hund läuft.", "DE", 15)
    assert found.model_type_used is None


def test_many_texts(client: deepl.DeepLClient, tokenizer: Tokenizer) -> None:
    texts = [f"the dog number {i}" for i in range(50)]
    found = client.translate_text(texts, source_lang="en", target_lang="de")
    assert isinstance(found, list)
    assert [each.text for each in found] == [reversed_text(tokenizer, text) for text in texts]


def test_a_language_that_is_detected(client: deepl.DeepLClient) -> None:
    found = client.translate_text("Der Hund läuft über die Straße.", target_lang="EN-GB")
    assert isinstance(found, deepl.TextResult)
    assert (found.text, found.detected_source_lang) == ("Der Hund läuft über die Straße.", "DE")


def test_all_options(client: deepl.DeepLClient) -> None:
    found = client.translate_text(
        "Der Hund läuft.",
        source_lang="DE",
        target_lang="EN-US",
        context="About a dog.",
        split_sentences=deepl.SplitSentences.NO_NEWLINES,
        preserve_formatting=True,
        formality=deepl.Formality.PREFER_LESS,
        tag_handling="xml",
        tag_handling_version="v2",
        outline_detection=False,
        non_splitting_tags="b,i",
        splitting_tags=["p"],
        ignore_tags=["x", "code"],
        model_type=deepl.ModelType.PREFER_QUALITY_OPTIMIZED,
        extra_body_parameters={"no_such_option": True},
    )
    assert isinstance(found, deepl.TextResult)
    assert (found.text, found.model_type_used) == ("Der Hund läuft.", "quality_optimized")


def test_languages(client: deepl.DeepLClient) -> None:
    assert [(each.code, each.name) for each in client.get_source_languages()] == [("DE", "German"), ("EN", "English")]
    targets = client.get_target_languages()
    assert [each.code for each in targets] == ["DE", "EN-GB", "EN-US"]
    assert not any(each.supports_formality for each in targets)


def test_usage(client: deepl.DeepLClient) -> None:
    before = client.get_usage().character
    assert (before.limit, before.limit_reached) == (CHARACTER_LIMIT, False)
    client.translate_text("1234567", source_lang="DE", target_lang="EN-US")
    assert client.get_usage().character.count == (before.count or 0) + 7


def test_the_life_of_a_glossary(client: deepl.DeepLClient) -> None:
    entries = {"Hund": "dog", "A%=&": "B&=%", "\u0394\u3041": "\u6df1", "\U0001faa8": "\U0001fab5"}
    created = client.create_glossary("mine", "DE", "EN-US", entries)
    assert (created.name, created.ready, created.entry_count) == ("mine", True, 4)
    assert (created.source_lang, created.target_lang) == ("DE", "EN")
    age = datetime.datetime.now(datetime.UTC) - created.creation_time
    assert datetime.timedelta(seconds=-1) < age < datetime.timedelta(minutes=1)

    found = client.get_glossary(created.glossary_id)
    assert (found.name, found.creation_time, found.entry_count) == ("mine", created.creation_time, 4)
    assert client.get_glossary_entries(created) == entries
    assert created.glossary_id in [each.glossary_id for each in client.list_glossaries()]

    result = client.translate_text_with_glossary(["Hund", "Haus"], created, target_lang="EN-US")
    assert isinstance(result, list)
    assert [each.detected_source_lang for each in result] == ["DE", "DE"]
    by_id = client.translate_text("Hund", source_lang="DE", target_lang="EN-US", glossary=created.glossary_id)
    assert isinstance(by_id, deepl.TextResult)

    client.delete_glossary(created)
    with pytest.raises(deepl.GlossaryNotFoundException, match="no glossary"):
        client.get_glossary(created.glossary_id)


def test_the_life_of_a_glossary_of_two_directions(client: deepl.DeepLClient) -> None:
    directions = [("DE", "EN-US", {"Hund": "dog"}), ("EN", "DE", {"dog": "Hund", "house": "Haus"})]
    given = [MultilingualGlossaryDictionaryEntries(*each) for each in directions]
    created = client.create_multilingual_glossary("both", given)
    assert {(each.source_lang, each.target_lang): each.entry_count for each in created.dictionaries} == {
        ("DE", "EN"): 1,
        ("EN", "DE"): 2,
    }
    assert created.glossary_id in [each.glossary_id for each in client.list_multilingual_glossaries()]
    changed = client.update_multilingual_glossary_dictionary(
        created, MultilingualGlossaryDictionaryEntries("DE", "EN", {"Haus": "house"})
    )
    assert changed.glossary_id == created.glossary_id
    found = client.get_multilingual_glossary_entries(created, "DE", "EN")
    assert deepl.convert_tsv_to_dict(found.dictionaries[0].entries) == {"Hund": "dog", "Haus": "house"}
    replaced = client.replace_multilingual_glossary_dictionary(
        created, MultilingualGlossaryDictionaryEntries("DE", "EN", {"Maus": "mouse"})
    )
    assert replaced.entry_count == 1
    assert client.update_multilingual_glossary_name(created, "other").name == "other"
    result = client.translate_text("dog", source_lang="EN", target_lang="DE", glossary=created)
    assert isinstance(result, deepl.TextResult)
    assert result.text == "Hund"
    client.delete_multilingual_glossary_dictionary(created, source_lang="EN", target_lang="DE")
    assert len(client.get_multilingual_glossary(created.glossary_id).dictionaries) == 1
    client.delete_multilingual_glossary(created)
    with pytest.raises(deepl.GlossaryNotFoundException, match="no glossary"):
        client.get_multilingual_glossary(created.glossary_id)


def test_a_glossary_from_csv(client: deepl.DeepLClient) -> None:
    created = client.create_glossary_from_csv("csv", "DE", "EN", csv_data='Hund,dog,de,en\n"Haus, das",house,de,en\n')
    assert client.get_glossary_entries(created) == {"Hund": "dog", "Haus, das": "house"}


def test_glossary_languages(client: deepl.DeepLClient) -> None:
    pairs = {(pair.source_lang, pair.target_lang) for pair in client.get_glossary_languages()}
    assert pairs == {("de", "en"), ("en", "de")}


def test_what_only_others_have_is_refused(client: deepl.DeepLClient) -> None:
    with pytest.raises(deepl.DeepLException, match="'custom_instructions' is not supported"):
        client.translate_text("Hund", target_lang="EN-US", custom_instructions=["Be brief."])


def test_what_is_no_glossary_id(client: deepl.DeepLClient) -> None:
    for ask in (client.get_glossary, client.get_glossary_entries, client.delete_glossary):
        with pytest.raises(deepl.DeepLException, match="Invalid glossary id"):
            ask("not-an-id")


def test_an_unknown_glossary(client: deepl.DeepLClient) -> None:
    glossary_id = "96ab91fd-e715-41a1-adeb-5d701f84a483"
    for ask in (client.get_glossary, client.get_glossary_entries, client.delete_glossary):
        with pytest.raises(deepl.GlossaryNotFoundException, match="no glossary"):
            ask(glossary_id)
    with pytest.raises(deepl.DeepLException, match="Not found, message: There is no glossary"):
        client.translate_text("Hund", source_lang="DE", target_lang="EN-US", glossary=glossary_id)


def test_unknown_languages(client: deepl.DeepLClient) -> None:
    with pytest.raises(deepl.DeepLException, match=r"Bad request, message: .*'target_lang'"):
        client.translate_text("Hund", target_lang="XX")
    with pytest.raises(deepl.DeepLException, match=r"Bad request, message: .*'source_lang'"):
        client.translate_text("Hund", source_lang="XX", target_lang="EN-US")
    with pytest.raises(deepl.DeepLException, match=r"Bad request, message: .*'target_lang'"):
        client.create_glossary("mine", "DE", "XX", {"a": "b"})


def test_too_many_texts(client: deepl.DeepLClient) -> None:
    with pytest.raises(deepl.DeepLException, match=r"Bad request, message: .*51 texts"):
        client.translate_text(["a"] * 51, source_lang="DE", target_lang="EN-US")


def test_a_formality_we_do_not_have(client: deepl.DeepLClient) -> None:
    with pytest.raises(deepl.DeepLException, match="'formality' is not supported"):
        client.translate_text("a", source_lang="DE", target_lang="EN-US", formality=deepl.Formality.MORE)


def test_a_body_that_is_too_large(client: deepl.DeepLClient) -> None:
    with pytest.raises(deepl.DeepLException, match="413"):
        client.translate_text("a" * (128 << 10), source_lang="DE", target_lang="EN-US")


def test_the_quota(client: deepl.DeepLClient) -> None:
    with pytest.raises(deepl.QuotaExceededException, match="quota of 5000"):
        client.translate_text("a " * CHARACTER_LIMIT, source_lang="DE", target_lang="EN-US")


def test_busy_and_gone(tokenizer_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deepl.http_client, "max_network_retries", 0)
    process = Process(tokenizer_file, tmp_path, "--port=0", "--grace-s=1", "--deadline-s=0.3")
    try:
        with closing(deepl.DeepLClient("test-key", server_url=process.wait_until_ready())) as client:
            with pytest.raises(deepl.TooManyRequestsException, match="deadline"):
                client.translate_text("Warte.", source_lang="DE", target_lang="EN-US")
            with pytest.raises(deepl.DeepLException, match="Service unavailable, message: "):
                client.translate_text("Stirb.", source_lang="DE", target_lang="EN-US")
    finally:
        process.process.kill()
        process.wait()
