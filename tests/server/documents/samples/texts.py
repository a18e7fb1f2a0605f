"""Files of text: translations of programs, tables, markdown."""

from tests.server.documents.samples.sample import Sample, shout

XLIFF_1 = """<?xml version="1.0" encoding="UTF-8"?>
<!-- from a tool -->
<xliff version='1.2' xmlns="urn:oasis:names:tc:xliff:document:1.2" xmlns:x="urn:tool">
  <file source-language="de" target-language="en" datatype="plaintext" original="a.html">
    <header><note>kept</note></header>
    <body>
      <group id="g"><trans-unit id="1" x:odd='a "b"'>
        <source>üeins <g id="1">üzwei</g> <x id="INTERPOLATION" equiv-text="{{ name }}"/> &amp; üdrei</source>{1}
        <note>kept</note>
      </trans-unit></group>
      <trans-unit id="2">
        <source>üvier <bpt id="1">&lt;b&gt;</bpt>üfünf<ept id="1">&lt;/b&gt;</ept></source>{2}</trans-unit>
      <trans-unit id="3"><source><![CDATA[üsechs & üsieben]]></source>{3}</trans-unit>
      <trans-unit id="4"><source>done</source><target state="final">fertig</target></trans-unit>
      <trans-unit id="5" translate="no"><source>kept</source></trans-unit>
      <trans-unit id="6"><source>over lines</source><target>x</target>
        <alt-trans><source>old</source><target>alt</target></alt-trans></trans-unit>
    </body>
  </file>
</xliff>
"""
XLIFF_2 = """<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.0" srcLang="de" trgLang="en">
 <file id="f"><notes><note>kept</note></notes><unit id="u"><originalData><data id="d">&lt;br&gt;</data></originalData>
  <segment id="s1"{state1}>
   <source>üeins <pc id="1">üzwei <mrk id="m" type="term">üdrei</mrk></pc> <ph id="2" dataRef="d"/>üvier</source>{1}
  </segment>
  <ignorable><source> </source></ignorable>
  <segment id="s2"><source>kept</source><target>bleibt</target></segment>
  <segment id="s3"{state3}><source>{n, plural, one {# üding} other {# üdinge}}</source>{3}</segment>
 </unit><unit id="v" translate="no"><segment><source>kept</source></segment></unit></file>
</xliff>
"""
_ONE = '<x id="INTERPOLATION" equiv-text="{{ name }}"/>'
_CODES = 'üvier <bpt id="1">&lt;b&gt;</bpt>üfünf<ept id="1">&lt;/b&gt;</ept>'
_LONG = 'üeins <pc id="1">üzwei <mrk id="m" type="term">üdrei</mrk></pc> <ph id="2" dataRef="d"/>üvier'


def _fill(text: str, filled: dict[str, str]) -> str:
    for key, value in filled.items():
        text = text.replace(key, value)
    return text


_EMPTY_1 = {"{1}": "", "{2}": '<target state="needs-translation"/>', "{3}": '<target state="new">old</target>'}
_FULL_1 = {
    "{1}": "\n        <target>" + shout(f'üeins <g id="1">üzwei</g> {_ONE} &amp; üdrei') + "</target>",
    "{2}": '<target state="needs-review-translation">' + shout(_CODES) + "</target>",
    "{3}": '<target state="needs-review-translation">ÜSECHS &amp; ÜSIEBEN</target>',
}
_EMPTY_2 = {
    "{state1}": "",
    "{1}": "",
    "{state3}": ' state="initial"',
    "{3}": "<target>alt</target>",
}
_FULL_2 = {
    "{state1}": "",
    "{1}": f"\n   <target>{shout(_LONG)}</target>",
    "{state3}": ' state="translated"',
    "{3}": "<target>{n, plural, one {# ÜDING} other {# ÜDINGE}}</target>",
}

PO = r"""# kept
msgid ""
msgstr ""
"Project-Id-Version: kept 1\n"
"Language: en\n"
"Plural-Forms: nplurals=3; plural=(n%10==1 ? 0 : 2);\n"

#. kept
#: src/a.c:12
#, c-format
msgctxt "kept"
msgid "üeins %s\n"
"üzwei \"üdrei\"\n"
msgstr ""{1}

msgid "kept"
msgstr "bleibt"

#, fuzzy
#| msgid "old"
msgid "üvier"
msgstr "{2}"

msgid "üding %d"
msgid_plural "üdinge %d"
msgstr[0] "{3}"
msgstr[1] "{4}"
msgstr[2] "{4}"

#~ msgid "gone"
#~ msgstr ""
"""
_EMPTY_PO = {"{1}": "", "{2}": "alt", "{3}": "", "{4}": ""}
_FULL_PO = {"{1}": '\n"ÜEINS %s\\n"\n"ÜZWEI \\"ÜDREI\\"\\n"', "{2}": "ÜVIER", "{3}": "ÜDING %d", "{4}": "ÜDINGE %d"}

