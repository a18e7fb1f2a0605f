"""OpenDocument, epub, and archives of documents."""

from tests.server.documents.builders import PICTURE, make_zip
from tests.server.documents.samples.sample import Parts, Sample, shout

_NAMES = ["office", "text", "table", "style", "draw", "presentation", "meta"]
_URN = "urn:oasis:names:tc:opendocument:xmlns:"
_SPACES = " ".join(f'xmlns:{name}="{_URN}{"drawing" if name == "draw" else name}:1.0"' for name in _NAMES) + (
    f' xmlns:fo="{_URN}xsl-fo-compatible:1.0" xmlns:svg="{_URN}svg-compatible:1.0"'
    ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:dc="http://purl.org/dc/elements/1.1/" office:version="1.3"'
)
_MIME = "application/vnd.oasis.opendocument."
_XML = "<?xml version='1.0' encoding=\"UTF-8\"?>\n"


def _document(kind: str, body: str, styles: str = "") -> Parts:
    files = ("content.xml", "styles.xml", "Basic/kept.xml")
    rows = "".join(
        f'<manifest:file-entry manifest:full-path="{name}" manifest:media-type="text/xml"/>' for name in files
    )
    return {
        "mimetype": _MIME + kind,
        "content.xml": f"{_XML}<office:document-content {_SPACES}><office:body><office:{_body(kind)}>{body}"
        f"</office:{_body(kind)}></office:body></office:document-content>",
        "styles.xml": f"{_XML}<office:document-styles {_SPACES}>{styles}</office:document-styles>",
        "Basic/kept.xml": b"kept",
        "META-INF/manifest.xml": f'{_XML}<manifest:manifest xmlns:manifest="{_URN}manifest:1.0" manifest:version="1.3">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{_MIME}{kind}"/>{rows}</manifest:manifest>',
    }


def _body(kind: str) -> str:
    return kind


_TRACKED = (
    '<text:tracked-changes><text:changed-region text:id="c1"><text:deletion><office:change-info><dc:creator>kept'
    "</dc:creator><dc:date>2024-01-01T00:00:00</dc:date></office:change-info><text:p>kept</text:p></text:deletion>"
    "</text:changed-region></text:tracked-changes>"
)
_NOTE = (
    '<text:note text:id="n1" text:note-class="footnote"><text:note-citation>1</text:note-citation>'
    "<text:note-body><text:p>üsechs <text:span>üsieben</text:span></text:p></text:note-body></text:note>"
)
_ANNOTATION = "<office:annotation><dc:creator>kept</dc:creator><text:p>üacht</text:p></office:annotation>"
_FRAME = (
    '<draw:frame text:anchor-type="char" svg:width="5cm" svg:height="1cm"><draw:text-box>'
    "<text:p>üneun</text:p></draw:text-box><svg:desc>kept</svg:desc></draw:frame>"
)
_ODT = (
    f'{_TRACKED}<text:h text:outline-level="1">üeins<text:s text:c="2"/>üzwei</text:h><!-- kept -->'
    f'<text:p  text:style-name = "a">üdrei <text:span text:style-name="b">üvier</text:span>'
    f'<text:change text:change-id="c1"/> üfünf{_NOTE}{_ANNOTATION}{_FRAME} &amp; üzehn<text:line-break/>üelf '
    '<text:page-number text:select-page="current">12</text:page-number></text:p>'
    "<text:p><text:ruby><text:ruby-base>üzwölf</text:ruby-base><text:ruby-text>kept</text:ruby-text></text:ruby></text:p>"
    '<text:list><text:list-item><text:p><text:a xlink:href="https://example.org">üeins</text:a></text:p></text:list-item>'
    "</text:list><text:p>\u202eüzwei \u05e9\u05dc\u05d5\u05dd</text:p><text:p>12 %</text:p>"
)
_ODT_STYLES = (
    '<office:automatic-styles><style:page-layout style:name="p1"/></office:automatic-styles><office:master-styles>'
    '<style:master-page style:name="Standard" style:page-layout-name="p1"><style:header><text:p>üeins '
    "<text:date>kept</text:date></text:p></style:header><style:footer><text:p>üzwei</text:p></style:footer>"
    "</style:master-page></office:master-styles>"
)
_ODS = (
    '<table:table table:name="kept"><table:table-row>'
    '<table:table-cell office:value-type="string"><text:p>üeins</text:p>'
    "<text:p>üzwei <text:span>üdrei</text:span></text:p>"
    "<office:annotation><text:p>üvier</text:p></office:annotation></table:table-cell>"
    '<table:table-cell office:value-type="float" office:value="12"><text:p>12 kept</text:p></table:table-cell>'
    '<table:table-cell office:value-type="string" office:string-value="kept" table:formula="of:=[.A1]">'
    "<text:p>kept</text:p></table:table-cell></table:table-row></table:table>"
    '<table:table table:name="hidden" table:visibility="hidden"><table:table-row>'
    '<table:table-cell office:value-type="string"><text:p>üfünf</text:p></table:table-cell>'
    "</table:table-row></table:table>"
)
_ODP = (
    '<draw:page draw:name="kept" draw:master-page-name="m"><draw:frame svg:width="5cm" svg:height="1cm"><draw:text-box>'
    "<text:p>üeins <text:span>üzwei</text:span></text:p></draw:text-box></draw:frame><presentation:notes>"
    '<draw:frame presentation:class="notes" svg:width="5cm" svg:height="1cm"><draw:text-box><text:p>üdrei</text:p>'
    "</draw:text-box></draw:frame></presentation:notes></draw:page>"
)

