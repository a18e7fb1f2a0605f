"""The table of marks: what a program, a reader or a page will use as it is, so that no character may change.

One entry a kind: what it matches, what it is in the sentence, and examples, which are its tests. The first kind that
matches counts, so a special kind stands before the general one that it looks like. No expression reads a character more
than a few hundred times, whatever the text: repetitions are possessive or bounded, and looks ahead are bounded.
"""

from dataclasses import dataclass
from typing import Literal

# word: takes the place of a noun in its sentence. hidden: takes none. tag: opens, closes or stands alone, by the
# groups `close`, `name` and `empty`. start, end: around language. emphasis: start and end look alike. message: a word
# with language inside, which is translated by itself. border: no sentence goes across it.
Role = Literal["word", "hidden", "tag", "start", "end", "emphasis", "message", "border"]


@dataclass(frozen=True)
class MarkKind:
    """A kind of mark.

    Attributes:
        pattern: a verbose expression, read in the raw text, where entities are still written out.
        examples: texts that are one mark of this kind, or for starts and ends have one at their start or end.
        only_plain: whether it is looked for in plain text alone, not between the tags of html and xml.
        pair: of starts, ends and emphasis: only marks of the same name belong together.
    """

    name: str
    role: Role
    pattern: str
    examples: tuple[str, ...]
    only_plain: bool = False
    pair: str = ""


_TAG_ATTRIBUTES = (
    r"""(?:\s++[\w:@.\-]{1,60}+(?:\s?=\s?(?:"[^"<>]{0,2000}+"|'[^'<>]{0,2000}+'|[^\s"'<>=`]{1,500}+))?+)*+"""
)
_NO_SPACE = r"[^\s<>\"&]"
_ENTITY_OF_SENTENCE = r"&(?:quot|apos|lt|gt|nbsp|\#3[49]|\#160);"
_TOP_LEVEL = "com|org|net|de|eu|io|dev|info|edu|gov|uk|fr|ch|pl|nl|tv|ai|app|biz|cloud|blog|shop|jp|cn|ru|br|se|dk|fi"
# These are words as well, so they need a path behind them.
_WORDLIKE_TOP_LEVEL = "at|it|es|us|me|be|no|to|in|is|so|am|co|ly|gg|cc|page|online|site|world"
_SUFFIXES = (
    "pdf|docx?|xlsx?|pptx?|odt|ods|txt|csv|tsv|json|ya?ml|toml|xml|html?|css|jsx?|tsx?|py|rb|rs|java|cpp|cs|php|"
    "sh|bat|exe|dll|zip|tar|gz|png|jpe?g|gif|svg|webp|mp3|mp4|wav|avi|mkv|srt|vtt|md|rst|ini|cfg|conf|log|sql|db|apk|iso"
)
_ELEMENTS = (
    "He|Li|Be|Ne|Na|Mg|Al|Si|Cl|Ar|Ca|Sc|Ti|Cr|Mn|Fe|Co|Ni|Cu|Zn|Ga|Ge|As|Se|Br|Kr|Rb|Sr|Zr|Mo|Ag|Cd|Sn|Sb|Te|Xe|Cs|Ba|"
    "Pt|Au|Hg|Pb|Bi|Ra|Th|H|B|C|N|O|F|P|S|K|V|I|W|U|Y"
)
# What the normalisation of a vocabulary turns into other signs: superscripts, subscripts, fractions, circled numbers.
HAZARDS = "²³¹ªºµ¼½¾™℠℃℉№ℓΩ\u2070-\u209c\u2150-\u218b\u2460-\u24ff\u1d2c-\u1d6a"
_NUMBER = r"\d{1,20}+(?:[.,]\d{1,20}+){0,5}+"
_TERM = rf"(?:{_NUMBER}[A-Za-z]{{0,2}}|[A-Za-z]{{1,2}})(?:[{HAZARDS}]|\^\d)*+"
_FORMAT = r"(?:\d{1,4}+\$)?+ [-+\#0]*+ \d*+ (?:\.\d++)?+ (?:hh?|ll?|[Lzjtq])?"


