"""Tags and what stands in angles or brackets as they do, and names of people and topics."""

from server.markup.kinds.kind import MarkKind

_ATTRIBUTES = r"""(?:\s++[\w:@.\-]{1,60}+(?:\s?=\s?(?:"[^"<>]{0,2000}+"|'[^'<>]{0,2000}+'|[^\s"'<>=`]{1,500}+))?+)*+"""
# Behind these another bracket begins no link.
_BULLETIN_BOARD = (
    "b|i|u|s|url|img|list|quote|code|color|size|font|center|left|right|spoiler|table|tr|td|th|youtube|"
    "email|indent|sub|sup"
)

ANGLES = (
    MarkKind(
        "address in angles",
        "word",
        r"<(?:[a-z]{2,10}+:|[\w.+\-]{1,64}+@)[^<>\s]{1,500}+>",
        ("<https://a.de/x>",),
        True,
        needs="<",
    ),
    MarkKind(
        "name in Slack",
        "word",
        r"<(?:[@\#][A-Z0-9]{2,20}|![a-z]{2,12})(?:\^[^<>|\n]{1,80})?(?:\|[^<>|\n]{1,80})?>",
        ("<@U123>", "<#C12|allgemein>", "<!here>"),
        True,
        needs="<@ <# <!",
    ),
    MarkKind("time in a cue", "hidden", r"<\d{1,2}:[\d:.]{4,12}+>", ("<00:00:05.000>",), True, needs="<"),
    MarkKind(
        "tag",
        "tag",
        rf"""<(?P<close_t>/?)(?P<name_t>[A-Za-z][\w:\-]{{0,40}}+|\d{{1,3}}+)
             (?:\.[\w.\-]{{1,40}}+|=(?:"[^"<>\n]{{0,100}}+"|[^\s<>"']{{1,100}}+)(?<!/))?+{_ATTRIBUTES}\s?(?P<empty_t>/?)>""",
        ('<a href="x">', "</a>", "<br/>", "<0>", "</0>", "<v Anna>", "<c.gelb>", "<b>", "<color=#ff0000>"),
        True,
        needs="<",
    ),
    MarkKind(
        "escaped tag",
        "tag",
        r"&lt;(?P<close_e>/?)(?P<name_e>[A-Za-z][\w:\-]{0,40}+)(?:[^&<>\n]|&(?!lt;|gt;)){0,300}?(?P<empty_e>/?)&gt;",
        ("&lt;b&gt;", "&lt;/b&gt;", "&lt;br/&gt;"),
        True,
        needs="&lt;",
    ),
)

PEOPLE = (
    MarkKind("item of a bulletin board", "border", r"\[\*\]", ("[*]",), True, needs="[*]"),
    MarkKind(
        "shortcode",
        "tag",
        rf"""\[(?P<close_s>/?)(?P<name_s>[A-Za-z][\w\-]{{0,30}}+)
            (?P<attributes>=[^\[\]\n]{{1,300}}+|(?:\s++[\w\-]{{1,40}}+=(?:"[^"\n\]]{{0,300}}+"|'[^'\n\]]{{0,300}}+'|[^\s\]"'\[]{{1,100}}+))++)?+
            \s?(?P<empty_s>/?)\](?:(?![(\[\]])|(?<=[/\[][a-z]\])(?=\[)|(?<=list\])(?=\[)|(?=\[(?:/|\*\]|(?:{_BULLETIN_BOARD})[\]=])))""",
        ('[gallery ids="1,2" columns="3"]', "[/button]", "[url=https://a.de]", "[b]"),
        needs="[",
    ),
    MarkKind(
        "mention",
        "word",
        r"""(?<![\w/@.&])@[A-Za-z_](?:[\w.\-]{0,60}\w)?+(?:/[\w.\-]{1,60}\w|@[\w\-]{1,60}+(?:\.[\w\-]{1,60}+)++)?+
          | (?<![\w/.])[ru]/\w{2,40}+(?![\w/])""",
        ("@hans", "@hans@example.social", "@types/node", "r/germany"),
        needs="@ r/ u/",
    ),
    MarkKind(
        "hashtag",
        "word",
        r"""(?<![\w&/\#])\#\w{1,100}+(?!\#) | (?<![\w!])!\d{1,9}+(?!\w)
          | (?<![\w/.\-])[\w.\-]{1,60}+/[\w.\-]{1,60}+[\#!]\d{1,9}+(?!\w)""",
        ("#Hafenfest", "#123", "#ff0000", "ferry/docs#12", "!45"),
        needs="# !",
    ),
)
