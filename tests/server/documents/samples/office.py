"""Docx, pptx and xlsx with what breaks others: tracked changes, fields, notes, formulas, hidden sheets, tables."""

from collections.abc import Mapping

from tests.server.documents.builders import DECLARATION, PICTURE
from tests.server.documents.samples.sample import Parts, Sample, shout

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument."
_W = f'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="{_OFFICE}"'
A = f'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="{_OFFICE}"'
_P = f'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" {A}'
_S = f'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="{_OFFICE}"'

Links = Mapping[str, tuple[tuple[str, str], ...]]


def package(parts: Mapping[str, tuple[str, str]], links: Links) -> Parts:
    """The parts of a file with their content types, and what each is linked to: kinds and targets, ids from 1."""
    types = "".join(
        f'<Override PartName="/{name}" ContentType="{_TYPE}{kind}+xml"/>' for name, (kind, _) in parts.items()
    )
    found: Parts = {
        "[Content_Types].xml": f'{DECLARATION}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/><Default Extension="png" ContentType="image/png"/>'
        f'<Default Extension="bin" ContentType="application/octet-stream"/>{types}</Types>'
    }
    for name, each in links.items():
        folder, _, file = name.rpartition("/")
        rows = "".join(
            f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{target}"'
            + (' TargetMode="External"/>' if "://" in target else "/>")
            for number, (kind, target) in enumerate(each, 1)
        )
        place = f"{folder}/_rels/{file}.rels" if folder else "_rels/.rels"
        found[place] = f'{DECLARATION}<Relationships xmlns="{_PACKAGE}/relationships">{rows}</Relationships>'
    return found | {name: DECLARATION + content for name, (_, content) in parts.items()}


def _run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def _paragraph(*content: str) -> str:
    return f"<w:p>{''.join(content)}</w:p>"


_FIELD = (
    '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> PAGE </w:instrText></w:r>'
    '<w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>12</w:t></w:r>'
    '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
)
_RUBY = (
    "<w:r><w:ruby><w:rubyPr/><w:rt><w:r><w:t>かんじ</w:t></w:r></w:rt>"
    "<w:rubyBase><w:r><w:t>漢字</w:t></w:r></w:rubyBase></w:ruby></w:r>"
)
_MARKS = 'w:id="{}" w:author="kept" w:date="2024-01-01T00:00:00Z"'
_DOCX_BODY = "".join(
    (
        _paragraph(
            _run("üeins "),
            f"<w:del {_MARKS.format(1)}><w:r><w:delText>kept</w:delText></w:r></w:del>",
            f"<w:ins {_MARKS.format(2)}>{_run('üzwei', '<w:b/>')}</w:ins>",
            '<w:commentRangeStart w:id="0"/>',
            _run(" üdrei"),
            '<w:commentRangeEnd w:id="0"/><w:r><w:commentReference w:id="0"/></w:r>',
            '<w:r><w:footnoteReference w:id="2"/></w:r>',
        ),
        _paragraph(_run("üvier "), _FIELD, _run(" üfünf "), _RUBY),
        _paragraph("<w:pPr><w:bidi/></w:pPr>", _run("üsechs \u202bشلوم\u202c", "<w:rtl/>")),
        _paragraph(f'<w:hyperlink r:id="rId3">{_run("üsieben", "<w:u w:val=&quot;single&quot;/>")}</w:hyperlink>'),
        f"<w:tbl><w:tblPr/><w:tblGrid><w:gridCol/></w:tblGrid><w:tr><w:tc>{_paragraph(_run('üacht'))}</w:tc></w:tr></w:tbl>",
    )
).replace("&quot;", '"')
_NOTES = "".join(f'<w:footnote w:id="{n}">{_paragraph(_run(text))}</w:footnote>' for n, text in ((2, "üneun"),))
DOCX = package(
    {
        "word/document.xml": (
            "wordprocessingml.document.main",
            f"<w:document {_W}><w:body>{_DOCX_BODY}<w:sectPr/></w:body></w:document>",
        ),
        "word/comments.xml": (
            "wordprocessingml.comments",
            f'<w:comments {_W}><w:comment w:id="0" w:author="kept">{_paragraph(_run("üzehn"))}</w:comment>'
            "</w:comments>",
        ),
        "word/footnotes.xml": ("wordprocessingml.footnotes", f"<w:footnotes {_W}>{_NOTES}</w:footnotes>"),
    },
    {
        "": (("officeDocument", "word/document.xml"),),
        "word/document.xml": (
            ("comments", "comments.xml"),
            ("footnotes", "footnotes.xml"),
            ("hyperlink", "https://example.org"),
        ),
    },
) | {"word/media/image1.png": PICTURE, "word/vbaProject.bin": b"\xd0\xcf\x11\xe0 kept"}