def _emphasis(name: str, sign: str, example: str) -> MarkKind:
    """A sign that opens before a word and closes behind one."""
    char = sign[-1]
    around = rf"(?<![\w{char}\\]){sign}(?=[^\s{char}])|(?<=[^\s{char}\\]){sign}(?![\w{char}])"
    return MarkKind(name, "emphasis", around, (example,), True, name)


_CODE = (
    MarkKind("comment", "hidden", r"<!--(?:[^\-]|-(?!->)){0,1000}+-->", ("<!-- Notiz -->",), True),
    MarkKind("template tag", "word", r"<%[^%<>\n]{0,300}+%>|<\?[a-z=][^<>\n]{0,300}+\?>", ("<%= name %>",), True),
    MarkKind(
        "role of reST",
        "word",
        r":[a-z][\w\-]{0,30}+(?::[\w\-]{1,30}+)?:`[^`\n]{1,200}+`",
        (":ref:`Anfang <start>`", ":math:`a^2`"),
        True,
    ),
    MarkKind(
        "start of a link of reST", "start", r"`(?=[^`<\n]{1,200}<[^<>\s]{1,300}+>`_)", ("`Text <https://a.de>`_",), True
    ),
    MarkKind("end of a link of reST", "end", r"\s?<[^<>\s]{1,300}+>`__?+", ("`Text <https://a.de>`_",), True),
    MarkKind(
        "code", "word", r"(?P<ticks>(?<!`)`{1,3}+)(?!`)[^`\n]{1,300}+(?P=ticks)(?!`)", ("`npm start`", "``x``"), True
    ),
    MarkKind(
        "formula of TeX",
        "word",
        r"""\$\$[^$\n]{1,500}+\$\$
          | (?<![\w$\\])\$(?=[^\s$])(?=[^$\n\\^_={}+]{0,60}[\\^_={}+])[^$\n]{1,200}+\$(?<!\s\$)(?![\w$])
          | \\\((?:[^\\\n]|\\(?!\))){1,300}+\\\) | \\\[(?:[^\\\n]|\\(?!\])){1,300}+\\\]""",
        ("$a^2 + b^2$", "$$x = y$$", r"\(x_1\)"),
        True,
    ),
)

_PATHS = (
    MarkKind(
        "address",
        "word",
        rf"""\b(?:[a-z][a-z0-9+\-]{{1,15}}://|mailto:|tel:(?=\+?\d)|www\.(?=\w))
             (?:{_NO_SPACE}++|&(?!(?:quot|apos|lt|gt|nbsp|\#3[49]|\#160);))++""".replace("\\b", r"(?<![\w])"),
        ("https://example.org/a?b=1&c=2", "ftp://a.de/x", "www.a.de", "mailto:a@b.de", "app://open/1"),
    ),
    MarkKind(
        "e-mail", "word", r"(?<![\w.+\-])[\w.+\-]{1,64}+@[\w\-]{1,63}+(?:\.[\w\-]{1,63}+)++", ("info@beispiel.de",)
    ),
    MarkKind(
        "address without a scheme",
        "word",
        rf"""(?<![\w@./\-])(?:[A-Za-z0-9][A-Za-z0-9\-]{{0,62}}+\.){{1,5}}
             (?:(?:{_TOP_LEVEL})(?![\w\-])(?::\d{{1,5}})?+(?:[/?\#]{_NO_SPACE}{{0,2000}}+)?+
               |(?:{_WORDLIKE_TOP_LEVEL})(?::\d{{1,5}})?+/{_NO_SPACE}{{0,2000}}+)
          | (?<![\w.])(?:localhost|\d{{1,3}}(?:\.\d{{1,3}}){{3}})(?::\d{{1,5}}(?!\d))?+
             (?:/{_NO_SPACE}{{0,500}}+)?+(?![\w])
        """,
        ("example.org/a", "docs.example.com", "localhost:8080/x", "10.0.0.1:80", "orf.at/stories"),
    ),
    MarkKind(
        "path",
        "word",
        rf"""(?<!\w)[A-Za-z]:\\[^\s<>:"|?*]{{0,260}}+ | (?<![\w\\])\\\\[\w.$\-]{{1,60}}+(?:\\[\w.$\-]{{1,80}}+){{1,20}}+
          | (?<![^\s"'(=,`])(?:~|\.{{1,2}})?/(?:[\w.@+\-]{{1,80}}+/){{1,20}}+(?:[\w.@*+\-]{{1,80}}+)?+
          | (?<![^\s"'(=,`])(?:~|\.{{1,2}})/[\w.@*+\-]{{1,80}}+ | (?<![^\s"'(=])/[a-z][\w.@\-]{{1,80}}+
          | (?<![\w/.\-])(?:[\w.\-]{{1,60}}+/){{1,9}}+[\w.\-]{{1,60}}?\.(?:{_SUFFIXES})(?!\w)
          | (?<![\w/.])(?:\*|[\w\-]{{1,80}}+)(?:\.[\w\-]{{1,20}}+){{0,3}}?\.(?:{_SUFFIXES})(?![\w/])""",
        (
            r"C:\Users\anna",
            "/usr/local/bin",
            "src/main.py",
            "~/x.txt",
            "*.csv",
            "bericht.pdf",
            "/preise",
            r"\\srv\share",
        ),
    ),
)

