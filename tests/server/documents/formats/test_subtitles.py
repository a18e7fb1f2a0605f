"""Srt and vtt: numbers and times verbatim, marks kept, lines joined and broken again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.documents.formats.inline import without_tags
from server.documents.formats.registry import FORMATS
from server.documents.formats.wrapping import wrap
from tests.server.documents.builders import change

SRT, VTT = FORMATS["srt"], FORMATS["vtt"]

FILE = """1
00:00:01,000 --> 00:00:04,074  X1:40 X2:600 Y1:20 Y2:50
{\\an8}<i>One two three four
five six</i> seven.

2
00:00:05,000-->00:00:06,000
- Eight nine.
- <font color="#ffff00">Ten</font> & < 11.

3
00:00:07,000 --> 00:00:08,000
♪ twelve ♪

1984
00:00:08,500 --> 00:00:09,000


5
00:00:10,000 --> 00:00:11,000
1984

was <b>a good

year
"""


def test_what_the_translator_sees() -> None:
    assert SRT.read(FILE.encode()) == [
        "<g0>One two three four five six</g0> seven.",
        "Eight nine.",
        "<g0>Ten</g0> &amp; &lt; 11.",
        "twelve",
        "1984",
        "was <?x0?>a good",
        "year",
    ]


def test_only_words_change() -> None:
    expected = FILE.replace("One two three four", "ONE TWO THREE FOUR").replace(
        "five six</i> seven", "FIVE SIX</i> SEVEN"
    )
    for word in ("Eight", "nine", "Ten", "twelve", "was", "good", "year"):
        expected = expected.replace(word, word.upper())
    expected = expected.replace("<b>a", "<b>A")
    assert change(SRT, FILE.encode(), str.upper).decode() == expected


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_line_ends_and_encodings_stay(end: str, encoding: str) -> None:
    data = FILE.replace("\n", end).encode(encoding)
    assert SRT.write(data, SRT.read(data)) == data
    changed = change(SRT, data, str.upper).decode(encoding)
    assert changed.splitlines() == change(SRT, FILE.encode(), str.upper).decode().splitlines()
    assert set(changed.replace(end, "")) & set("\r\n") == set()


def test_a_longer_translation_has_as_many_lines() -> None:
    texts = SRT.read(FILE.encode())
    texts[0] = "<g0>" + "wort " * 12 + "ende</g0> seven."
    lines = SRT.write(FILE.encode(), texts).decode().split("\n")
    assert lines[2:5] == [
        "{\\an8}<i>wort wort wort wort wort wort wort",
        "wort wort wort wort wort ende</i> seven.",
        "",
    ]


def test_a_translation_that_lost_a_mark_is_not_taken() -> None:
    texts = ["lost", *SRT.read(FILE.encode())[1:]]
    assert SRT.write(FILE.encode(), texts) == FILE.encode()


TEXT = st.lists(
    st.sampled_from(
        ["one", "two,", "3", "<i>", "</i>", "<b>", "</b>", "{\\an8}", "-", "♪", "&", "<", "\n", "\n\n", "é"]
    ),
    max_size=12,
).map(" ".join)
CUES = st.lists(TEXT, max_size=4).map(
    lambda cues: "".join(f"{i}\n00:00:0{i},000 --> 00:00:0{i},500\n{cue}\n\n" for i, cue in enumerate(cues, 1))
)


@given(CUES)
@settings(deadline=None)
def test_the_same_texts_give_the_same_file(file: str) -> None:
    data = file.encode()
    assert SRT.write(data, SRT.read(data)) == data


@given(CUES)
@settings(deadline=None)
def test_every_mark_and_word_is_there_once(file: str) -> None:
    found = change(SRT, file.encode(), str.upper).decode()
    assert sorted("".join(found.upper().split())) == sorted("".join(file.upper().split()))
    assert [line for line in found.split("\n") if "-->" in line] == [line for line in file.split("\n") if "-->" in line]


def test_any_text_is_taken_for_a_file_without_cues() -> None:
    assert SRT.read(b"just\ntext\n") == []
    assert SRT.write(b"just\ntext\n", []) == b"just\ntext\n"


VTT_FILE = """WEBVTT - one

STYLE
::cue { color: red }

NOTE two
three

id four
00:01.000 --> 00:02.000 align:start
<v Bob>Hello &amp; goodbye
<00:01.500>you