JSON = """{
\t"greeting": "üeins {{name}}, $t(nested.key) üzwei",
  "items_one" : "{{count}} üding", "items_other": "üdinge",
  "icu": "{n, plural, one {# üding} other {# üdinge}}",
  "list": ["üeins", 1.50e3, null, true, "https://example.org/ding", ["btn_primary", "de-DE"]],
  "escaped": "üeins \\"üzwei\\"\\nüdrei \\u00e4",
  "@greeting": {"description": "kept"}, "@@locale": "de",
  "extension": {"message": "üvier $USER$", "description": "kept", "placeholders": {"user": {"content": "kept"}}}
}
"""
_JSON_AFTER = shout(JSON).replace("\\u00e4", "ä")  # a string that changes is written anew
YAML = """%YAML 1.1
---
# kept 🎉
de: &base
  title: "üeins %{name}"   # kept
  plain: üzwei üdrei
  quoted: 'üvier ''üfünf'''
  number: 12
  flag: yes
  url: https://example.org/a
  literal: |
    üeins 🎉
      üzwei

    üdrei
  folded: >-
    üvier {name}

    üfünf
  ? [complex, key]
  : üwert
  list: [üeins, "üzwei", *base]
  tagged: !!str üdrei
  # kept
...
"""
CSV = (
    "sku;name_de;name;price\r\n"
    'A-1;üeins;"üzwei; ""üdrei""\r\nüvier";12,50\r\n'
    ";;https://example.org;\r\n"
    '"";"üfünf";kept_name;2024-01-01'
)
MARKDOWN = """---
title: kept
tags: [kept, kept]
---

# üeins `kept` üzwei

üdrei [üvier](https://example.org/a "kept-not") üfünf
  üsechs **üsieben**\\
üacht

> üeins üzwei
> > üdrei

1. üeins
   - [x] üzwei
     üdrei

        kept = "in a list" + üvier

| üeins | üzwei |
|:------|------:|
| 1     | üdrei |

```python
kept = "kept"
```

    kept code

<!-- kept
kept -->
üeins
=====
[a]: https://example.org
""".replace('\n        kept = "in a list" + üvier\n', "")

TEXTS = (
    Sample("xliff 1.2", "xliff", _fill(XLIFF_1, _EMPTY_1), _fill(XLIFF_1, _FULL_1)),
    Sample("xliff 1.2, utf-16", "xliff", _fill(XLIFF_1, _EMPTY_1), _fill(XLIFF_1, _FULL_1), "utf-16"),
    Sample("xliff 2.0", "xliff", _fill(XLIFF_2, _EMPTY_2), _fill(XLIFF_2, _FULL_2)),
    Sample("po", "po", _fill(PO, _EMPTY_PO), _fill(PO, _FULL_PO)),
    Sample("po, windows", "po", _fill(PO, _EMPTY_PO).replace("\n", "\r\n"), _fill(PO, _FULL_PO).replace("\n", "\r\n")),
    Sample("json", "json", JSON, _JSON_AFTER),
    Sample("json with a mark", "json", JSON, _JSON_AFTER, encoding="utf-8-sig"),
    Sample("json, a string", "json", '"üeins"'),
    Sample("yaml", "yaml", YAML),
    Sample("yaml, windows", "yaml", YAML.replace("\n", "\r\n")),
    Sample("csv", "csv", CSV),
    Sample("tsv", "csv", "üeins üvier\tüzwei\n1\tüdrei\n"),
    Sample("markdown", "md", MARKDOWN),
    Sample("markdown, windows", "md", MARKDOWN.replace("\n", "\r\n")),
    Sample("txt", "txt", "üeins\n\n\tüzwei.\r\n"),
    Sample("html", "html", "<!DOCTYPE html><p class='a'>üeins <b>üzwei</b> &amp; <!-- kept -->üdrei</p>"),
    Sample("srt", "srt", "1\n00:00:01,000 --> 00:00:02,000\n<i>üeins</i>\n\n"),
    Sample("vtt", "vtt", "WEBVTT kept\n\n00:01.000 --> 00:02.000 align:start\n<v Kept>üeins &amp; üzwei\n"),
)