_PLACEHOLDERS = (
    MarkKind(
        "message of ICU",
        "message",
        r"\{\s?[\w.]{1,60}+\s?,\s?(?:plural|select|selectordinal)\s?,",
        ("{n, plural, one {# Stuhl} other {# Stühle}}", "{w, select, male {Er} other {Sie}}"),
    ),
    MarkKind(
        "language of Moodle",
        "tag",
        r"\{(?P<name_m>mlang)(?:\s++[\w ,\-]{1,40}+|(?P<close_m>))\}",
        ("{mlang de}", "{mlang}"),
    ),
    MarkKind("style of subtitles", "hidden", r"\{\\[^{}\n]{0,300}+\}", (r"{\an8}", r"{\pos(1,2)\i1}")),
    MarkKind(
        "template",
        "word",
        r"\{\{\{?+[^{}\n]{0,200}+\}\}\}?+ | \{%[^{}%\n]{0,200}+%\} | \*\|[\w:]{1,60}+\|\* | <<[\w .]{1,60}+>>",
        ("{{ name }}", "{% if a %}", "{{{html}}}", "*|FNAME|*", "<<Name>>", "{{count, number}}"),
    ),
    MarkKind(
        "name in braces",
        "word",
        r"""[$\#%@]?\{[\w.:!,+\-\#\[\]$@|'"()/*?=]{0,64}+\}
          | [$\#%@]?\{\s?[\w.\[\]]{1,60}+\s?(?:![rsa])?(?:[,:][^{}\n]{0,60}+)?\s?\}""",
        (
            "{name}",
            "{0:.2f}",
            "${var}",
            "#{var}",
            "%{var}",
            "{ name }",
            "{d, date, short}",
            "{0!r:>10}",
            "{a[b]}",
            "{}",
        ),
    ),
    MarkKind("nested key of i18next", "word", r"\$t\([^()\n]{1,200}+\)", ("$t(key)",)),
    MarkKind("emoji by name", "word", r"(?<![\w:]):(?=[\w+\-]{0,40}[a-z])[\w+\-]{2,40}+:(?![\w:])", (":smile:",)),
    MarkKind(
        "name between signs",
        "word",
        r"""(?<![\d%])%[A-Za-z_]\w{1,63}+%(?!\w) | (?<![\w\#])\#\#\w{1,40}+\#\#(?![\w\#])
          | (?<!\w)__[A-Z][A-Z0-9_]{1,40}?__(?!\w)
          | (?<![\w@])@[A-Za-z_]\w{1,40}+@(?![\w@])""",
        ("%name%", "##name##", "__COUNT__", "@name@"),
    ),
    MarkKind(
        "placeholder of printf",
        "word",
        rf"""%% | %\([\w.\- ]{{1,64}}+\)[-+\#0-9.]{{0,8}}[a-zA-Z] | %<\w{{1,64}}+>[-+\#0-9.]{{0,8}}[a-zA-Z]?
          | (?<![\d%])%{_FORMAT}(?:[sd]|[iufFeEgGxXocpbaA@](?![A-Za-z])) | (?<![\w%])%(?:L?\d{{1,2}}+|n)(?![\w%$])""",
        ("%s", "%1$s", "%-5d", "%(name)s", "%%", "%<name>s", "%1", "%n", "%L2", "%@"),
    ),
    MarkKind(
        "variable",
        "word",
        r"(?<![\w$])\$[A-Za-z_]\w{0,40}+(?:->\w{1,40}+)?+ | (?<![^\s(\"'„“>]):[a-z_][a-z0-9_]{1,40}+(?![\w:`])",
        ("$HOME", "$user->name", ":count"),
    ),
)