def _shape(number: int, kind: str, *paragraphs: str) -> str:
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="{number}" name="kept {number}" descr="kept"/><p:cNvSpPr/>'
        f'<p:nvPr><p:ph type="{kind}"/></p:nvPr></p:nvSpPr><p:spPr/>'
        f"<p:txBody><a:bodyPr/><a:lstStyle/>{''.join(paragraphs)}</p:txBody></p:sp>"
    )


def _tree(*shapes: str) -> str:
    return (
        '<p:cSld><p:spTree><p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
        f"{''.join(shapes)}</p:spTree></p:cSld>"
    )


def _said(text: str, properties: str = 'lang="de-DE"', inside: str = "") -> str:
    return f"<a:r><a:rPr {properties}>{inside}</a:rPr><a:t>{text}</a:t></a:r>"


def _slide_paragraph(*content: str) -> str:
    return f'<a:p><a:pPr lvl="0"/>{"".join(content)}<a:endParaRPr lang="de-DE"/></a:p>'


_LINK = '<a:hlinkClick r:id="rId3"/>'
_TITLE = _slide_paragraph(
    _said("üei"),
    _said("ns ", 'lang="de-DE" dirty="0" err="1"'),
    _said("üzwei", 'lang="de-DE" b="1"'),
    _said(" üdrei", 'lang="de-DE"'),
)
# Runs that differ only in what a spell checker found are one afterwards.
_TITLE_AFTER = _slide_paragraph(_said("ÜEINS "), _said("ÜZWEI", 'lang="de-DE" b="1"'), _said(" ÜDREI"))
_SLIDE_REST = (
    _slide_paragraph(_said("üvier "), '<a:br><a:rPr lang="de-DE"/></a:br>', _said("üfünf", 'lang="de-DE"', _LINK)),
    _slide_paragraph(
        '<a:fld id="{B6F15528-21DE-4FAA-801E-634DDDAF4B2B}" type="slidenum"><a:rPr/><a:t>12</a:t></a:fld>'
    ),
)
_TABLE = (
    '<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id="9" name="kept"/><p:cNvGraphicFramePr/><p:nvPr/>'
    '</p:nvGraphicFramePr><p:xfrm><a:off x="0" y="0"/><a:ext cx="900" cy="900"/></p:xfrm><a:graphic>'
    '<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/table"><a:tbl><a:tblPr/><a:tblGrid>'
    '<a:gridCol w="900"/></a:tblGrid><a:tr h="900"><a:tc><a:txBody><a:bodyPr/><a:lstStyle/>'
    f"{_slide_paragraph(_said('üsechs'))}</a:txBody><a:tcPr/></a:tc></a:tr></a:tbl></a:graphicData></a:graphic>"
    "</p:graphicFrame>"
)


