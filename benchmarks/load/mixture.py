"""The questions of the soak: every dialect, texts of all lengths, markup, documents, and what must be refused."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from load.questions import Question, json_question

MAX_SENTENCES = 6
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_BOUNDARY = "ferry-soak-boundary"


@dataclass(frozen=True)
class Material:
    """What questions are made of.

    Attributes:
        sentences: of the language `source`.
        glossary_id: of a glossary that `authorization` may use.
        authorization: headers of a caller; empty where none are asked for.
    """

    sentences: Sequence[str]
    source: str
    target: str
    glossary_id: str
    authorization: dict[str, str]
    random_source: random.Random

    def text(self, max_sentences: int = MAX_SENTENCES) -> str:
        """A few sentences."""
        return " ".join(self.random_source.choices(self.sentences, k=self.random_source.randint(1, max_sentences)))

    def marked(self) -> str:
        """A paragraph, some of whose words are bold."""
        words = self.text(2).replace("&", "und").replace("<", "").replace(">", "").split()
        first = self.random_source.randrange(len(words))
        last = min(first + self.random_source.randint(1, 3), len(words))
        return "<p>" + " ".join([*words[:first], "<b>" + " ".join(words[first:last]) + "</b>", *words[last:]]) + "</p>"


def _native(m: Material, kind: str, text: str | list[str], **fields: object) -> Question:
    return json_question(
        kind, "/v1/translate", {"text": text, "source": m.source, "target": m.target, **fields}, **m.authorization
    )


def _deepl(m: Material, kind: str, text: list[str], **fields: object) -> Question:
    codes = {"source_lang": m.source.upper(), "target_lang": m.target.upper()}
    return json_question(kind, "/v2/translate", {"text": text, **codes, **fields}, **m.authorization)


def _deepl_form(m: Material) -> Question:
    text = m.text()
    fields = [("text", text), ("text", m.sentences[0]), ("target_lang", m.target), ("source_lang", m.source)]
    return Question("/v2 form", "/v2/translate", urlencode(fields).encode(), len(text), {**FORM, **m.authorization})


def _libre(m: Material, kind: str, text: str, **fields: object) -> Question:
    return json_question(
        kind, "/translate", {"q": text, "source": "auto", "target": m.target, **fields}, **m.authorization
    )


def _document(m: Material, kind: str, path: str, name: str, content: str) -> Question:
    codes = (
        {"source_lang": m.source, "target_lang": m.target}
        if path == "/v2/document"
        else {"source": m.source, "target": m.target}
    )
    parts = [f'Content-Disposition: form-data; name="{key}"\r\n\r\n{value}' for key, value in codes.items()]
    parts.append(f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n{content}')
    body = "".join(f"--{_BOUNDARY}\r\n{part}\r\n" for part in parts) + f"--{_BOUNDARY}--\r\n"
    headers = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}", **m.authorization}
    return Question(kind, path, body.encode(), len(content), headers)


def _subtitles(m: Material) -> str:
    cues = [m.text(1) for _ in range(m.random_source.randint(2, 6))]
    return "\n\n".join(f"{i + 1}\n00:00:0{i},000 --> 00:00:0{i},900\n{cue}" for i, cue in enumerate(cues)) + "\n"


def _lines(m: Material) -> str:
    return "\n".join(m.text(3) for _ in range(m.random_source.randint(1, 8))) + "\n"


# How often each kind is asked, beside the others, and how to make one.
KINDS: dict[str, tuple[int, Callable[[Material], Question]]] = {
    "/v1 text": (6, lambda m: _native(m, "/v1 text", m.text(), segments=True)),
    "/v1 greedy": (6, lambda m: _native(m, "/v1 greedy", m.text(2), beam_size=1)),
    "/v1 list": (2, lambda m: _native(m, "/v1 list", [m.text(2) for _ in range(4)], beam_size=2)),
    "/v1 html": (3, lambda m: _native(m, "/v1 html", m.marked(), format="html")),
    "/v1 stream": (4, lambda m: _native(m, "/v1 stream", m.text(), stream=True)),
    "/v1 alternatives": (3, lambda m: _native(m, "/v1 alternatives", m.text(1), num_alternatives=3, alignments=True)),
    "/v2 JSON, tags": (4, lambda m: _deepl(m, "/v2 JSON, tags", [m.marked(), m.marked()], tag_handling="html")),
    "/v2 glossary": (3, lambda m: _deepl(m, "/v2 glossary", [m.text(2)], glossary_id=m.glossary_id)),
    "/v2 form": (4, _deepl_form),
    "/translate auto": (4, lambda m: _libre(m, "/translate auto", m.text(3), alternatives=2)),
    "/translate html": (2, lambda m: _libre(m, "/translate html", m.marked(), format="html")),
    "detect": (3, lambda m: json_question("detect", "/v1/detect", {"text": m.text()}, **m.authorization)),
    "detect, libre": (2, lambda m: json_question("detect, libre", "/detect", {"q": m.text()}, **m.authorization)),
    "document txt": (1, lambda m: _document(m, "document txt", "/v2/document", "a.txt", _lines(m))),
    "document srt": (1, lambda m: _document(m, "document srt", "/v2/document", "a.srt", _subtitles(m))),
    "file srt": (1, lambda m: _document(m, "file srt", "/translate_file", "a.srt", _subtitles(m))),
}


def build_questions(material: Material, num_each: int) -> Iterator[Question]:
    """Questions of all kinds that have a translation, in equal numbers."""
    for _, build in KINDS.values():
        for _ in range(num_each):
            yield build(material)


def build_bad_questions(m: Material) -> list[Question]:
    """Requests that must be refused, each for another reason."""
    kind, json_type = "bad", {"Content-Type": "application/json", **m.authorization}
    return [
        Question(kind, "/v1/translate", b'{"text": "Hallo', 0, json_type),
        Question(kind, "/v1/translate", b"\xff\xfe\x00[" * 50, 0, json_type),
        Question(kind, "/v1/translate", b"[" * 10_000, 0, json_type),
        _native(m, kind, "Hallo", colour="red"),
        _native(m, kind, "Hallo", beam_size=99),
        _native(m, kind, "a" * 200_000),
        _native(m, kind, ["a"] * 10_000),
        json_question(kind, "/v1/translate", {"text": "Hallo", "target": "tlh"}, **m.authorization),
        json_question(kind, "/v1/translate", {"text": "Hallo", "target": m.target}),  # no key
        json_question(kind, "/v2/translate", {"text": ["Hallo"]}, **m.authorization),
        _deepl(m, kind, ["Hallo"] * 51),
        _deepl(m, kind, ["Hallo"], glossary_id="no glossary"),
        json_question(kind, "/v2/translate", {"text": ["Hallo"]}, Authorization="DeepL-Auth-Key wrong"),
        Question(kind, "/v2/translate", b"x" * (1 << 19), 0, {**FORM, **m.authorization}),
        _libre(m, kind, "Hallo", format="rtf"),
        _document(m, kind, "/v2/document", "a.docx", "no zip file at all"),
        _document(m, kind, "/v2/document", "a.exe", "MZ"),
        Question(kind, "/nowhere", b"", 0, m.authorization, "GET"),
        Question(kind, "/v1/translate", b"", 0, m.authorization, "DELETE"),
    ]