_WEB = (
    MarkKind(
        "address in angles", "word", r"<(?:[a-z]{2,10}+:|[\w.+\-]{1,64}+@)[^<>\s]{1,500}+>", ("<https://a.de/x>",), True
    ),
    MarkKind("time in a cue", "hidden", r"<\d{1,2}:[\d:.]{4,12}+>", ("<00:00:05.000>",), True),
    MarkKind(
        "tag",
        "tag",
        rf"<(?P<close_t>/?)(?P<name_t>[A-Za-z][\w:\-]{{0,40}}+|\d{{1,3}}+)(?:\.[\w.\-]{{1,40}}+)?+{_TAG_ATTRIBUTES}\s?(?P<empty_t>/?)>",
        ('<a href="x">', "</a>", "<br/>", "<0>", "</0>", "<v Anna>", "<c.gelb>", "<b>"),
        True,
    ),
    MarkKind(
        "escaped tag",
        "tag",
        r"&lt;(?P<close_e>/?)(?P<name_e>[A-Za-z][\w:\-]{0,40}+)(?:[^&<>\n]|&(?!lt;|gt;)){0,300}?(?P<empty_e>/?)&gt;",
        ("&lt;b&gt;", "&lt;/b&gt;", "&lt;br/&gt;"),
        True,
    ),
    MarkKind(
        "shortcode",
        "tag",
        r"""\[(?P<close_s>/?)(?P<name_s>[A-Za-z][\w\-]{0,30}+)
            (?P<attributes>=[^\[\]\n]{1,300}+|(?:\s++[\w\-]{1,40}+=(?:"[^"\n\]]{0,300}+"|'[^'\n\]]{0,300}+'|[^\s\]"'\[]{1,100}+))++)?+
            \s?(?P<empty_s>/?)\](?![(\[\]])""",
        ('[gallery ids="1,2" columns="3"]', "[/button]", "[url=https://a.de]", "[b]"),
    ),
    MarkKind(
        "mention",
        "word",
        r"(?<![\w/@.&])@[A-Za-z_](?:[\w.\-]{0,60}\w)?+(?:@[\w\-]{1,60}+(?:\.[\w\-]{1,60}+)++)?+",
        ("@hans", "@hans@example.social"),
    ),
    MarkKind("hashtag", "word", r"(?<![\w&/\#])\#\w{1,100}+(?!\#)", ("#Hafenfest", "#123", "#ff0000")),
)

