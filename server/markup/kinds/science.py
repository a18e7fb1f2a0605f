"""Numbers, amounts, formulas: what is read as it stands in every language."""

import re

from server.markup.kinds.kind import HAZARDS, NUMBER, MarkKind

_ELEMENTS = (
    "He|Li|Be|Ne|Na|Mg|Al|Si|Cl|Ar|Ca|Sc|Ti|Cr|Mn|Fe|Co|Ni|Cu|Zn|Ga|Ge|As|Se|Br|Kr|Rb|Sr|Zr|Mo|Ag|Cd|Sn|Sb|Te|Xe|Cs|Ba|"
    "Pt|Au|Hg|Pb|Bi|Ra|Th|H|B|C|N|O|F|P|S|K|V|I|W|U|Y"
)
_POWER = "[⁺⁻⁰²³¹⁴-⁹]"
_TERM = rf"(?:{NUMBER}[A-Za-z]{{0,2}}|[A-Za-z]{{1,2}})(?:[{HAZARDS}]|\^\d)*+"

SCIENCE = (
    MarkKind(
        "time code",
        "word",
        r"(?<![\d:])\d{1,2}:\d\d:\d\d(?:[.,:]\d{1,3}+)(?!\d) | \[\d\d:\d\d(?:[.:]\d{1,3}+)?+\]",
        ("00:01:23,456", "[01:23.45]"),
        needs=":",
    ),
    MarkKind("key of a telephone", "word", "[0-9\\#*]\ufe0f?\u20e3", ("1\ufe0f\u20e3",), needs="\u20e3"),
    MarkKind(
        "angle",
        "word",
        r"""(?<![\w.,])[-−+]?\d{1,3}(?:[.,]\d{1,6})?\s?°\s?\d{1,2}(?:[.,]\d{1,6})?\s?[′'’](?:\s?\d{1,2}(?:[.,]\d{1,6})?\s?(?:[″"”]|''))?
            (?:\s?[NSEWO](?!\w))?
          | (?<![\w.,])\d{1,4}(?:[.,]\d{1,3})?\s?[″′](?!\w)
          | (?<![\w.,'])\d{1,2}['′]\s?\d{1,2}(?:["″”]|'')(?!\w)""",
        ("52°31′N", "45° 30′ 15″ N", "5'11\"", "10″"),
        needs="° ' ′ ″",
    ),
    MarkKind(
        "calculation",
        "word",
        rf"""(?<![\w.,])(?=[\d.,\s+\-−*/·]{{1,60}}[×÷=≈≠≤≥±^]\s?[-−+]?\d)
             {NUMBER}{_POWER}{{0,4}}(?:\s?[+\-−*/·×÷=≈≠≤≥±^]\s?[-−+]?{NUMBER}{_POWER}{{0,4}}){{1,12}}+(?!\w)""",
        ("3 × 4 = 12", "2^3", "10 ± 2", "3×10⁸"),
        needs=re.compile("[×÷=≈≠≤≥±^]"),
    ),
    MarkKind(
        "equation",
        "word",
        rf"""(?<![\w&?])[A-Za-z](?:\([a-z]\))?\s?=\s?-?{_TERM}(?:(?:\s?[+/\-−·]\s?|\s\*\s|\*){_TERM}){{0,6}}(?![\w.,]\w)(?!\w)""",
        ("E = mc²", "x = 5", "y = 3x + 2", "f(x) = x^2"),
        needs="=",
    ),
    MarkKind(
        "power",
        "word",
        r"(?<!\w)[\w.]{1,20}+\^(?:[\w]{1,10}+|\{[\w+\-]{1,20}+\}|[-+]?\d{1,10}+)(?!\w)",
        ("x^2", "10^-3"),
        needs="^",
    ),
    MarkKind(
        "amount",
        "word",
        r"(?<![\w.,])[-−+]?\d[\d.,]{0,20}+\s?(?:°(?:\s?[CFK])?(?!\w)|[µμΩ]\w{0,3}+(?!\w)|[kKMGm]Ω)",
        ("20 °C", "5 µm", "90°"),
        needs="° µ μ Ω Ω",
    ),
    MarkKind(
        "number of a footnote",
        "hidden",
        r"(?<=[^\W\d_]{4})[¹²³⁴-⁹™]{1,2}(?!\w)",
        ("Fußnote¹", "Marke™"),
        needs=re.compile("[¹²³⁴-⁹™]"),
    ),
    MarkKind(
        "superscript",
        "word",
        rf"""(?<!\w)(?![^\W\d_{HAZARDS}]{{4,40}}[¹²³⁴-⁹™]{{1,2}}(?!\w))(?:\d(?:[.,]?\d){{0,12}}[ \u00a0])?
             (?:[^\W{HAZARDS}]|[.,](?=\d)){{0,40}}+[™№Ω{HAZARDS}][\w{HAZARDS}⁺⁻]{{0,40}}+""",
        ("5²", "10³", "2½", "m²", "H₂O", "1,5m²", "№", "ℝ", "20 ㎡"),
        needs=re.compile(f"[™№Ω{HAZARDS}]"),
    ),
    MarkKind(
        "chemical formula",
        "word",
        rf"""(?<![\w\-])(?=[A-Za-z]{{1,6}}\d|[A-Za-z]{{0,3}}\()(?:(?:{_ELEMENTS})\d{{0,3}}|\((?:(?:{_ELEMENTS})\d{{0,2}}){{1,4}}\)\d{{1,2}}){{2,12}}(?:\d?[+−])?(?!\w)
          | (?<![\w\-])(?:{_ELEMENTS})(?:\d{{1,2}})?(?:\d?[+])(?![\w+])""",
        ("H2O", "CO2", "C6H12O6", "Ca2+", "Na+", "Ca(OH)2"),
        needs=re.compile("[A-Za-z)][0-9+]"),
    ),
)
