"""More files as some programs write them: Angular, Flutter, Rails, Crowdin, Pandoc, PowerPoint, old makers of books."""

from tests.server.documents.samples.books import EPUB
from tests.server.documents.samples.office import A, package
from tests.server.documents.samples.sample import Sample, shout

_ANGULAR = """<?xml version="1.0" encoding="UTF-8" ?>
<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2">
  <file source-language="de" datatype="plaintext" original="ng2.template" target-language="en">
    <body>
      <trans-unit id="3674" datatype="html">
        <source>üeins <x id="START_BOLD_TEXT" ctype="x-b" equiv-text="&lt;b&gt;"/>üzwei<x id="CLOSE_BOLD_TEXT" \
ctype="x-b" equiv-text="&lt;/b&gt;"/> <x id="INTERPOLATION" equiv-text="{{ name }}"/></source>{1}
        <context-group purpose="location"><context context-type="sourcefile">kept.html</context></context-group>
        <note priority="1" from="description">kept</note>
      </trans-unit>
      <trans-unit id="9" datatype="html">
        <source>{VAR_PLURAL, plural, =0 {üeins} =1 {üzwei} other {üdrei <x id="INTERPOLATION"/>}}</source>{2}
      </trans-unit>
    </body>
  </file>
</xliff>
"""
_BOLD = (
    'üeins <x id="START_BOLD_TEXT" ctype="x-b" equiv-text="&lt;b&gt;"/>üzwei<x id="CLOSE_BOLD_TEXT" '
    'ctype="x-b" equiv-text="&lt;/b&gt;"/> <x id="INTERPOLATION" equiv-text="{{ name }}"/>'
)
_PLURAL = '{VAR_PLURAL, plural, =0 {üeins} =1 {üzwei} other {üdrei <x id="INTERPOLATION"/>}}'
_ANGULAR_AFTER = _ANGULAR.replace("{1}", f"\n        <target>{shout(_BOLD)}</target>").replace(
    "{2}", f"\n        <target>{shout(_PLURAL)}</target>"
)

_FLUTTER = """{
  "@@locale": "de",
  "pageTitle": "üeins",
  "@pageTitle": {"description": "kept", "type": "text"},
  "cart": "{count, plural, =0{üzwei} one{üdrei} other{üvier {count}}}",
  "@cart": {"placeholders": {"count": {"type": "int", "example": "42"}}}
}
"""
_RAILS = """---
# kept
de:
  activerecord:
    errors:
      messages:
        blank: üeins üzwei
        too_long:
          one: ! 'üdrei (%{count})'
          other: "üvier (%{count})"
  date:
    formats:
      default: "%d.%m.%Y"
    day_names: [üeins, üzwei]
    order:
      - :day
      - :month
  support:
    html: >
      üfünf <b>üsechs</b>
      üsieben

"""
_CROWDIN = r"""msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Language: en_GB\n"

#. kept
#: kept.vue:12 kept.vue:14
#, python-brace-format, fuzzy
msgctxt "kept"
msgid ""
"üeins {name} "
"üzwei"
msgstr ""
""

msgid "<a href=\"%s\">üdrei</a>\t& üvier"
msgstr ""
"""
_CROWDIN_AFTER = _CROWDIN.replace('msgstr ""\n""\n', 'msgstr "ÜEINS {name} ÜZWEI"\n').replace(
    'üvier"\nmsgstr ""', 'üvier"\nmsgstr "<a href=\\"%s\\">ÜDREI</a>\\t& ÜVIER"'
)
_PANDOC = """+++
title = "kept"
+++

üeins
-----

::: {.kept}
üzwei[^1] üdrei.\\
üvier
:::

* üfünf
* üsechs

  üsieben

[^1]: üacht üneun.

~~~ {.haskell}
kept = kept
~~~

1) üzehn
2) üelf
"""

_CHART = (
    f'<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" {A}>'
    "<c:chart><c:title><c:tx><c:rich>"
    "<a:bodyPr/><a:p><a:r><a:rPr lang='de-DE'/><a:t>üeins </a:t></a:r><a:r><a:rPr lang='de-DE' b='1'/><a:t>üzwei</a:t>"
    "</a:r></a:p></c:rich></c:tx></c:title><c:plotArea><c:ser><c:tx><c:strRef><c:f>kept!A1</c:f><c:strCache>"
    "<c:pt idx='0'><c:v>kept</c:v></c:pt></c:strCache></c:strRef></c:tx></c:ser></c:plotArea></c:chart></c:chartSpace>"
)
_SMART = (
    f'<dgm:dataModel xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram" {A}><dgm:ptLst>'
    "<dgm:pt modelId='1'><dgm:t><a:bodyPr/><a:p><a:r><a:rPr/><a:t>üdrei</a:t></a:r></a:p></dgm:t></dgm:pt>"
    "</dgm:ptLst></dgm:dataModel>"
)
_CHARTS = package(
    {
        "ppt/presentation.xml": ("presentationml.presentation.main", f"<p:presentation xmlns:p='p' {A}/>"),
        "ppt/charts/chart1.xml": ("drawingml.chart", _CHART),
        "ppt/diagrams/data1.xml": ("drawingml.diagramData", _SMART),
    },
    {"": (("officeDocument", "ppt/presentation.xml"),)},
)

# Of version 2: no navigation of its own, and the title said by a prefix.
_OLD_PACKAGE = """<?xml version='1.0' encoding='iso-8859-1'?>
<opf:package xmlns:opf="http://www.idpf.org/2007/opf" version="2.0">
<opf:metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>üeins</dc:title>
<dc:language>de</dc:language></opf:metadata><opf:manifest>
<opf:item id="x" href="toc.ncx" media-type="application/x-dtbncx+xml"/></opf:manifest></opf:package>"""
_OLD_BOOK = {
    name: each for name, each in EPUB.items() if name in ("mimetype", "META-INF/container.xml", "OEBPS/toc.ncx")
}

MORE = (
    Sample("xliff of Angular", "xliff", _ANGULAR.replace("{1}", "").replace("{2}", ""), _ANGULAR_AFTER),
    Sample("json of Flutter", "json", _FLUTTER),
    Sample("yaml of Rails", "yaml", _RAILS, shout(_RAILS).replace("</b>\n      ÜSIEBEN", "</b> ÜSIEBEN")),
    Sample("po of Crowdin", "po", _CROWDIN, _CROWDIN_AFTER),
    Sample("markdown of Pandoc", "md", _PANDOC),
    Sample("pptx with a chart", "pptx", _CHARTS),
    Sample(
        "epub 2",
        "epub",
        {**_OLD_BOOK, "OEBPS/book.opf": _OLD_PACKAGE.encode("iso-8859-1")},
        {
            **{n: shout(str(each)) for n, each in _OLD_BOOK.items()},
            "OEBPS/book.opf": shout(_OLD_PACKAGE).encode("latin1"),
        },
        stored=("mimetype",),
    ),
)