_MARKDOWN = (
    MarkKind("footnote", "hidden", r"\[\^[\w\-]{1,40}+\](?!:)", ("[^1]",), True),
    MarkKind("wiki word", "word", r"!?\[\[[^\[\]|\n]{1,200}+\]\]", ("[[Mathe]]", "![[Bild.png]]"), True),
    MarkKind(
        "start of a wiki link",
        "start",
        r"\[\[[^\[\]|\n]{1,200}+\|(?=[^\[\]\n]{1,200}\]\])",
        ("[[Mathe|das Fach]]",),
        True,
    ),
    MarkKind("end of a wiki link", "end", r"\]\]", ("[[Mathe|das Fach]]",), True),
    MarkKind(
        "start of an outer link",
        "start",
        r"\[(?:https?://|//)[^\s\[\]]{1,500}+\s(?=[^\[\]\n]{1,200}\])",
        ("[https://a.de Text]",),
        True,
        "]",
    ),
    MarkKind(
        "start of a link",
        "start",
        r"!?\[(?=[^\[\]\n]{0,300}\][(\[])",
        ("[Text](https://a.de)", "![Bild](a.png)"),
        True,
        "](",
    ),
    MarkKind(
        "end of a link",
        "end",
        r"""\]\([^()\s]{0,500}+(?:\([^()\s]{0,100}+\)[^()\s]{0,200}+)?+(?:\s++(?:"[^"\n]{0,200}+"|'[^'\n]{0,200}+'))?+\)
          | \]\[[\w .\-]{0,60}+\]""",
        ("[Text](https://a.de)", '[Text](a "b")', "[Text][1]"),
        True,
        "](",
    ),
    MarkKind("end of an outer link", "end", r"\](?=[^(\[])|\]\Z", ("[https://a.de Text]",), True, "]"),
    _emphasis("bold and italic", r"\*\*\*", "***Text***"),
    _emphasis("bold", r"\*\*", "**Text**"),
    _emphasis("italic", r"\*", "*Text*"),
    _emphasis("bold underscores", "__", "__Text__"),
    _emphasis("underscore", "_", "_Text_"),
    _emphasis("struck out", "~~", "~~Text~~"),
    _emphasis("highlighted", "==", "==Text=="),
    MarkKind("bold of wikis", "emphasis", r"'''(?!')", ("'''Text'''",), True, "'''"),
    MarkKind("italic of wikis", "emphasis", r"(?<!')''(?!')", ("''Text''",), True, "''"),
    MarkKind("cell", "border", r"(?<!\\)\|", ("|",), True),
    MarkKind("break of a line", "border", r"\\[nNrh](?![a-z]{2})|\\[nN](?=[A-ZÄÖÜ])", (r"\N", r"\n"), True),
    MarkKind(
        "command of TeX",
        "word",
        r"\\[A-Za-z]{2,30}+(?:\[[^\]\n]{0,100}+\])?+\{[\w:.,/\-]{0,100}+\}",
        (r"\cite{a}",),
        True,
    ),
)

_SCIENCE = (
    MarkKind(
        "time code",
        "word",
        r"(?<![\d:])\d{1,2}:\d\d:\d\d(?:[.,:]\d{1,3}+)(?!\d) | \[\d\d:\d\d(?:[.:]\d{1,3}+)?+\]",
        ("00:01:23,456", "[01:23.45]"),
    ),
    MarkKind(
        "calculation",
        "word",
        rf"""(?<![\w.,])(?=[\d.,\s+\-−*/·]{{1,60}}[×÷=≈≠≤≥±^]\s?[-−+]?\d)
             {_NUMBER}(?:\s?[+\-−*/·×÷=≈≠≤≥±^]\s?[-−+]?{_NUMBER}){{1,12}}+(?!\w)""",
        ("3 × 4 = 12", "2^3", "10 ± 2"),
    ),
    MarkKind(
        "equation",
        "word",
        rf"""(?<![\w&?])[A-Za-z](?:\([a-z]\))?\s?=\s?-?{_TERM}(?:\s?[+*/\-−·]\s?{_TERM}){{0,6}}+(?![\w.,]\w)(?!\w)""",
        ("E = mc²", "x = 5", "y = 3x + 2", "f(x) = x^2"),
    ),
    MarkKind(
        "power",
        "word",
        r"(?<!\w)[\w.]{1,20}+\^(?:[\w]{1,10}+|\{[\w+\-]{1,20}+\}|[-+]?\d{1,10}+)(?!\w)",
        ("x^2", "10^-3"),
    ),
    MarkKind(
        "amount",
        "word",
        r"(?<![\w.,])[-−+]?\d[\d.,]{0,20}+\s?(?:°(?:\s?[CFK])?(?!\w)|[µμΩ]\w{0,3}+(?!\w)|[kKMGm]Ω)",
        ("20 °C", "5 µm", "90°"),
    ),
    MarkKind(
        "superscript",
        "word",
        rf"""(?<!\w)(?:\d(?:[.,]?\d){{0,12}}[ \u00a0])?
             (?:[^\W{HAZARDS}]|[.,](?=\d)){{0,40}}+[{HAZARDS}][\w{HAZARDS}⁺⁻]{{0,40}}+""",
        ("5²", "10³", "2½", "m²", "H₂O", "1,5m²", "№"),
    ),
    MarkKind(
        "chemical formula",
        "word",
        rf"""(?<![\w\-])(?=[A-Za-z]{{1,6}}\d|[A-Za-z]{{0,3}}\()(?:(?:{_ELEMENTS})\d{{0,3}}|\((?:(?:{_ELEMENTS})\d{{0,2}}){{1,4}}\)\d{{1,2}}){{2,12}}(?:\d?[+−])?(?!\w)
          | (?<![\w\-])(?:{_ELEMENTS})(?:\d{{1,2}})?(?:\d?[+])(?![\w+])""",
        ("H2O", "CO2", "C6H12O6", "Ca2+", "Na+", "Ca(OH)2"),
    ),
)

