"""Words to lines of about the same length."""

from collections.abc import Sequence


def wrap(widths: Sequence[int], num_lines: int) -> list[int]:
    """How many words go into each line, the longest line as short as can be.

    Args:
        widths: of the words; between two of them in a line there is a space.
        num_lines: at most so many.
    """
    if not widths:
        return []
    low, high = max(widths), sum(widths) + len(widths)
    while low < high:
        middle = (low + high) // 2
        if len(fill(widths, middle)) <= num_lines:
            high = middle
        else:
            low = middle + 1
    return fill(widths, low)


def fill(widths: Sequence[int], max_width: int) -> list[int]:
    """How many words go into each line if each takes as many as fit.

    Args:
        widths: of the words; between two of them in a line there is a space.
        max_width: of a line; a longer word has one of its own.
    """
    counts = [0]
    width = -1
    for each in widths:
        if counts[-1] and width + 1 + each > max_width:
            counts.append(0)
            width = -1
        counts[-1] += 1
        width += 1 + each
    return counts
