"""English names of languages by ISO 639-1 code, as menus show them. Facts only; which are served is elsewhere."""

_NAMES = (
    "af Afrikaans, ar Arabic, az Azerbaijani, be Belarusian, bg Bulgarian, bn Bengali, bs Bosnian, ca Catalan, cs "
    "Czech, cy Welsh, da Danish, de German, el Greek, en English, eo Esperanto, es Spanish, et Estonian, eu Basque, "
    "fa Persian, fi Finnish, fr French, ga Irish, gl Galician, gu Gujarati, he Hebrew, hi Hindi, hr Croatian, hu "
    "Hungarian, hy Armenian, id Indonesian, is Icelandic, it Italian, ja Japanese, ka Georgian, kk Kazakh, kn "
    "Kannada, ko Korean, la Latin, lb Luxembourgish, lt Lithuanian, lv Latvian, mk Macedonian, ml Malayalam, mn "
    "Mongolian, mr Marathi, ms Malay, mt Maltese, nb Norwegian Bokmål, ne Nepali, nl Dutch, nn Norwegian Nynorsk, no "
    "Norwegian, pa Punjabi, pl Polish, ps Pashto, pt Portuguese, ro Romanian, ru Russian, si Sinhala, sk Slovak, sl "
    "Slovenian, so Somali, sq Albanian, sr Serbian, sv Swedish, sw Swahili, ta Tamil, te Telugu, th Thai, tl Tagalog, "
    "tr Turkish, uk Ukrainian, ur Urdu, uz Uzbek, vi Vietnamese, yi Yiddish, zh Chinese, "
    "pb Portuguese (Brazilian), pt-br Portuguese (Brazilian), zh-hans Chinese (simplified), zh-hant Chinese "
    "(traditional), zt Chinese (traditional)"
)
_ENTRIES = [entry.partition(" ") for entry in _NAMES.split(", ")]
NAMES = {code: name for code, _, name in _ENTRIES}


def language_name(code: str) -> str:
    """The English name, or the code itself where we know none."""
    return NAMES.get(code.lower(), code)
