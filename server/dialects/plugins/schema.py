"""The bodies that this dialect takes and gives. A language is a code, or `auto` for the source."""

from msgspec import Struct, field

from server.translation.request import AUTO


class ImmeRequest(Struct):
    """What Immersive Translate asks for."""

    target_lang: str
    text_list: list[str]
    source_lang: str = AUTO


class ImmeTranslation(Struct):
    """One text, translated."""

    detected_source_lang: str
    text: str


class ImmeAnswer(Struct):
    """The texts, in order."""

    translations: list[ImmeTranslation]


class KissRequest(Struct):
    """What Kiss Translator asks for: `texts`, or `text` where it does not gather them."""

    to: str
    text: str | None = None
    texts: list[str] | None = None
    source: str = field(name="from", default=AUTO)


class KissTranslation(Struct):
    """One text, translated; `src` is the language that it was in."""

    text: str
    src: str


class KissAnswer(Struct):
    """The texts, in order."""

    translations: list[KissTranslation]


class SingleRequest(Struct):
    """What MTranServer takes for one text."""

    to: str
    text: str
    html: bool | None = False
    source: str = field(name="from", default=AUTO)


class SingleAnswer(Struct):
    """One text, translated."""

    result: str


class BatchRequest(Struct):
    """What MTranServer takes for many texts."""

    to: str
    texts: list[str]
    html: bool | None = False
    source: str = field(name="from", default=AUTO)


class BatchAnswer(Struct):
    """The texts, in order."""

    results: list[str]


class VersionAnswer(Struct):
    """Ferry's version."""

    version: str
