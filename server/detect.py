"""Which of the served languages a text is in. Pure function of the text; loads its model (75 MB) when first asked."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Detected:
    """A language and how sure we are of it, 0 to 1."""

    language: str
    confidence: float


class Detector:
    """Detects among `languages` only: a short text is never taken for a language that nobody asked about."""

    def __init__(self, languages: Iterable[str]) -> None:
        self._languages = tuple(dict.fromkeys(languages))
        self._identifier: Any = None
        self._lock = threading.Lock()

    def detect(self, text: str) -> Detected:
        """The likeliest language. Where nothing tells, it is the first one served, with confidence 0."""
        return self.rank(text)[0]

    def rank(self, text: str) -> list[Detected]:
        """All languages, likeliest first."""
        if len(self._languages) == 1:
            return [Detected(self._languages[0], 1.0)]
        found = dict(self._load().rank(text)) if any(map(str.isalpha, text)) else {}
        ranked = [Detected(language, float(found.get(language, 0.0))) for language in self._languages]
        return sorted(ranked, key=lambda each: -each.confidence)

    def _load(self) -> Any:
        with self._lock:
            if self._identifier is None:
                from py3langid.langid import MODEL_FILE, LanguageIdentifier

                identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
                identifier.set_languages(list(self._languages))
                self._identifier = identifier
            return self._identifier
