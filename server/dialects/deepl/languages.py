"""Languages as this dialect writes them, upper-case and with regions, and as the models have them."""

from collections.abc import Iterable, Mapping, Sequence

from server.bundle import LanguagePair
from server.dialects.codes import show_code
from server.dialects.deepl.schema import (
    FeatureStatus,
    LanguageAnswer,
    ResourceAnswer,
    ResourceFeature,
    ResourceLanguage,
)
from server.errors import InvalidRequestError
from server.text.language_names import language_name
from server.translation.request import Formality

# As targets these are listed by region only, since the official client refuses to ask for plain EN or PT, which we
# accept nevertheless. All regions of a language are the same to our models.
_TARGET_REGIONS = {
    "en": (("EN-GB", "English (British)"), ("EN-US", "English (American)")),
    "pt": (("PT-BR", "Portuguese (Brazilian)"), ("PT-PT", "Portuguese (European)")),
}
# Older clients do not say which.
_UNSAID: Mapping[str, tuple[str, ...]] = {"zh": ("zh-hans",), "pt": ("pt-br",)}

# What can be asked of a language here, by what it is asked for. Which side must have it is the interface's.
_STABLE = FeatureStatus("stable")
_TAGS = ResourceFeature("tag_handling", needs_source_support=True, needs_target_support=True)
_GLOSSARY = ResourceFeature("glossary", needs_source_support=True, needs_target_support=True)
_DETECTION = ResourceFeature("auto_detection", needs_source_support=True)
_FORMALITY = ResourceFeature("formality", needs_target_support=True)
_RESOURCES: Mapping[str, list[ResourceFeature]] = {
    "translate_text": [_FORMALITY, _TAGS, _GLOSSARY, _DETECTION],
    "translate_document": [_FORMALITY, _GLOSSARY, _DETECTION],
    "glossary": [],
}
_RESOURCES_ELSEWHERE = ("voice", "write", "style_rules")


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


def check_formality(formality: Formality, source: str | None, target: str, pairs: Iterable[LanguagePair]) -> None:
    """Refuse a form of address that must be kept and that no model can keep.

    Args:
        formality: as it was asked for.
        source: the models' code, None to detect it.
        target: the models' code.
        pairs: those served.

    Raises:
        InvalidRequestError: none of them knows forms.
    """
    meant = (pair for pair in pairs if pair.target == target and source in (None, pair.source))
    if formality in ("more", "less") and source != target and not any(pair.formality for pair in meant):
        raise InvalidRequestError(
            "'formality' is not supported for given 'target_lang'; prefer_more, prefer_less and default are accepted."
        )


def list_source_languages(pairs: Sequence[LanguagePair]) -> list[LanguageAnswer]:
    """The languages that are translated from."""
    return [LanguageAnswer(code.upper(), language_name(code)) for code in sorted({pair.source for pair in pairs})]


def list_target_languages(pairs: Sequence[LanguagePair]) -> list[LanguageAnswer]:
    """The languages that are translated into, each once."""
    served = sorted({pair.target for pair in pairs})
    listed = {code.upper(): language_name(code) for code in served if code not in _TARGET_REGIONS}
    for code in served:
        listed |= {region: name for region, name in _TARGET_REGIONS.get(code, ()) if region not in listed}
    formal = _find_formal(pairs)
    return [
        LanguageAnswer(code, name, supports_formality=find_language(code, served, "target_lang") in formal)
        for code, name in sorted(listed.items())
    ]


def list_resources(pairs: Sequence[LanguagePair]) -> list[ResourceAnswer]:
    """What `/v3/languages` can be asked about, with the features that some language has."""
    return [ResourceAnswer(name, _find_features(pairs, name)) for name in _RESOURCES]


def list_resource_languages(pairs: Sequence[LanguagePair], resource: str | None) -> list[ResourceLanguage]:
    """The languages of one resource, each once, by code.

    Args:
        pairs: those served.
        resource: as a client names it.

    Raises:
        InvalidRequestError: it is missing, unknown, or a service that is not ours.
    """
    if resource is None or resource not in _RESOURCES:
        why = "is not served here" if resource in _RESOURCES_ELSEWHERE else "is invalid" if resource else "is missing"
        raise InvalidRequestError(f"Parameter 'resource' {why}. There are: {', '.join(_RESOURCES)}.")
    sources, targets = {pair.source for pair in pairs}, {pair.target for pair in pairs}
    names = {code: language_name(code) for code in sources | targets}
    if resource != "glossary":  # whose dictionaries know no regions
        for code in targets & _TARGET_REGIONS.keys():
            regions = {region.lower(): name for region, name in _TARGET_REGIONS[code]}
            names, targets = regions | names, targets | regions.keys()
    features, formal = _find_features(pairs, resource), _find_formal(pairs)
    return [
        ResourceLanguage(
            lang=_show_tag(code),
            name=names[code],
            status="stable",
            usable_as_source=code in sources,
            usable_as_target=code in targets,
            features={
                each.name: _STABLE
                for each in features
                if _supports(each, code in sources, code in targets)
                and (each is not _FORMALITY or code in formal or code.partition("-")[0] in formal)
            },
        )
        for code in sorted(names)
    ]


def _find_formal(pairs: Iterable[LanguagePair]) -> set[str]:
    """The languages into which a form of address can be asked for."""
    return {pair.target for pair in pairs if pair.formality}


def _find_features(pairs: Sequence[LanguagePair], resource: str) -> list[ResourceFeature]:
    return [each for each in _RESOURCES[resource] if each is not _FORMALITY or _find_formal(pairs)]


def _show_tag(code: str) -> str:
    """`en-gb` as `en-GB`."""
    language, _, region = show_code(code).partition("-")
    return f"{language}-{region.upper()}" if len(region) == 2 else show_code(code)


def _supports(feature: ResourceFeature, is_source: bool, is_target: bool) -> bool:
    """Whether a language that is one or both can do its part."""
    return bool(
        (feature.needs_source_support is True and is_source) or (feature.needs_target_support is True and is_target)
    )
