"""Names with a slip are told from names that the other language spells otherwise; rests of the source, from names."""

import pytest

from server.text.slips import find_slips, leaves_words


@pytest.mark.parametrize(
    ("source", "target", "slips"),
    [
        ("Jazz gibt es in Stuttgart.", "There is jazz in Stutgart.", ("Stuttgart",)),
        ("Bishop Emmeline spoke.", "Bischof Emmmeline sprach.", ("Emmeline",)),
        ("Frau Plamondon und Herr Snowden", "Mrs Plamonon and Mr Snowen", ("Plamondon", "Snowden")),
        ("Wir sind in Wetzlar.", "We are in Weetzlar.", ("Wetzlar",)),
        # As another language writes them, in another case, or with its ending.
        ("Lukas kommt aus Attika.", "Lucas is from Attica.", ()),
        ("Das Parlament in Finnland", "The Parliament in Finland", ()),
        ("Emmelines Haus", "Emmeline's House", ()),
        ("Das Haus von Werner", "Werner's house", ()),
        ("Die Universität Stuttgart", "The University of Stuttgart", ()),
        ("Eine gute Nachricht", "A good message", ()),
        # What is there as it should be as well was said twice.
        ("Stuttgart ist groß.", "Stuttgart (Stutgart) is big.", ()),
        ("Siehe www.Stuttgart.de", "See www.Stutgart.de", ()),
        ("DIE STADT STUTTGART", "THE CITY STUTGART", ()),
        ("", "", ()),
    ],
)
def test_slips(source: str, target: str, slips: tuple[str, ...]) -> None:
    assert find_slips(source, target) == slips


@pytest.mark.parametrize(
    ("source", "target", "left"),
    [
        (
            "Der Hund läuft über die Straße und der Mann kauft frisches Brot.",
            "The dog runs across the street und der Mann kauft frisches Brot.",
            True,
        ),
        ("Er sagte, dass er morgen wieder kommen will.", "He said that morgen wieder kommen will.", True),
        ("Helen Keller und Anna Maria van der Stelt kommen.", "Helen Keller and Anna Maria van der Stelt come.", False),
        ('Er sagte "aller guten Dinge sind drei wieder".', 'He said "aller guten Dinge sind drei wieder".', False),
        ("Typen: long, ulong, float, double, int", "Types: long, ulong, float, double, int", False),
        ("Buchstabiert: s a n d r a, nicht anders", "Spelled: s a n d r a, not otherwise", False),
        ("Das Wort was und also in der Hand", "The word was and also in the hand", False),
        ("", "", False),
    ],
)
def test_rests(source: str, target: str, left: bool) -> None:
    assert leaves_words(source, target) == left
