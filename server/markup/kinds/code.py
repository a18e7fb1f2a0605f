"""What programs read: code, formulas, and the names of what is in them."""

import re

from server.markup.kinds.kind import MarkKind

# Behind these a brace has language; behind others what a program reads.
_TEX_OF_LANGUAGE = (
    "text(?:bf|it|tt|sc|sf|rm|sl|md|up|normal)?|emph|underline|(?:sub){0,2}section|chapter|(?:sub)?paragraph|part|title|"
    "subtitle|caption|footnote|author|uline|enquote|mbox"
)
_ISO_TIME = r"\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+\-]\d\d:?\d\d)?"

CODE = (
    MarkKind("comment", "hidden", r"<!--(?:[^\-]|-(?!->)){0,1000}+-->", ("<!-- Notiz -->",), True, needs="<!--"),
    MarkKind(
        "step of a template",
        "border",
        r"""\{%-?\s?(?:end\w{0,20}|if|elif|elsif|else|unless|for|case|when|trans|blocktrans(?:late)?|translate|block|with|filter)
            (?![\w.])[^{}%\n]{0,200}+%\}
          | \{\{[\#/^~]{1,2}[^{}\n]{0,200}+\}\} | \{\{\s?else(?:\s[^{}\n]{0,100}+)?\s?\}\}
          | <%(?![=\-])[^%<>\n]{0,300}+%> | <\?php\s(?!echo)[^<>?\n]{0,300}+\?>
          | </?\#[a-z]{2,12}(?:\s[^<>\n]{0,200}+)?>
          | \{/(?:if|foreach|section|block|capture|literal|for|while|strip|nocache)\}
          | \{(?:else|foreachelse|sectionelse)\}
          | \{(?:if|elseif|foreach|section|block|capture|assign|include|while|for)\s[^{}\n]{1,200}+\}""",
        (
            "{% if a %}",
            "{% endtrans %}",
            "{{#if a}}",
            "{{/if}}",
            "{{else}}",
            "<% end %>",
            "<#if a>",
            "<?php endif ?>",
            "{if $a}",
            "{else}",
            "{/if}",
        ),
        True,
        needs="{% {{ <% <? <# </# {if {e {f {s {b {c {a {i {w {/",
    ),
    MarkKind(
        "template tag",
        "word",
        r"<%[^%<>\n]{0,300}+%>|<\?[a-z=][^<>?\n]{0,300}+\?>",
        ("<%= name %>", "<?= a ?>"),
        True,
        needs="<% <?",
    ),
    MarkKind(
        "role of reST",
        "word",
        r":[a-z][\w\-]{0,30}+(?::[\w\-]{1,30}+)?:`[^`\n]{1,200}+`",
        (":ref:`Anfang <start>`", ":math:`a^2`"),
        True,
        needs=":`",
    ),
    MarkKind(
        "start of a link of reST",
        "start",
        r"`(?=[^`<\n]{1,200}<[^<>\s]{1,300}+>`_)",
        ("`Text <https://a.de>`_",),
        True,
        needs=">`_",
    ),
    MarkKind(
        "end of a link of reST", "end", r"\s?<[^<>\s]{1,300}+>`__?+", ("`Text <https://a.de>`_",), True, needs=">`_"
    ),
    MarkKind(
        "code",
        "word",
        r"""(?<!`)``(?!`)(?:[^`\n]|`(?!`)){1,300}+``(?!`)
          | (?P<ticks>(?<!`)`{1,3}+)(?!`)[^`\n]{1,300}+(?P=ticks)(?!`)""",
        ("`npm start`", "``x``", "``a `b` c``"),
        True,
        needs="`",
    ),
    MarkKind(
        "formula of TeX",
        "word",
        r"""\$\$[^$\n]{1,500}+\$\$
          | (?<![\w$\\])\$(?=[^\s$])(?=[^$\n\\^_={}+]{0,60}[\\^_={}+])[^$\n]{1,200}+\$(?<!\s\$)(?![\w${])
          | \\\((?:[^\\\n]|\\(?!\))){1,300}+\\\) | \\\[(?:[^\\\n]|\\(?!\])){1,300}+\\\]""",
        ("$a^2 + b^2$", "$$x = y$$", r"\(x_1\)"),
        True,
        needs="$ \\",
    ),
    MarkKind(
        "start of language in TeX",
        "start",
        rf"\\(?:{_TEX_OF_LANGUAGE})\*?+\{{(?=[^{{}}\n]{{1,300}}\}})",
        (r"\textbf{Hallo}", r"\section*{Der Hafen}"),
        True,
        "}",
        "\\",
    ),
    MarkKind(
        "data of JSON",
        "word",
        r"""\{\s?"[^"{}\n]{1,60}+"\s?:[^{}\n]{0,300}+\}""",
        ('{"name": "Anna", "n": 3}',),
        True,
        needs='{" {',
    ),
)

