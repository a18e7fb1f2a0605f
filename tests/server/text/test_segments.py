"""Segments join to the text exactly, and sentences end where they should."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.text import segments as segments_module
from server.text.segments import MAX_WINDOW, Segment, halve, join_text, split_text

ODD = st.text(alphabet="aB1 .!?„“\"'()-–,\t\n\r\x0b\x0c\x85\u2028\x00\u200b\ufeff😀👍🏽\u200d•ß中。", max_size=200)
ANY = st.text(alphabet=st.characters(exclude_categories=()), max_size=200)  # lone surrogates too


@given(text=st.one_of(st.text(), ODD, ANY), language=st.sampled_from(["de", "en", "fr", "xx", ""]))
@settings(max_examples=500, deadline=None)
def test_segments_join_to_the_text(text: str, language: str) -> None:
    segments = split_text(text, language)
    assert join_text(segments) == text
    assert all(segment.text == segment.text.strip() for segment in segments)
    assert all(segment.text for segment in segments[1:])
    assert not any(end in segment.text for segment in segments for end in "\n\r\u2028")


@given(text=ODD)
@settings(deadline=None)
def test_halves_join_to_the_segment(text: str) -> None:
    segment = Segment(text.strip(), " \n")
    halves = halve(segment)
    if halves is None:
        assert len(segment.text) < 2
    else:
        assert join_text(halves) == join_text((segment,))
        assert all(half.text for half in halves)


@pytest.mark.parametrize(
    ("language", "text", "sentences"),
    [
        ("de", "Hallo. Wie geht's? Gut!", ["Hallo.", "Wie geht's?", "Gut!"]),
        ("de", "Im 19. Jahrhundert lebte Dr. Müller. Er starb am 3. Mai.", 2),
        ("de", "Er ist 19. Sie kommt. Das war 2019. Dann Ruhe.", 4),
        ("de", "Inkl. Kinder ca. 5 Euro. Siehe Abb. 3 usw.", 2),
        ("de", '"Ja!" sagte er. "Nein."', ['"Ja!" sagte er.', '"Nein."']),
        ("de", "Ein Satz\nohne Punkt. Und\r\nnoch einer", 4),
        ("en", "Mr. Smith met J. R. Tolkien. So did I. He left.", 3),
        ("en", "see eq. (4) there. then go. ok", 3),
        ("fr", "Voir M. Dupont, le Dr. Martin. Il vient.", 2),
        ("de", "Name\tPreis \t Ort", ["Name", "Preis", "Ort"]),
        ("de", "es ist gut. das ist auch gut. wir gehen.", 3),
        ("de", "das kostet ca. 5 euro, z. b. für holz. frau klein wohnt dort.", 2),
        ("de", "Frau Klein, geb. Maier, wohnt dort. Sie ist da.", 2),
        ("en", "it's e.g. this one. ok", 2),
        ("en", "", []),
        ("en", " \n\t ", []),
    ],
)
def test_sentences(language: str, text: str, sentences: int | list[str]) -> None:
    found = [segment.text for segment in split_text(text, language) if segment.text]
    assert (len(found) if isinstance(sentences, int) else found) == sentences


def test_white_space_and_symbols_stay_between_the_sentences() -> None:
    segments = split_text("  • Toll! 😀 Was nun?\n\n\t👍🏽 Los 🚀\n", "de")
    assert segments == (
        Segment("", "  • "),
        Segment("Toll!", " 😀 "),
        Segment("Was nun?", "\n\n\t👍🏽 "),
        Segment("Los", " 🚀\n"),
    )


def test_long_lines_are_shown_in_windows_and_still_split_at_sentences() -> None:
    sentence = "Dies ist ein Satz von mittlerer Länge. "
    segments = split_text(sentence * 1000, "de")
    assert {segment.text for segment in segments} == {sentence.strip()}
    assert len(segments) == 1000


def test_a_long_line_without_full_stops_is_cut_at_white_space() -> None:
    segments = split_text("wort " * 5000, "de")
    assert len(segments) > 1
    assert all(len(segment.text) <= MAX_WINDOW and segment.text.endswith("wort") for segment in segments)


def test_a_run_that_is_slow_for_the_splitter_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one piece it would take minutes."""
    shown: list[int] = []
    split = segments_module.split_sentences

    def watched(language: str, text: str) -> list[str]:
        shown.append(len(text))
        return list(split(language, text))

    monkeypatch.setattr(segments_module, "split_sentences", watched)
    assert join_text(split_text("„" * 100_000, "de")) == "„" * 100_000
    assert max(shown) <= MAX_WINDOW


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("eins zwei, drei vier fünf", "eins zwei,"),
        ("eins zwei drei vier", "eins zwei"),
        ("a, " + "b" * 20, "a,"),
        ("abcdef", "abc"),
        ("3,141592653589793", "3,141592"),
    ],
)
def test_the_cut_is_at_a_clause_or_a_word_or_anywhere(text: str, left: str) -> None:
    halves = halve(Segment(text, ""))
    assert halves is not None
    assert halves[0].text == left


def test_a_street_and_its_number_are_one_sentence() -> None:
    assert len(split_text("Er wohnt in der Hauptstr. 5 und bleibt.", "de")) == 1


@pytest.mark.parametrize("mark", ["\ufeff", "\u200f", "\u200b", "\u2060"])
def test_what_nobody_sees_stays_at_the_edge(mark: str) -> None:
    segments = split_text(f"{mark}Guten Abend{mark}", "de")
    assert [each.text for each in segments] == ["", "Guten Abend"]
    assert join_text(segments) == f"{mark}Guten Abend{mark}"
