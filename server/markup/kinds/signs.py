"""Signs around and between words: markdown, wikis, formulas' languages, tables."""

import re

from server.markup.kinds.kind import MarkKind


def _emphasis(name: str, sign: str, example: str) -> MarkKind:
    """A sign that opens before a word and closes behind one."""
    char = sign[-1]
    opens, closes = rf"(?=[^\s{char}])", rf"(?<=[^\s{char}\\])"
    if (
        char == "*"
    ):  # the star that a placeholder or the name of files begins with is its own: `**|NAME|**`, `***.csv**`
        num = sign.count(char)
        fewer = rf"(?!\.\w{{1,9}}\*{{{num - 1}}}(?!\*))" if num > 1 else ""
        opens = rf"(?=[^\s*|]|\*\|\w|\*\.\w{{1,9}}\*{{{num}}}(?!\*)){fewer}"
        closes = r"(?:(?<=[^\s*\\|])|(?<=\w\|\*))"
    around = rf"(?<![\w{char}\\]){sign}{opens}|{closes}{sign}(?![\w{char}])"
    return MarkKind(name, "emphasis", around, (example,), True, name, sign.replace("\\", ""))


# Written out in the files of programs and subtitles; no command of TeX, and no folder.
_BREAK = (
    r"\\[nrh](?![a-z]{2})|\\[nN](?=[A-ZÄÖÜ])|\\N(?!\S{0,60}[.\\])"
    r"|\\n(?!ew(?:line|page|command)|abla|eq|u\b|ot\b|oindent|onumber|i\b|eg\b)(?!\S{0,60}(?:\\|\.\w))"
)
# A picture inside a link, as badges are, and a placeholder's index.
_INDEX = r"\[[\w.\"'\-]{1,30}\](?=\})"
_PICTURE = r"!\[[^\[\]\n]{0,200}\]\([^()\s]{0,300}\)"

