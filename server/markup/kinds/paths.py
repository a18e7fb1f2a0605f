"""Where something is: addresses of the net, files, folders."""

import re

from server.markup.kinds.kind import NO_SPACE, SUFFIXES, MarkKind

_TOP_LEVEL = "com|org|net|de|eu|io|dev|info|edu|gov|uk|fr|ch|pl|nl|tv|ai|app|biz|cloud|blog|shop|jp|cn|ru|br|se|dk|fi"
# These are words as well, so they need a path behind them.
_WORDLIKE_TOP_LEVEL = "at|it|es|us|me|be|no|to|in|is|so|am|co|ly|gg|cc|page|online|site|world"
_HIDDEN_FILES = (
    r"env|git\w{0,12}|bash\w{0,8}|ssh|htaccess|npmrc|editorconfig|docker\w{0,8}|vscode|config|zshrc|profile|eslintrc|"
    + SUFFIXES
)

PATHS = (
    MarkKind(
        "address",
        "word",
        rf"""(?<![\w])(?:[a-z][a-z0-9+\-]{{1,15}}://|mailto:|tel:(?=\+?\d)|www\.(?=\w)|magnet:(?=\?)|data:(?=[a-z]{{2,12}}/)
               |urn:(?=[a-z])|doi:(?=10\.)|geo:(?=-?\d)|sms:(?=\+?\d))
             (?:{NO_SPACE}++|&(?!(?:quot|apos|lt|gt|nbsp|\#3[49]|\#160);))++""",
        (
            "https://example.org/a?b=1&c=2",
            "ftp://a.de/x",
            "www.a.de",
            "mailto:a@b.de",
            "app://open/1",
            "magnet:?xt=urn:btih:1",
        ),
        needs=":// www. mailto: tel: magnet: data: urn: doi: geo: sms:",
    ),
    MarkKind(
        "package",
        "word",
        r"(?<![\w@/.])(?:[a-z][\w.\-]{0,60}|@[\w.\-]{1,60}+/[\w.\-]{1,60}?)@(?:latest|next|[~^]?\d(?:[.\-]?\w){0,30}+)(?![\w@])",
        ("react-dom@18", "@types/node@20.1.0"),
        needs="@",
    ),
    MarkKind(
        "e-mail",
        "word",
        r"(?<![\w.+\-])[\w.+\-]{1,64}+@[\w\-]{1,63}+(?:\.[\w\-]{1,63}+)++(?::[\w.~\-]{1,60}+/[\w./~\-]{0,200}\w)?",
        ("info@beispiel.de", "git@example.com:ich/projekt.git"),
        needs="@",
    ),
    MarkKind(
        "address without a scheme",
        "word",
        rf"""(?<![\w@./\-])(?:[A-Za-z0-9][A-Za-z0-9\-]{{0,62}}+\.){{1,5}}
             (?:(?:{_TOP_LEVEL})(?![\w\-])(?::\d{{1,5}})?+(?:[/?\#]{NO_SPACE}{{0,2000}}+)?+
               |(?:{_WORDLIKE_TOP_LEVEL})(?::\d{{1,5}})?+/{NO_SPACE}{{0,2000}}+)
          | (?<![\w.])(?:localhost|\d{{1,3}}(?:\.\d{{1,3}}){{3}})(?::\d{{1,5}}(?!\d))?+
             (?:/{NO_SPACE}{{0,500}}+)?+(?![\w])
        """,
        ("example.org/a", "docs.example.com", "localhost:8080/x", "10.0.0.1:80", "orf.at/stories"),
        needs=re.compile("[A-Za-z0-9]\\.[A-Za-z0-9]|localhost"),
    ),
    MarkKind(
        "path with backslashes",
        "word",
        r"""(?<!\w)[A-Za-z]:\\(?:[^\s<>:"|?*\\]{1,80}(?:\ [^\s<>:"|?*\\]{1,40}){0,3}\\){0,12}[^\s<>:"|?*\\]{0,80}
          | (?<![\w\\])\\\\[\w.$\-]{1,60}+(?:\\[\w.$\-]{1,80}+){1,20}+""",
        (r"C:\Users\anna", r"C:\Program Files\App\a.txt", r"\\srv\share"),
        needs="\\",
    ),
    MarkKind(
        "path",
        "word",
        rf"""(?<![^\s"'(=,`>\[\]*~_])(?:~|\.{{1,2}})?/(?:[\w.@+\-]{{1,80}}+/){{1,20}}+(?:[\w.@*+\-]{{1,80}}+)?+
          | (?<![^\s"'(=,`>\[\]*~_])(?:~|\.{{1,2}})/[\w.@*+\-]{{1,80}}+ | (?<![^\s"'(=>\[\]*~_])/[a-z][\w.@\-]{{1,80}}+
          | (?<![\w/.\-])(?:[\w.\-]{{1,60}}+/){{1,9}}+[\w.\-*]{{1,60}}?\.(?:{SUFFIXES})(?!\w)""",
        ("/usr/local/bin", "src/main.py", "src/*.py", "~/x.txt", "/preise"),
        needs="/",
    ),
    MarkKind(
        "file",
        "word",
        rf"""(?<![\w/.])(?:\*|[\w\-]{{1,80}}+)(?:\.[\w\-]{{1,20}}+){{0,3}}?\.(?:{SUFFIXES})(?:\.(?:{SUFFIXES}))?(?![\w/])
          | (?<![^\s"'(`>\[\]*~])\.(?:{_HIDDEN_FILES})(?![\w/])""",
        ("*.csv", "bericht.pdf", "a.tar.gz", ".gitignore"),
        needs=re.compile("\\.[a-z]"),
    ),
)