def _pptx(title: str) -> Parts:
    slide = _tree(_shape(2, "title", title), _shape(3, "body", *_SLIDE_REST), _TABLE)
    master = _tree(_shape(2, "title", _slide_paragraph(_said("kept"))))
    accents = [f"accent{number}" for number in range(1, 7)]
    colours = ["bg1", "tx1", "bg2", "tx2", *accents, "hlink", "folHlink"]
    names = ["lt1", "dk1", "lt2", "dk2", *colours[4:]]
    mapped = " ".join(f'{one}="{other}"' for one, other in zip(colours, names, strict=True))
    theme_colours = "".join(
        f'<a:{name}><a:srgbClr val="101010"/></a:{name}>' for name in ("dk1", "lt1", "dk2", "lt2", *names[4:])
    )
    font = '<a:latin typeface="Sans"/><a:ea typeface=""/><a:cs typeface=""/>'
    fill = '<a:solidFill><a:schemeClr val="phClr"/></a:solidFill>'
    theme = (
        f'<a:theme {A} name="kept"><a:themeElements><a:clrScheme name="kept">{theme_colours}</a:clrScheme>'
        f'<a:fontScheme name="kept"><a:majorFont>{font}</a:majorFont><a:minorFont>{font}</a:minorFont></a:fontScheme>'
        f'<a:fmtScheme name="kept"><a:fillStyleLst>{fill * 3}</a:fillStyleLst>'
        f"<a:lnStyleLst>{f'<a:ln>{fill}</a:ln>' * 3}"
        f"</a:lnStyleLst><a:effectStyleLst>{'<a:effectStyle><a:effectLst/></a:effectStyle>' * 3}</a:effectStyleLst>"
        f"<a:bgFillStyleLst>{fill * 3}</a:bgFillStyleLst></a:fmtScheme></a:themeElements></a:theme>"
    )
    return package(
        {
            "ppt/presentation.xml": (
                "presentationml.presentation.main",
                f"<p:presentation {_P}><p:sldMasterIdLst>"
                '<p:sldMasterId id="2147483648" r:id="rId1"/></p:sldMasterIdLst>'
                '<p:sldIdLst><p:sldId id="256" r:id="rId2"/></p:sldIdLst><p:sldSz cx="9144000" cy="6858000"/>'
                '<p:notesSz cx="6858000" cy="9144000"/></p:presentation>',
            ),
            "ppt/slides/slide1.xml": ("presentationml.slide", f'<p:sld {_P} show="0">{slide}</p:sld>'),
            "ppt/notesSlides/notesSlide1.xml": (
                "presentationml.notesSlide",
                f"<p:notes {_P}>{_tree(_shape(2, 'body', _slide_paragraph(_said('üsieben üacht'))))}</p:notes>",
            ),
            "ppt/comments/comment1.xml": (
                "presentationml.comments",
                f'<p:cmLst {_P}><p:cm authorId="0" idx="1"><p:pos x="1" y="1"/><p:text>kept</p:text></p:cm></p:cmLst>',
            ),
            "ppt/slideMasters/slideMaster1.xml": (
                "presentationml.slideMaster",
                f"<p:sldMaster {_P}>{master}<p:clrMap {mapped}/><p:sldLayoutIdLst>"
                '<p:sldLayoutId id="2147483649" r:id="rId1"/></p:sldLayoutIdLst></p:sldMaster>',
            ),
            "ppt/slideLayouts/slideLayout1.xml": (
                "presentationml.slideLayout",
                f"<p:sldLayout {_P}>{master}</p:sldLayout>",
            ),
            "ppt/theme/theme1.xml": ("theme", theme),
        },
        {
            "": (("officeDocument", "ppt/presentation.xml"),),
            "ppt/presentation.xml": (("slideMaster", "slideMasters/slideMaster1.xml"), ("slide", "slides/slide1.xml")),
            "ppt/slides/slide1.xml": (
                ("slideLayout", "../slideLayouts/slideLayout1.xml"),
                ("notesSlide", "../notesSlides/notesSlide1.xml"),
                ("hyperlink", "https://example.org"),
            ),
            "ppt/slideMasters/slideMaster1.xml": (
                ("slideLayout", "../slideLayouts/slideLayout1.xml"),
                ("theme", "../theme/theme1.xml"),
            ),
            "ppt/slideLayouts/slideLayout1.xml": (("slideMaster", "../slideMasters/slideMaster1.xml"),),
        },
    ) | {"ppt/vbaProject.bin": b"kept"}