SIGNS = (
    MarkKind(
        "blank to fill in",
        "word",
        r"(?<!\w)__++(?:[.:/\-]__++|[.:/]\d{2,4}(?!\d)){0,6}(?!\w) | (?<![.\w])\.{5,}+(?!\w)",
        ("____", "__.__.2031"),
        needs="__ .....",
    ),
    MarkKind("footnote", "hidden", r"\[\^[\w\-]{1,40}+\](?!:)", ("[^1]",), True, needs="[^"),
    MarkKind(
        "reference",
        "hidden",
        r"(?<!\[)\[\d{1,3}+(?:[,–\-]\s?\d{1,3}+){0,6}+\](?![(\[:])",
        ("[1]",),
        needs="[",
    ),
    MarkKind("escaped sign", "hidden", r"\\[*_`\#~|<>](?=[^\s\\])|(?<=\S)\\[*_`~]", (r"\*Stern",), True, needs="\\"),
    MarkKind(
        "word with small signs of Pandoc",
        "word",
        r"(?<!\w)[A-Za-z0-9]{1,10}+(?:~[\w+\-]{1,6}+~[A-Za-z0-9]{0,10}|\^[\w+\-]{1,6}+\^[A-Za-z0-9]{0,10})(?!\w)",
        ("H~2~O", "x^2^"),
        True,
        needs="~ ^",
    ),
    MarkKind("wiki word", "word", r"!?\[\[[^\[\]|\n]{1,200}+\]\]", ("[[Mathe]]", "![[Bild.png]]"), True, needs="[["),
    MarkKind(
        "start of a wiki link",
        "start",
        r"\[\[(?:[^\[\]|\n]{1,100}+\|){1,6}+(?=[^\[\]\n|]{1,200}\]\])",
        ("[[Mathe|das Fach]]", "[[Bild:a.jpg|mini|das Haus]]"),
        True,
        needs="[[",
    ),
    MarkKind("end of a wiki link", "end", r"\]\]", ("[[Mathe|das Fach]]",), True, needs="]]"),
    MarkKind(
        "start of an outer link",
        "start",
        r"\[(?:https?://|//)[^\s\[\]]{1,500}+\s(?=[^\[\]\n]{1,200}\])",
        ("[https://a.de Text]",),
        True,
        "]",
        "[http [//",
    ),
    MarkKind(
        "start of a link",
        "start",
        rf"!?\[(?=[^\[\]\n]{{0,300}}(?:(?:{_PICTURE}|{_INDEX})[^\[\]\n]{{0,100}}){{0,3}}\](?:\(|\[[\w .\-]{{0,60}}\]))",
        ("[Text](https://a.de)", "![Bild](a.png)", "[![Bild](a.png)](https://a.de)"),
        True,
        "](",
        "]( ][",
    ),
    MarkKind(
        "end of a link",
        "end",
        r"""\]\([^()\s]{0,500}+(?:\([^()\s]{0,100}+\)[^()\s]{0,200}+)?+(?:\s++(?:"[^"\n]{0,200}+"|'[^'\n]{0,200}+'))?+\)
          | \]\[[\w .\-]{0,60}+\]""",
        ("[Text](https://a.de)", '[Text](a "b")', "[Text][1]"),
        True,
        "](",
        "]( ][",
    ),
    MarkKind("end of an outer link", "end", r"\](?=[^(\[])|\]\Z", ("[https://a.de Text]",), True, "]", "]"),
    MarkKind(
        "start of a link in Slack",
        "start",
        r"<https?://[^<>|\s]{1,500}+\|(?=[^<>|\n]{1,200}>)",
        ("<https://a.de|Text>",),
        True,
        ">",
        "<http",
    ),
    MarkKind("end of a link in Slack", "end", r"(?<=[^\W_])>(?!\w)", ("<https://a.de|Text>",), True, ">", ">"),
    MarkKind("end of language in TeX", "end", r"\}", (r"\textbf{Hallo}",), True, "}", "}"),
    _emphasis("bold and italic", r"\*\*\*", "***Text***"),
    _emphasis("bold", r"\*\*", "**Text**"),
    _emphasis("italic", r"\*", "*Text*"),
    _emphasis("bold underscores", "__", "__Text__"),
    _emphasis("underscore", "_", "_Text_"),
    _emphasis("struck out", "~~", "~~Text~~"),
    _emphasis("struck out in chats", "~", "~Text~"),
    _emphasis("highlighted", "==", "==Text=="),
    MarkKind("bold of wikis", "emphasis", r"'''(?!')", ("'''Text'''",), True, "'''", "'''"),
    MarkKind("italic of wikis", "emphasis", r"(?<!')''(?!')", ("''Text''",), True, "''", "''"),
    MarkKind("cell", "border", r"(?<!\\)\|", ("|",), True, needs="|"),
    MarkKind("cell of values", "border", r"(?<=\w);(?=[^\W\d_])", ("Haus;Garten",), True, needs=";", never_with="&"),
    MarkKind(
        "step of a way",
        "border",
        r"""(?<=[\w.…)*_`\]>])\ [»›]\ (?=[*_`\[<]{0,3}[A-ZÄÖÜ][^\W\d_]) | (?<=[\w.…)])\ [>/]\ (?=[A-ZÄÖÜ][^\W\d_])
          | (?<=[\w.!?…)])\ [·•|]\ (?=[^\W_])""",
        ("Start » Neues", "Start / Neues"),
        True,
        needs="» › · • > /",
        never_with="«‹",
    ),
    MarkKind("gap between columns", "border", r"(?<=\S)\ {3,}(?=\S)", ("Name    Ort",), True, needs=re.compile(" {3}")),
    MarkKind("heads of a table", "border", r"\ !!\ (?=\w)", ("Name !! Ort",), True, needs="!!"),
    MarkKind("arrow ahead", "border", r"(?<=\w)\ ?[»›]\Z", ("Weiter »",), True, needs="» ›", never_with="«‹„“"),
    MarkKind("arrow back", "border", r"\A[«‹]\ ?(?=\w)", ("« Zurück",), True, needs="« ‹", never_with="»›"),
    MarkKind(
        "dash of a speaker",
        "border",
        r"(?<=<[ibu]>)[-–—]\s?(?=[^\W\d_])",
        ("<i>- Ja.</i>",),
        True,
        needs=re.compile(">[-–—]"),
    ),
    MarkKind("break of a line", "border", _BREAK, (r"\N", r"\n"), True, needs="\\"),
    MarkKind(
        "command of TeX",
        "word",
        r"\\[A-Za-z]{2,30}+(?:\[[^\]\n]{0,100}+\])?+\{[\w:.,/\-]{0,100}+\}",
        (r"\cite{a}",),
        True,
        needs="\\",
    ),
)