_CONTAINER = (
    '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
_OPF = """<?xml version="1.0"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="i">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="i">kept</dc:identifier>
<dc:title>üeins üzwei</dc:title><dc:creator>kept</dc:creator><dc:language>de</dc:language>
<meta property="dcterms:modified">2024-01-01T00:00:00Z</meta></metadata>
<manifest><item id="a" href="text/a%20b.xhtml" media-type="application/xhtml+xml"/>
<item id="n" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="x" href="toc.ncx" media-type="application/x-dtbncx+xml"/><item id="c" href="a.css" media-type="text/css"/>
<item id="gone" href="../../../etc/passwd" media-type="application/xhtml+xml"/></manifest>
<spine toc="x"><itemref idref="a"/></spine></package>"""
_XHTML = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd">
<html xmlns="http://www.w3.org/1999/xhtml"><head><title>üeins</title><style>kept</style><script src='kept.js'/></head>
<body class = 'kept'>üzwei<p>üdrei <b>üvier</b><a id="empty"/>&nbsp;üfünf<br/>üsechs <code>kept</code>
üsieben <img alt="kept" src="a.png"/></p><!-- kept -->
<p><ruby>üacht<rp>(</rp><rt>kept</rt><rp>)</rp></ruby> <span dir="rtl">üneun שלום</span></p>
<pre><code>kept</code></pre><p translate="no">kept</p><ul><li>üzehn<ul><li>üelf</li></ul></li></ul>
<a href="#x"><span>üzwölf</span><div>üeins</div></a><svg xmlns="http://www.w3.org/2000/svg"><text>kept</text></svg>
<p><![CDATA[üzwei & üdrei]]></p></body></html>"""
_NAV = (
    '<html xmlns="http://www.w3.org/1999/xhtml"><body><nav><ol><li><a href="text/a%20b.xhtml">üeins</a></li></ol></nav>'
    "</body></html>"
)
_NCX = (
    '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1"><head/><docTitle><text>üeins</text></docTitle>'
    "<docAuthor><text>kept</text></docAuthor>"
    "<navMap><navPoint id='a' playOrder='1'><navLabel><text>üzwei</text></navLabel>"
    '<content src="text/a%20b.xhtml"/></navPoint></navMap></ncx>'
)
EPUB: Parts = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": _CONTAINER,
    "OEBPS/book.opf": _OPF,
    "OEBPS/text/a b.xhtml": _XHTML,
    "OEBPS/nav.xhtml": _NAV,
    "OEBPS/toc.ncx": _NCX,
    "OEBPS/a.css": b"kept",
    "OEBPS/font.otf": PICTURE,
}
# What changes is written anew: a reference as its character, CDATA as text.
_EPUB_AFTER = {name: shout(each) if isinstance(each, str) else each for name, each in EPUB.items()}
_EPUB_AFTER["OEBPS/text/a b.xhtml"] = (
    shout(_XHTML).replace("&nbsp;", "\xa0").replace("<![CDATA[ÜZWEI & ÜDREI]]>", "ÜZWEI &amp; ÜDREI")
)


def _archive(text: str) -> Parts:
    return {
        "a/kept.png": PICTURE,
        "a/b.txt": text,
        "c.JSON": f'{{"a": "{text}"}}',
        "d.odt": make_zip(_shouted(text)),
        "e/": b"",
        "__MACOSX/._b.txt": b"\xff",
    }


def _shouted(text: str) -> Parts:
    return _document("text", f"<text:p>{text}</text:p>")


BOOKS = (
    Sample("odt", "odt", _document("text", _ODT, _ODT_STYLES), stored=("mimetype",)),
    Sample("ods", "ods", _document("spreadsheet", _ODS), stored=("mimetype",)),
    Sample("odp", "odp", _document("presentation", _ODP), stored=("mimetype",)),
    Sample("epub", "epub", EPUB, _EPUB_AFTER, stored=("mimetype",)),
    Sample("zip", "zip", _archive("üeins üzwei"), _archive("ÜEINS ÜZWEI")),
)
