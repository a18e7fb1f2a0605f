"""What a storm did to the server: figures by second, and the bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from load.arrivals import percentile
from load.callers import Attempt

# The bars.
MIN_GOODPUT_SHARE = 0.9
MAX_REFUSAL_S = 0.1  # p99
MAX_MEMORY_GROWTH = 0.05
MAX_BACK_S = 2.0
# The first seconds of a storm fill queue and rows; goodput and memory are counted from here on.
SETTLED_S = 5.0


@dataclass(frozen=True)
class Peak:
    """Goodput of so many callers that wait for their answers."""

    num_callers: int
    sentences_per_s: float
    chars_per_s: float
    num_wrong: int


@dataclass(frozen=True)
class Probe:
    """A question of one caller alone."""

    at_s: float
    seconds: float
    outcome: str
    right: bool | None


@dataclass(frozen=True)
class Reading:
    """What the server held at a time of the storm.

    Processor times are totals, `loop_cpu_s` of the event loop
    alone, `sender_cpu_s` of the process that sends.
    """

    at_s: float
    rss_bytes: int
    rows_in_use: int
    waiting_sentences: int
    waiting_ids: int
    cpu_s: float
    loop_cpu_s: float
    sender_cpu_s: float


@dataclass(frozen=True)
class Second:
    """What happened in one second: what was offered in it, what was answered in it; latencies in seconds."""

    second: int
    offered: int
    retried: int
    accepted: int
    refused: int
    late: int
    others: int
    p50_s: float | None
    p99_s: float | None
    refusal_p50_s: float | None
    refusal_p99_s: float | None


@dataclass(frozen=True)
class Bar:
    """One of the bars; `value` in words."""

    name: str
    value: str
    is_held: bool


@dataclass(frozen=True)
class Report:
    """All figures of one run.

    Attributes:
        rate: of the storm, first attempts per second.
        before_s: of each probe, before the storm.
        after: the probes after it.
        back_s: seconds after the storm at which they were as fast again; None if never.
    """

    peaks: Sequence[Peak]
    rate: float
    seconds: float
    deadline_s: float
    attempts: Sequence[Attempt]
    readings: Sequence[Reading]
    before_s: Sequence[float]
    after: Sequence[Probe]
    back_s: float | None

    @property
    def peak(self) -> Peak:
        """The highest."""
        return max(self.peaks, key=lambda each: each.sentences_per_s)

    @property
    def is_well(self) -> bool:
        """Whether every bar was held."""
        return all(bar.is_held for bar in self.bars)

    @property
    def num_wrong(self) -> int:
        """Answers that were not the known ones."""
        told = [each.right for each in (*self.attempts, *self.after)]
        return told.count(False) + sum(each.num_wrong for each in self.peaks)

    def of(self, outcome: str) -> list[Attempt]:
        """The attempts that ended so."""
        return [each for each in self.attempts if each.outcome == outcome]

    @cached_property
    def goodput(self) -> tuple[float, float]:
        """Sentences and characters per second that were accepted, right, and answered while the storm lasted."""
        begin = min(SETTLED_S, self.seconds / 2)
        good = [each for each in self.of("accepted") if each.right and begin <= each.ended_s < self.seconds]
        length = self.seconds - begin
        return len(good) / length, sum(each.num_chars for each in good) / length

    @cached_property
    def bars(self) -> list[Bar]:
        """What was promised, and whether it was kept."""
        sentences, chars = self.goodput
        share = min(_ratio(sentences, self.peak.sentences_per_s), _ratio(chars, self.peak.chars_per_s))
        # Who was let in and then given up at his deadline was accepted, too.
        admitted = [*self.of("accepted"), *self.of("late")]
        p99_s = percentile([each.seconds for each in admitted], 0.99)
        refusal_s = percentile([each.seconds for each in self.of("refused")], 0.99)
        settled = [each.rss_bytes for each in self.readings if SETTLED_S <= each.at_s < self.seconds]
        growth = settled[-1] / settled[0] - 1 if settled else 0.0
        lost = [each for each in self.attempts if each.outcome in ("failed", "timed out") or each.status >= 500]
        unexpected = [each for each in lost if each.outcome not in ("refused", "late")]
        return [
            Bar(
                "goodput within 10 % of peak",
                f"{share:.1%}: {sentences:.1f} of {self.peak.sentences_per_s:.1f} sentences/s, "
                f"{chars:.0f} of {self.peak.chars_per_s:.0f} characters/s",
                share >= MIN_GOODPUT_SHARE,
            ),
            Bar(
                f"p99 of accepted under {self.deadline_s:g} s",
                f"{_seconds(p99_s)}; {len(self.of('late'))} of {len(admitted)} were late",
                (p99_s or 0) <= self.deadline_s,
            ),
            Bar(
                f"p99 of refusals under {1000 * MAX_REFUSAL_S:.0f} ms",
                _seconds(refusal_s),
                (refusal_s or 0) <= MAX_REFUSAL_S,
            ),
            Bar("memory flat", f"{growth:+.1%}", growth <= MAX_MEMORY_GROWTH),
            Bar(
                f"latency back within {MAX_BACK_S:g} s",
                _seconds(self.back_s),
                self.back_s is not None and self.back_s <= MAX_BACK_S,
            ),
            Bar("no wrong answer", str(self.num_wrong), self.num_wrong == 0),
            Bar("no other failure", str(len(unexpected)), not unexpected),
        ]

    def by_second(self) -> list[Second]:
        """The storm second by second."""
        return [self._second(i) for i in range(int(self.seconds))]

    def _second(self, i: int) -> Second:
        begun = [each for each in self.attempts if int(each.intended_s) == i]
        ended = [each for each in self.attempts if int(each.ended_s) == i]
        accepted = [each.seconds for each in ended if each.outcome == "accepted"]
        refused = [each.seconds for each in ended if each.outcome == "refused"]
        num_late = sum(each.outcome == "late" for each in ended)
        return Second(
            i,
            sum(each.number == 0 for each in begun),
            sum(each.number > 0 for each in begun),
            len(accepted),
            len(refused),
            num_late,
            len(ended) - len(accepted) - len(refused) - num_late,
            percentile(accepted, 0.5),
            percentile(accepted, 0.99),
            percentile(refused, 0.5),
            percentile(refused, 0.99),
        )


def _ratio(value: float, whole: float) -> float:
    return value / whole if whole else 0.0


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{1000 * value:.0f} ms"
