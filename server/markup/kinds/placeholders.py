"""What a program fills in: placeholders of all kinds, and names that it knows a word by."""

from server.markup.kinds.kind import MarkKind

_FORMAT = r"(?:\d{1,4}+\$)?+ [-+\#0]*+ \d*+ (?:\.\d++)?+ (?:hh?|ll?|[Lzjtq])?"

PLACEHOLDERS = (
    MarkKind(
        "message of ICU",
        "message",
        r"\{\s?[\w.]{1,60}+\s?,\s?(?:plural|select|selectordinal)\s?,",
        ("{n, plural, one {# Stuhl} other {# Stühle}}", "{w, select, male {Er} other {Sie}}"),
        needs="{",
    ),
    MarkKind(
        "language of Moodle",
        "tag",
        r"\{(?P<name_m>mlang)(?:\s++[\w ,\-]{1,40}+|(?P<close_m>))\}",
        ("{mlang de}", "{mlang}"),
        needs="{mlang",
    ),
    MarkKind("style of subtitles", "hidden", r"\{\\[^{}\n]{0,300}+\}", (r"{\an8}", r"{\pos(1,2)\i1}"), needs="{\\"),
    MarkKind(
        "template",
        "word",
        r"\{\{\{?+[^{}\n]{0,200}+\}\}\}?+ | \{%[^{}%\n]{0,200}+%\} | \*\|[\w:]{1,60}+\|\* | <<[\w .]{1,60}+>>",
        ("{{ name }}", "{% url 'a' %}", "{{{html}}}", "*|FNAME|*", "<<Name>>", "{{count, number}}"),
        needs="{{ {% *| <<",
    ),
    MarkKind(
        "quoted brace",
        "word",
        r"(?<!\w)'[{}]{1,2}+'(?!\w)",
        ("'{'", "'}}'"),
        True,
        needs="'{ '}",
    ),
    MarkKind(
        "name in braces",
        "word",
        r"""[$\#%@]?\{[\w.:!,+\-\#\[\]$@|'"()/*?=]{0,64}+\}(?:(?<=[\w}]\})(?<=\w\})[sd](?![A-Za-z]))?
          | [$\#%@]?\{\s?[\w.\[\]]{1,60}+\s?(?:![rsa])?(?:[,:][^{}\n]{0,60}+)?\s?\}
          | \$\{[^{}\n]{1,200}+\}""",
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
            "${DIR:-~/.local}",
            "${n === 1 ? 'Boot' : 'Boote'}",
        ),
        needs="{",
    ),
    MarkKind("nested key of i18next", "word", r"\$t\([^()\n]{1,200}+\)", ("$t(key)",), needs="$t("),
    MarkKind(
        "linked message of Vue",
        "word",
        r"(?<![\w@])@(?:\.[a-z]{2,12})?:(?:\w[\w.]{0,80}\w|\(\w[\w.]{0,80}\))",
        ("@:message.hello",),
        needs="@",
    ),
    MarkKind(
        "emoji by name",
        "word",
        r"(?<![\w:]):(?:(?=[\w+\-]{0,40}[a-z])[\w+\-]{2,40}+|[+\-]1|100|1234):(?::skin-tone-\d:)?(?![\w:]|//)",
        (":smile:", ":+1:", ":wave::skin-tone-2:"),
        needs=":",
    ),
    MarkKind(
        "name between per cents",
        "word",
        r"(?<![\d%])%[A-Za-z_]\w{1,63}+%(?![^\W_]) | (?<![\w%])%%\w{1,40}+%%(?![\w%])",
        ("%name%", "%%ID%%"),
        needs="%",
    ),
    MarkKind(
        "name between underscores",
        "word",
        r"(?<!\w)__(?:[A-Z][A-Z0-9_]{1,40}?|\d{1,6})__(?!\w)",
        ("__COUNT__", "__12__"),
        needs="__",
    ),
    MarkKind(
        "name between at-signs",
        "word",
        r"(?<![\w@])@[A-Za-z_]\w{1,40}+@(?![\w@]) | (?<![\w@])@@\w{1,40}+@@(?![\w@])",
        ("@name@", "@@1@@"),
        needs="@",
    ),
    MarkKind(
        "name between signs",
        "word",
        r"""(?<![\w\#])\#\#\w{1,40}+\#\#(?![\w\#])
          | (?<![\w$])\$\$\w{1,40}+\$\$(?![\w$]) | (?<![\w^])\^{1,2}[A-Za-z_]\w{1,40}+\^{1,2}(?![\w^])
          | (?<![\w~])~~\d{1,6}~~(?![\w~]) | (?<![\w*])\*\*\d{1,6}\*\*(?![\w*])
          | (?<![\w§])§{1,2}\w{1,40}+§{1,2}(?![\w§])""",
        ("##name##", "^name^", "~~1~~", "§§1§§"),
        needs="## $$ ^ ~~ ** §",
    ),
    MarkKind(
        "name in brackets",
        "word",
        r"""\[(?:[A-Z][a-z0-9]{1,30}+){2,5}\](?![(:]|\[(?!/)) | \[%[\w.\-]{1,40}+%?\](?!\()
          | \[:[\w.\-]{1,40}+:?\](?!\()
          | ⟦[^⟦⟧\n]{1,60}+⟧ | ⟨[^⟨⟩\n]{1,60}+⟩ | (?:【)\d{1,6}(?:】)""",
        ("[FirstName]", "[OrderId]", "⟦1⟧", "[%name]"),
        needs="[ ⟦ ⟨ 【",
    ),
    MarkKind(
        "placeholder of printf",
        "word",
        rf"""%% | %\([\w.\- ]{{1,64}}+\)[-+\#0-9.]{{0,8}}[a-zA-Z] | %<\w{{1,64}}+>[-+\#0-9.]{{0,8}}[a-zA-Z]?
          | (?<![\d%])%{_FORMAT}(?:[sd]|[iufFeEgGxXocpbaA@](?![A-Za-z])) | (?<![\w%])%(?:L?\d{{1,2}}+|n)(?![\w%$])""",
        ("%s", "%1$s", "%-5d", "%(name)s", "%%", "%<name>s", "%1", "%n", "%L2", "%@"),
        needs="%",
    ),
    MarkKind(
        "variable",
        "word",
        r"(?<![\w$])\$[A-Za-z_]\w{0,40}+(?:->\w{1,40}+)?+"
        r"|(?<![^\s(\"'„“>*~=_\[\]]):[a-z_][a-z0-9_]{0,39}[a-z0-9](?![^\W_]|[:`])",
        ("$HOME", "$user->name", ":count"),
        needs="$ :",
    ),
)
