"""Languages as this dialect writes them, upper-case and with regions, and as the models have them."""

from collections.abc import Iterable, Mapping, Sequence

from server.bundle import LanguagePair
from server.dialects.deepl.schema import LanguageAnswer
from server.errors import InvalidRequestError
from server.text.language_names import language_name

# As targets these are listed by region only, since the official client refuses to ask for plain EN or PT, which we
# accept nevertheless. All regions of a language are the same to our models.
_TARGET_REGIONS = {
    "en": (("EN-GB", "English (British)"), ("EN-US", "English (American)")),
    "pt": (("PT-BR", "Portuguese (Brazilian)"), ("PT-PT", "Portuguese (European)")),
}
# Older clients do not say which.
_UNSAID: Mapping[str, tuple[str, ...]] = {"zh": ("zh-hans",), "pt": ("pt-br",)}


def find_language(code: str, served: Iterable[str], field: str) -> str:
    """The served code that `code` means: itself, its language without the region, or where it has none the usual one.

    Args:
        code: as a client writes it, in any case.
        served: the models' codes that it may mean.
        field: where it stood, for the message.

    Raises:
        InvalidRequestError: naming `field` and what is served.
    """
    known = dict.fromkeys(served)
    wanted = code.lower()
    for candidate in (wanted, wanted.partition("-")[0], *_UNSAID.get(wanted, ())):
        if candidate in known:
            return candidate
    raise InvalidRequestError(f"Value for '{field}' not supported; there are: {', '.join(known).upper()}.")


def list_source_languages(pairs: Sequence[LanguagePair]) -> list[LanguageAnswer]:
    """The languages that are translated from."""
    return [LanguageAnswer(code.upper(), language_name(code)) for code in sorted({pair.source for pair in pairs})]


def list_target_languages(pairs: Sequence[LanguagePair]) -> list[LanguageAnswer]:
    """The languages that are translated into, each once."""
    served = sorted({pair.target for pair in pairs})
    listed = {code.upper(): language_name(code) for code in served if code not in _TARGET_REGIONS}
    for code in served:
        listed |= {region: name for region, name in _TARGET_REGIONS.get(code, ()) if region not in listed}
    return [LanguageAnswer(code, name, supports_formality=False) for code, name in sorted(listed.items())]