00:00:03.000 --> 00:00:04.000
- five
- six
"""


def test_vtt() -> None:
    texts = VTT.read(VTT_FILE.encode())
    assert [without_tags(text) for text in texts] == ["Hello & goodbye you", "five", "six"]
    assert VTT.write(VTT_FILE.encode(), texts) == VTT_FILE.encode()
    changed = change(VTT, VTT_FILE.encode(), str.upper).decode()
    expected = VTT_FILE.replace("five", "FIVE").replace("six", "SIX")
    assert changed.split("\n")[12:] == expected.split("\n")[12:]
    assert changed.split("\n")[:10] == VTT_FILE.split("\n")[:10]
    assert changed.split("\n")[10:12] == ["<v Bob>HELLO &amp;", "GOODBYE <00:01.500>YOU"]


def cue(*lines: str, head: str = "1\n00:00:01,000 --> 00:00:02,000\n") -> bytes:
    return (head + "\n".join(lines) + "\n").encode()


@pytest.mark.parametrize(
    ("lines", "texts"),
    [
        (["LOTSE: Wo ist", "das Boot?", "KÖCHIN 2 (leise): Fort."], ["Wo ist das Boot?", "Fort."]),
        (["{\\an8}<i>DR. O'NEIL: Halt!</i>", "- Nein."], ["<g0>DR. O'NEIL: Halt!</g0>", "Nein."]),
        (["Ich sah: Das Boot", "fuhr fort."], ["Ich sah: Das Boot fuhr fort."]),
        (["[Wellen rauschen]", "Sie sagte:", "Komm!"], ["[Wellen rauschen]", "Sie sagte: Komm!"]),
        (["<i>(Möwen)</i>", "Da!", "[Stille]"], ["<g0>(Möwen)</g0>", "Da!", "[Stille]"]),
        (["Das [alte] Boot", "(es fuhr) fort"], ["Das [alte] Boot (es fuhr) fort"]),
        (["Das Boot\\Nfuhr fort.\\N- Wohin?\\N- Weg."], ["Das Boot fuhr fort.", "Wohin?", "Weg."]),
    ],
)
def test_what_one_speaker_says_is_one_text(lines: list[str], texts: list[str]) -> None:
    data = cue(*lines)
    assert SRT.read(data) == texts
    assert SRT.write(data, texts) == data


def test_a_speakers_name_stays_and_what_is_said_stays_behind_it() -> None:
    data = cue("LOTSE: Wo ist das Boot?", "KÖCHIN: Fort.")
    written = SRT.write(data, ["Where is the old boat?", "Gone."])
    assert written == cue("LOTSE: Where is the old boat?", "KÖCHIN: Gone.")


def test_lines_that_ass_ends_are_ended_so_again() -> None:
    data = cue("Das alte Boot\\Nfuhr fort\\Nund", "kam wieder.\\N")
    assert SRT.write(data, ["The old boat went away and returned"]) == cue(
        "The old\\Nboat went\\Naway and", "returned\\N"
    )


def test_references_of_vtt() -> None:
    data = cue(
        "LOTSE&nbsp;2: Brot&nbsp;&amp; K&auml;se &lt;dort&gt;&lrm;", head="WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n"
    )
    [text] = VTT.read(data)
    assert without_tags(text) == "Brot\xa0& Käse <dort>\u200e"
    assert VTT.write(data, [text]) == data
    written = VTT.write(data, ["Bread\xa0&amp; cheese &lt;there&gt;\u200e"]).decode()
    assert written.endswith("\nLOTSE&nbsp;2: Bread&nbsp;&amp; cheese &lt;there&gt;&lrm;\n")
    assert SRT.read(cue("Brot&nbsp;da")) == ["Brot&amp;nbsp;da"]  # in srt they are only signs


def brute_force(widths: list[int], num_lines: int) -> int:
    """The shortest possible longest line."""
    if num_lines == 1 or len(widths) == 1:
        return sum(widths) + len(widths) - 1
    return min(
        max(sum(widths[:cut]) + cut - 1, brute_force(widths[cut:], num_lines - 1)) for cut in range(1, len(widths))
    )


@given(st.lists(st.integers(0, 9), min_size=1, max_size=7), st.integers(1, 4))
@settings(deadline=None)
def test_lines_are_as_short_as_can_be(widths: list[int], num_lines: int) -> None:
    counts = wrap(widths, num_lines)
    assert sum(counts) == len(widths)
    assert len(counts) <= num_lines
    lengths, start = [], 0
    for count in counts:
        assert count
        lengths.append(sum(widths[start : start + count]) + count - 1)
        start += count
    shortest = min(brute_force(widths, lines) for lines in range(1, num_lines + 1))
    assert max(lengths) == shortest
