"""English's "a" and "an", by the sound that the next word begins with, as far as its letters tell."""

import re

# Words that sound otherwise than they are spelled: "a European", "a one-way street", "an hour".
_CONSONANT = re.compile(r"eu|ewe|onc?e\b|uni(?![nm])|us[aeu]|ut[eio]|ubi|ura|uro", re.I)
_VOWEL = re.compile(r"[aeiou]|hour|hono|honest|heir|8|1[18]\b", re.I)
# Letters that are said one by one: "an FBI agent", "a USB stick"; with a vowel behind it is said as a word.
_SPELLED_VOWEL = re.compile(r"[AEIO]|[FHLMNRSX](?![AEIOU])")


def choose_article(article: str, word: str) -> str:
    """`article`, which is "a" or "an" in any case, as it is before `word`; as it was where no sound is known."""
    if not word[:1].isalnum():
        return article
    capitals = re.match(r"[A-Z]{2,}\b", word)
    if capitals:
        is_vowel = _SPELLED_VOWEL.match(word) is not None
    else:
        is_vowel = _VOWEL.match(word) is not None and _CONSONANT.match(word) is None
    if not is_vowel:
        return article[0]
    return article[0] + ("N" if article == "AN" or (article == "A" and word.isupper()) else "n")