_NAMES = (
    MarkKind(
        "call",
        "word",
        r"(?<![\w.])[A-Za-z_]\w{0,60}+(?:(?:\.|::|->)\w{1,60}+){0,6}+\(\)",
        ("foo()", "a.b()", "Foo::bar()"),
    ),
    MarkKind(
        "identifier",
        "word",
        r"""(?<![\w.])(?:[a-z_]\w{1,40}+(?:\.|::)){2,6}[a-z_]\w{1,40}+(?!\w|\.\w) | (?<!\w)\w{1,40}+::\w{1,40}+
          | (?<!\w)(?=[A-Za-z0-9]{1,40}_(?!in(?:nen)?\b))
            [A-Za-z][A-Za-z0-9]{0,40}+(?:_[A-Za-z0-9]{1,40}+){1,9}+_{0,2}(?!\w)
          | (?<!\w)[a-z]{2,30}(?!In(?:nen)?\b)(?:[A-Z][a-z0-9]{1,30}+){1,6}+(?!\w)""",
        ("max_length", "getValue", "a_b_c", "ab.cd.ef", "std::vector", "MAX_LENGTH"),
    ),
    MarkKind("flag", "word", r"(?<![^\s(\[,`])--[a-z][\w\-]{1,40}+(?:=[^\s,;.)]{1,80}+)?+", ("--no-cache", "--name=x")),
    MarkKind(
        "number of a machine",
        "word",
        r"""(?<!\w)0[xX][0-9A-Fa-f]{1,40}+(?!\w) | (?<!\w)[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?!\w)
          | (?<!\w)(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}(?!\w)
          | (?<!\w)(?=[0-9a-f]{0,63}\d[0-9a-f]{0,63}\d)(?=[0-9]{0,63}[a-f])[0-9a-f]{7,64}+(?!\w)
          | (?<!\w)[A-Z]{2}\d\d(?:\s?[A-Z0-9]{4}){3,7}(?:\s?[A-Z0-9]{1,3})?(?!\w)""",
        (
            "0x1F",
            "550e8400-e29b-41d4-a716-446655440000",
            "a7b8ece12",
            "DE89 3704 0044 0532 0130 00",
            "00:1a:2b:3c:4d:5e",
        ),
    ),
    MarkKind(
        "version",
        "word",
        r"(?<![\w.])v\d{1,4}+(?:\.\d{1,5}+){0,4}+(?:[\-+][\w\-]{1,30}+(?:\.\w{1,9}+)*+)?(?!\w)|(?<![\w.])\d{1,4}+(?:\.\d{1,5}+){1,3}+[\-+](?:alpha|beta|rc|dev|post|pre|snapshot)[\w\-]{0,20}+(?:\.\w{1,9}+)*+",
        ("v1.2.3", "v2", "1.2.3-beta.1", "v1.0-rc1"),
    ),
)

KINDS: tuple[MarkKind, ...] = (*_CODE, *_WEB[:4], *_PATHS, *_PLACEHOLDERS, *_WEB[4:], *_MARKDOWN, *_SCIENCE, *_NAMES)
