"""Which of the served languages a text is in. Its model (48 MB, 0.7 s) is loaded when first asked, or before.

Measured on 80 short sentences and 81 single words of tests/server/text/test_detect.py: with de and en served 80 and 78
right, with de, en and fr 80 and 75; nothing wrong had a confidence of 0.8 or more. Of 90 lines of 18 other languages,
most of them short (lines_of_languages.txt there), 88 were told to be in neither.
"""

import asyncio
import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

# The beginning tells enough; 4,000 characters take 1 ms, and what is longer costs no more than that.
MAX_CHARS = 4000

# From this confidence on, a text that seems to be in the target language is left as it is. Below it the wish to have it
# translated tells more.
SURE = 0.8

# A text that is by so much likelier in another language is in none of those served. Of 500 German and
# English lines none is taken for foreign; short lines of related languages may pass for one of those served.
FOREIGN = 0.05

# Addresses and names of accounts are in no language, and would outweigh the few words beside them.
_NOISE = re.compile(r"(?<!\S)(?:https?://\S+|www\.\S+|\S*@\S+)")
_LATIN = re.compile("[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff]")

# Our codes that the model has under another name; others it finds by themselves or without their region.
_LABELS = {"zt": "zh", "pb": "pt", "nb": "no"}
# Besides those served, the model tells these apart: most of what is written in Latin letters. More of them would cost
# memory, and tell less of short texts.
_OTHER_NAMES = (
    "de en fr es it pt nl sv da no fi pl cs sk hu ro hr sl tr id vi ca la et lt lv is ga eu sq af eo tl sw ms gl"
)
_OTHERS = frozenset(_OTHER_NAMES.split())
# What may be written in other letters than Latin ones.
_OTHER_LETTERS = (
    "am ar ary arz as az ba be bg bn bs crh dz el fa gom grc gu ha hbo he hi hy ja ka kk km kn ko ku ky lo mk ml "
    "mn mr ms my ne or pa ps ru sa sdh si sr ta te tg th tk tt ug uk ur uz uzs wuu yue zh"
)


@dataclass(frozen=True)
class Detected:
    """A language and how sure we are of it, 0 to 1.

    Attributes:
        is_foreign: whether the text surely is in another language, which is not served.
    """

    language: str
    confidence: float
    is_foreign: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class _Model:
    """py3langid's identifier, and how to read its answers.

    Attributes:
        labels: served language to its label, without those that the identifier does not know.
        blank: its answer to a text that has none of its features.
        latin: whether all served languages are written in Latin letters.
        is_narrow: whether it knows all the languages that are served, and tells of these and `_OTHERS` alone.
    """

    identifier: Any
    labels: dict[str, str]
    blank: dict[str, float]
    latin: bool
    is_narrow: bool = False

    @property
    def served(self) -> frozenset[str]:
        """The labels of the languages that are served."""
        return frozenset(self.labels.values())


class Detector:
    """Detects among `languages` only: a short text is never taken for a language that nobody asked about.

    A language that the model does not know has confidence 0 always, so the others come before it.
    """

    def __init__(self, languages: Iterable[str]) -> None:
        self._languages = tuple(dict.fromkeys(languages))
        self._model: _Model | None = None
        self._lock = threading.Lock()

    @property
    def loaded(self) -> bool:
        """Whether the next text is answered without loading anything."""
        return self._model is not None or len(self._languages) < 2

    def load(self) -> None:
        """Load the model now, so that no request waits for it; from any thread, any number of times."""
        if not self.loaded:
            self._load()

    def detect(self, text: str) -> Detected:
        """The likeliest language. Where nothing tells, it is the first one served, with confidence 0."""
        return self.rank(text)[0]

    def rank(self, text: str) -> list[Detected]:
        """All languages, likeliest first."""
        text = _NOISE.sub(" ", text.lstrip()[:MAX_CHARS]).strip()
        scores, is_foreign = self._score(text) if any(map(str.isalpha, text)) else ({}, False)
        ranked = [Detected(language, scores.get(language, 0.0), is_foreign) for language in self._languages]
        return sorted(ranked, key=lambda each: -each.confidence)

    def _score(self, text: str) -> tuple[dict[str, float], bool]:
        """Confidences of the languages, none where nothing tells; and whether it is in none of them.

        Each has its share among those served, and less where another language is likelier than all of these.
        """
        if len(self._languages) == 1:
            return {self._languages[0]: 1.0}, False
        model = self._load()
        if model.latin and not _LATIN.search(text):
            return {}, True
        found = dict(model.identifier.rank(text))
        if found == model.blank:
            return {}, False
        scores = {language: float(found[label]) for language, label in model.labels.items()}
        if not model.is_narrow:
            return scores, False
        other = max((float(score) for label, score in found.items() if label not in model.served), default=0.0)
        # Languages with one label, such as both of Chinese, have its share each.
        total = sum(float(found[label]) for label in model.served)
        best = max(scores.values())
        ratio = best / other if other else 1.0
        share = min(1.0, 2 * ratio)  # what is nearly as likely takes nothing away
        return {language: score / total * share for language, score in scores.items()}, ratio < FOREIGN

    def _load(self) -> _Model:
        with self._lock:
            if self._model is None:
                self._model = _read_model(self._languages)
            return self._model


async def detect_texts(detector: Detector, texts: Sequence[str]) -> list[list[Detected]]:
    """The ranked languages of each text; in a thread, since the first call loads the model and many texts take time."""
    return await asyncio.to_thread(lambda: [detector.rank(text) for text in texts])


def _read_model(languages: Sequence[str]) -> _Model:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    known = frozenset(identifier.labels)
    labels = {language: label for language in languages if (label := _label(language)) in known}
    all_known = len(labels) == len(languages)
    if all_known:
        # Otherwise the text may well be in the language that it does not know, and the few others would share all the
        # confidence there is; unrestricted, they have what is theirs.
        identifier.set_languages(sorted({*labels.values(), *_OTHERS} & known))
        identifier = _without_other_languages(identifier)
    latin = all_known and not frozenset(_OTHER_LETTERS.split()).intersection(labels.values())
    return _Model(identifier, labels, dict(identifier.rank("")), latin, all_known)


def _without_other_languages(identifier: Any) -> Any:
    """`identifier` without what it keeps to be unrestricted again: 28 MB of its 75."""
    return type(identifier)(
        identifier.nb_ptc,
        identifier.nb_pc,
        identifier.nb_classes,
        identifier.tk_nextmove,
        identifier.tk_output,
        norm_probs=True,
        tk_row=identifier.tk_row,
    )


def _label(language: str) -> str:
    code = language.lower().partition("-")[0]
    return _LABELS.get(code, code)