def _cell(place: str, kind: str, inside: str) -> str:
    return f'<c r="{place}" t="{kind}">{inside}</c>'


_SHARED = (
    "<si><t>üeins</t></si>",
    '<si><r><rPr><b/></rPr><t>üzwei</t></r><r><t xml:space="preserve"> üdrei\nüvier</t></r></si>',
    "<si><t>Name</t></si>",
    "<si><t>SKU-12</t></si>",
    "<si><t>üfünf</t><rPh sb='0' eb='1'><t>kept</t></rPh><phoneticPr fontId='1'/></si>",
    '<si><t xml:space="preserve"> üsechs\nüsieben </t></si>',
)


def _xlsx(shared: tuple[str, ...], calculation: str) -> Parts:
    rows = "".join(f'<row r="{n}">{_cell(f"A{n}", "s", f"<v>{n - 1}</v>")}</row>' for n in range(1, len(_SHARED)))
    inline = _cell("B7", "inlineStr", "<is><t>üacht</t></is>")
    formula = _cell("C7", "str", '<f>A1&amp;" kept"</f><v>kept kept</v>')
    first = (
        f'<worksheet {_S}><sheetData>{rows}<row r="7">{inline}{formula}<c r="D7"><f>SUM(1,2)</f><v>3</v></c></row>'
        '</sheetData><tableParts count="1"><tablePart r:id="rId1"/></tableParts></worksheet>'
    )
    hidden = f'<worksheet {_S}><sheetData><row r="1">{_cell("A1", "s", "<v>5</v>")}</row></sheetData></worksheet>'
    table = (
        f'<table {_S} id="1" name="kept" displayName="kept" ref="A3:A4"><autoFilter ref="A3:A4"/>'
        '<tableColumns count="1"><tableColumn id="1" name="Name"/></tableColumns></table>'
    )
    return package(
        {
            "xl/workbook.xml": (
                "spreadsheetml.sheet.main",
                f'<workbook {_S}><sheets><sheet name="kept" sheetId="1" r:id="rId1"/>'
                '<sheet name="hidden" sheetId="2" state="hidden" r:id="rId2"/></sheets>'
                f'<definedNames><definedName name="kept">kept!$A$1</definedName></definedNames>'
                f"{calculation}</workbook>",
            ),
            "xl/worksheets/sheet1.xml": ("spreadsheetml.worksheet", first),
            "xl/worksheets/sheet2.xml": ("spreadsheetml.worksheet", hidden),
            "xl/tables/table1.xml": ("spreadsheetml.table", table),
            "xl/sharedStrings.xml": (
                "spreadsheetml.sharedStrings",
                f'<sst {_S} count="6" uniqueCount="6">{"".join(shared)}</sst>',
            ),
        },
        {
            "": (("officeDocument", "xl/workbook.xml"),),
            "xl/workbook.xml": (
                ("worksheet", "worksheets/sheet1.xml"),
                ("worksheet", "worksheets/sheet2.xml"),
                ("sharedStrings", "sharedStrings.xml"),
            ),
            "xl/worksheets/sheet1.xml": (("table", "../tables/table1.xml"),),
        },
    )


_PPTX_AFTER = {
    name: content if isinstance(content, bytes) else shout(content) for name, content in _pptx(_TITLE_AFTER).items()
}
# How a word was spoken is not how its translation is.
_SHARED_AFTER = (*map(shout, _SHARED[:4]), "<si><t>ÜFÜNF</t></si>", shout(_SHARED[5]))
_XLSX_AFTER = {
    name: content if isinstance(content, bytes) else shout(content)
    for name, content in _xlsx(_SHARED_AFTER, '<calcPr calcId="1" fullCalcOnLoad="1"/>').items()
}

OFFICE = (
    Sample("docx", "docx", DOCX),
    Sample("pptx", "pptx", _pptx(_TITLE), _PPTX_AFTER),
    Sample("xlsx", "xlsx", _xlsx(_SHARED, '<calcPr calcId="1"/>'), _XLSX_AFTER),
)