NAMES = (
    MarkKind(
        "call",
        "word",
        r"""(?<![\w.])[A-Za-z_]\w{0,60}+(?:(?:\.|::|->)\w{1,60}+){0,6}+\(\)
          | (?<![\w.])(?:rgba?|hsla?|url|var|calc)\([^()\n]{1,80}+\)""",
        ("foo()", "a.b()", "Foo::bar()", "rgb(255, 0, 0)"),
        needs="(",
    ),
    MarkKind("number in hex", "word", r"(?<!\w)0[xX][0-9A-Fa-f]{1,40}+(?!\w)", ("0x1F",), needs="0x 0X"),
    MarkKind(
        "number with hyphens",
        "word",
        r"""(?<!\w)[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?!\w)
          | (?<![\w\-])\d{1,5}(?:-\d{1,7}){3,5}(?:-[\dX])?(?![\w\-])""",
        ("550e8400-e29b-41d4-a716-446655440000", "978-3-16-148410-0"),
        needs=re.compile("[0-9a-fA-F]-[0-9a-fA-F]"),
    ),
    MarkKind(
        "number with colons",
        "word",
        r"""(?<!\w)(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}(?!\w)
          | (?<![\w:])(?:[0-9a-f]{1,4}:){1,7}:(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?(?:%\w{1,10})?(?![\w:])""",
        ("00:1a:2b:3c:4d:5e", "fe80::1%eth0"),
        needs=re.compile("[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}:|[0-9a-f]::"),
    ),
    MarkKind(
        "hash",
        "word",
        r"(?<!\w)(?=[0-9a-f]{0,63}\d[0-9a-f]{0,63}\d)(?=[0-9]{0,63}[a-f])[0-9a-f]{7,64}+(?!\w)",
        ("a7b8ece12",),
        needs=re.compile("[0-9][a-f]|[a-f][0-9]"),
    ),
    MarkKind(
        "number of an account",
        "word",
        r"(?<!\w)[A-Z]{2}\d\d(?:\s?[A-Z0-9]{4}){3,7}(?:\s?[A-Z0-9]{1,3})?(?!\w)",
        ("DE89 3704 0044 0532 0130 00",),
        needs=re.compile("[A-Z][0-9]{2}"),
    ),
    MarkKind(
        "number of a bank",
        "word",
        r"(?<!\w)(?:(?<=BIC\ )|(?<=BIC:)|(?<=BIC:\ )|(?<=SWIFT\ )|(?<=SWIFT:\ )|(?=\w{8}XXX)|(?=\w{0,10}\d))"
        r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?(?!\w)",
        ("COBADEFFXXX", "GENODEF1XYZ"),
        needs=re.compile("[A-Z]{6}"),
    ),
    MarkKind(
        "number of a document",
        "word",
        r"(?<![\w/.])10\.\d{4,9}/[\w/\-]{1,80}+(?:(?:[.:;]|\([\w\-]{1,20}\))[\w/\-]{1,40}+){0,5}(?!\w)",
        ("10.1000/182",),
        needs="10.",
    ),
    MarkKind(
        "name in a space", "word", r"(?<!\w)\w{1,40}+::\w{1,40}+(?:::\w{1,40}+){0,5}+", ("std::vector",), needs="::"
    ),
    MarkKind(
        "name with points",
        "word",
        r"(?<![\w.])(?:[A-Za-z_]\w{1,40}+\.){2,6}[A-Za-z_]\w{1,40}+(?!\w|\.\w)",
        ("ab.cd.ef", "System.Net.Http"),
        needs=re.compile("[A-Za-z0-9_]\\.[A-Za-z_]"),
    ),
    MarkKind(
        "name with underscores",
        "word",
        r"""(?<![\w.])(?:[A-Za-z_]\w{0,40}+\.){0,5}
            (?=[^\W_]{1,40}_(?!in(?:nen)?\b))
            [^\W\d_][^\W_]{0,40}+(?:_[^\W_]{1,40}+){1,9}+_{0,2}(?!\w)(?:\([^()\n]{0,80}+\))?""",
        ("max_length", "a_b_c", "MAX_LENGTH", "user.get_name(id)", "straßen_länge"),
        needs="_",
    ),
    MarkKind(
        "name with humps",
        "word",
        r"(?<!\w)[a-z]{2,30}(?!In(?:nen)?\b)(?:[A-Z][a-z0-9]{1,30}+){1,6}+(?!\w)",
        ("getValue", "dataSetId"),
        needs=re.compile("[a-z][A-Z]"),
    ),
    MarkKind(
        "flag",
        "word",
        r"(?<![^\s(\[,`>\]*~_])--[a-z][\w\-]{1,40}+(?:=(?:(?!\]\(|\[/|~~)[^\s,;.)*]){1,80}+)?+",
        ("--no-cache", "--name=x"),
        needs="--",
    ),
    MarkKind(
        "keys",
        "word",
        r"""(?<![\w+])(?:Ctrl|Control|Strg|Alt|AltGr|Shift|Umschalt|Cmd|Command|Win|Option|Meta|[⌘⌥⇧⌃])
            (?:\s?\+\s?(?:[^\W_]{1,12}|[⌘⌥⇧⌃←-↓])){1,4}+""",
        ("Ctrl+Alt+Del", "Strg + C", "⌘+C"),
        True,
        needs="+",
    ),
    MarkKind(
        "date or time of a machine",
        "word",
        rf"(?<![\w.\-])\d{{4}}-\d\d-\d\d(?:(?:T|\ ){_ISO_TIME})?(?![\w\-])",
        ("2020-01-31", "2020-01-31T12:00:00Z", "2020-01-31 12:00:05"),
        needs="-",
    ),
    MarkKind(
        "phone number",
        "word",
        r"(?<![\w.,+])(?:\+\d{1,3}|0\d{2,5}(?=\s?[/\-]))(?:[\s/\-]{0,2}+\(\d{1,5}\))?(?:[\s/\-]{0,3}+(?!\d{4}-\d\d-\d)\d{1,12}+){2,6}+(?!\w)",
        ("+49 (0)30 1234-5678", "0800/123 456", "+1 555 0100"),
        needs=re.compile(r"\+\d|0\d{2,5}\s?[/\-]"),
    ),
    MarkKind(
        "number of a thing",
        "word",
        r"(?<![\w\-/.])(?=[A-Z0-9\-/]{0,30}\d)(?=[A-Z0-9\-/]{0,30}[A-Z]{2})[A-Z0-9]{2,20}+(?:[\-/][A-Z0-9]{1,20}+){1,5}+(?!\w)",
        ("2020/AB-123", "XK-9", "RFC-2616"),
        needs="- /",
    ),
    MarkKind(
        "version",
        "word",
        r"(?<![\w.])v\d{1,4}+(?:\.\d{1,5}+){0,4}+(?:[\-+][\w\-]{1,30}+(?:\.\w{1,9}+)*+)?(?!\w)|(?<![\w.])\d{1,4}+(?:\.\d{1,5}+){1,3}+[\-+](?:alpha|beta|rc|dev|post|pre|snapshot)[\w\-]{0,20}+(?:\.\w{1,9}+)*+(?:\+\w{1,20}+)?",
        ("v1.2.3", "v2", "1.2.3-beta.1", "v1.0-rc1", "1.2.3-beta+5"),
        needs=re.compile("[0-9]"),
    ),
)
