"""From attention over ids to what markup needs: which characters of a text its translation's characters come from."""

from collections.abc import Sequence

from server.engine.types import SentenceResult
from server.markup import Alignment
from server.plan import Part
from server.tokenizer import Tokenizer

Span = tuple[int, int]


def align_parts(tokenizer: Tokenizer, parts: Sequence[Part], results: Sequence[SentenceResult]) -> list[Alignment]:
    """One alignment for each part of a text that says what it was made from; spans are of the whole text.

    Args:
        parts: of the text, in order.
        results: of those that have ids, in order.
    """
    waiting = iter(results)
    alignments: list[Alignment] = []
    source_start = target_start = 0
    for part in parts:
        text = part.segment.text
        if part.source_ids:
            best = next(waiting).hypotheses[0]
            spans = tokenizer.source_spans(text)
            ends = _ends(tokenizer, best.ids)
            num_prefix = len(part.source_ids) - len(spans) - 1
            # Without a span for each id (text that the tokenizer saw otherwise) nothing is said of this part.
            if best.alignment is not None and num_prefix >= 0:
                alignments.append(
                    Alignment(
                        [(target_start + a, target_start + b) for a, b in zip([0, *ends], ends, strict=False)],
                        best.alignment[:, num_prefix:-1].astype(float),
                        [(source_start + a, source_start + b) for a, b in spans],
                    )
                )
            target_start += ends[-1] if ends else 0
        else:
            target_start += len(text)
        source_start += len(text) + len(part.segment.after)
        target_start += len(part.segment.after)
    return alignments


def _ends(tokenizer: Tokenizer, ids: Sequence[int]) -> list[int]:
    """Where each id ends in the decoded text. Bytes of one character are there when the last of them is."""
    total = len(tokenizer.decode(ids))
    ends: list[int] = []
    for count in range(1, len(ids) + 1):
        end = min(len(tokenizer.decode(ids[:count])), total)
        ends.append(max(end, ends[-1] if ends else 0))
    return ends
