"""The load tests' own parts, and a few seconds of each: what they count is right. Nothing here looks at a time."""

import importlib
import itertools
import json
import random
from pathlib import Path
from typing import Any

import pytest

arrivals = importlib.import_module("load.arrivals")
callers = importlib.import_module("load.callers")
overload = importlib.import_module("overload")
overload_report = importlib.import_module("load.overload_report")
process = importlib.import_module("load.process")
questions = importlib.import_module("load.questions")
soak = importlib.import_module("soak")
soak_report = importlib.import_module("load.soak_report")

BUNDLE = Path("models/en-de")
LINES = [
    "Der Hund schläft heute nicht im Haus.",
    "Guten Morgen!",
    "Wir haben gestern im Garten zusammen mit den Nachbarn gegessen.",
    "Eine Frau liest ein Buch.",
    "Der Zug nach Hamburg fährt heute leider eine halbe Stunde später ab.",
    "Wo sind meine Schlüssel?",
]


def attempt(outcome: str = "accepted", status: int = 200, **changes: Any) -> Any:
    facts = {"manner": "native", "number": 0, "intended_s": 1.0, "sent_s": 1.0, "ended_s": 1.5, "num_chars": 10}
    return callers.Attempt(**{**facts, "outcome": outcome, "status": status, "right": status == 200 or None, **changes})


def test_poisson_arrivals_come_at_the_rate_and_in_order() -> None:
    times = arrivals.poisson_times(50.0, 200.0, random.Random(3))
    assert times == sorted(times)
    assert times[0] > 0
    assert times[-1] < 200
    assert 9_500 < len(times) < 10_500
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    # Of exponential gaps e^-1 are longer than the mean; of regular ones none would be.
    assert 0.34 < sum(gap > 1 / 50 for gap in gaps) / len(gaps) < 0.40


def test_a_plan_has_all_manners_in_their_shares_and_only_known_questions() -> None:
    plan = arrivals.plan_arrivals(100.0, 50.0, {"deepl": 0.3, "native": 0.7}, {"deepl": 2, "native": 5}, seed=1)
    deepl = [each for each in plan if each.manner == "deepl"]
    assert 0.25 < len(deepl) / len(plan) < 0.35
    assert {each.question for each in deepl} == {0, 1}
    assert {each.question for each in plan if each.manner == "native"} == {0, 1, 2, 3, 4}


def test_retries_come_as_deepls_client_sends_them() -> None:
    waits = list(arrivals.retry_waits(random.Random(1)))
    assert len(waits) == arrivals.MAX_ATTEMPTS - 1
    assert waits[0] == 1.0
    for wait, planned in zip(waits, (1.0, 1.6, 2.56, 4.096, 6.5536), strict=True):
        assert abs(wait / planned - 1) <= arrivals.RETRY_JITTER


@pytest.mark.parametrize(
    ("outcome", "status", "retried"),
    [
        ("accepted", 200, False),
        ("refused", 429, True),
        ("refused", 503, True),
        ("late", 429, True),
        ("timed out", 0, True),
        ("status 400", 400, False),
    ],
)
def test_what_deepls_client_asks_again(outcome: str, status: int, retried: bool) -> None:
    assert callers.is_retried(attempt(outcome, status)) == retried


def test_percentiles_are_values_that_were_measured() -> None:
    assert arrivals.percentile([3.0, 1.0, 2.0, 4.0], 0.5) == 2.0
    assert arrivals.percentile([float(i) for i in range(1, 101)], 0.99) == 99.0
    assert arrivals.percentile([7.0], 0.99) == 7.0
    assert arrivals.percentile([], 0.5) is None


def test_metrics_are_added_up_over_labels() -> None:
    text = '# HELP a of a\na{model="x"} 2.0\na{model="y"} 3.0\nb_total 1e+06\nb_created{le="+Inf"} 4.0\n'
    assert process.parse_metrics(text) == {"a": 5.0, "b_total": 1e6, "b_created": 4.0}


def test_an_answer_is_told_by_its_texts_and_languages() -> None:
    def told(path: str, answer: object) -> Any:
        return questions.read_told(path, 200, json.dumps(answer).encode())

    translation = {"text": "Hello", "source": "de", "model": {"name": "first"}, "score": -1.0}
    other_model = {**translation, "model": {"name": "second"}, "score": -1.001}
    assert told("/v1/translate", {"translations": [translation]}) == told(
        "/v1/translate", {"translations": [other_model]}
    )
    for changed in ({"text": "Hallo"}, {"source": "en"}, {"alternatives": [{"text": "Hi"}]}):
        assert told("/v1/translate", {"translations": [{**translation, **changed}]}) != told(
            "/v1/translate", {"translations": [translation]}
        )
    # Swapped answers are wrong even where both texts are right.
    two = [{"text": "One", "detected_source_language": "DE"}, {"text": "Two", "detected_source_language": "DE"}]
    assert told("/v2/translate", {"translations": two}) != told("/v2/translate", {"translations": two[::-1]})
    assert questions.read_told("/v1/translate", 400, b"whatever") == questions.read_told("/v1/translate", 400, b"else")


def test_a_stream_is_told_by_its_joined_pieces_and_its_end() -> None:
    def told(*lines: object) -> Any:
        return questions.read_told("/v1/translate", 200, b"".join(json.dumps(line).encode() + b"\n" for line in lines))

    first, second = {"index": 0, "text": "Good "}, {"index": 0, "text": "day."}
    whole = told(first, second, {"done": True})
    assert whole == told({"index": 0, "text": "Good day."}, {"done": True})
    assert whole != told(first, {"done": True})
    assert whole != told(first, second, {"error": {"code": "deadline_exceeded"}})


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b"", "accepted"),
        (503, b'{"error": {"code": "overloaded"}}', "refused"),
        (429, b'{"message": "the answer would take about 9 s"}', "refused"),
        (429, b'{"message": "The deadline passed before the translation was complete."}', "late"),
        (504, b"", "late"),
        (500, b"", "status 500"),
    ],
)
def test_outcomes(status: int, body: bytes, outcome: str) -> None:
    assert questions.outcome_of(status, body) == outcome


def overload_report_of(attempts: list[Any], **changes: Any) -> Any:
    reading = overload_report.Reading(6.0, 100, 1, 2, 3, 1.0, 0.5, 0.5)
    facts = {
        "peaks": [overload_report.Peak(4, 2.0, 20.0, 0)],
        "rate": 10.0,
        "seconds": 10.0,
        "deadline_s": 4.5,
        "attempts": attempts,
        "readings": [reading, reading],
        "before_s": [0.1],
        "after": [],
        "back_s": 0.0,
    }
    return overload_report.Report(**{**facts, **changes})


def missed(report: Any) -> list[str]:
    return [bar.name for bar in report.bars if not bar.is_held]


def test_every_bar_can_be_missed() -> None:
    good = [attempt(intended_s=5 + i / 2, sent_s=5 + i / 2, ended_s=5.4 + i / 2) for i in range(10)]
    assert missed(overload_report_of(good)) == []
    assert missed(overload_report_of(good[:8])) == ["goodput within 10 % of peak"]
    short = [attempt(intended_s=each.intended_s, ended_s=each.ended_s, num_chars=8) for each in good]
    assert missed(overload_report_of(short)) == ["goodput within 10 % of peak"]
    assert missed(overload_report_of([*good, attempt(ended_s=6.0)])) == ["p99 of accepted under 4.5 s"]
    assert missed(overload_report_of([*good, attempt("refused", 503)])) == ["p99 of refusals under 100 ms"]
    assert missed(overload_report_of([*good, attempt(ended_s=1.2, right=False)])) == ["no wrong answer"]
    assert missed(overload_report_of([*good, attempt("status 500", 500)])) == ["no other failure"]
    assert missed(overload_report_of([*good, attempt("hung up", 0)])) == []
    late = attempt("late", 504, ended_s=5.6)
    assert missed(overload_report_of([*good, late])) == ["p99 of accepted under 4.5 s"]
    assert missed(overload_report_of([*200 * good, late])) == []
    assert missed(overload_report_of(good, back_s=None)) == ["latency back within 2 s"]
    readings = [overload_report.Reading(at, rss, 1, 2, 3, 1.0, 0.5, 0.5) for at, rss in ((6.0, 100), (9.0, 110))]
    assert missed(overload_report_of(good, readings=readings)) == ["memory flat"]


def sample(at_s: float = 0.0, rss: float = 100.0, **changes: int) -> Any:
    facts = {"num_descriptors": 20, "num_threads": 9, "num_tasks": 5, "rows_in_use": 0, "waiting_sentences": 0}
    return soak_report.Sample(at_s=at_s, rss_bytes=int(rss * 1e6), **{**facts, **changes})


def test_a_soak_is_judged_by_what_is_wrong_left_or_grown() -> None:
    flat = [sample(10.0 * i, 100 + 80 * (i % 6 == 0)) for i in range(181)]
    good = {"/v1 text": {"right": 5, "refused": 1}}

    def faults(samples: Any = flat, after: Any = None, outcomes: Any = good) -> Any:
        return soak_report.judge(samples, sample(), after or sample(), outcomes).faults

    assert faults() == ()
    assert faults(outcomes={"/v1 text": {"right": 5, "wrong": 1}}) == ("1 wrong answers",)
    assert faults(outcomes={"/v1 text": {"status 500": 2, "failed": 1}}) == ("3 requests failed",)
    assert faults(after=sample(rows_in_use=4)) == ("4 rows in use after the end",)
    assert faults(after=sample(waiting_sentences=1)) == ("1 sentences wait after the end",)
    assert faults(after=sample(num_descriptors=99)) == ("99 descriptors, 20 before",)
    assert faults(after=sample(num_threads=99)) == ("99 threads, 9 before",)
    assert faults(after=sample(num_tasks=99)) == ("99 tasks, 5 before",)
    grown = [sample(10.0 * i, 100 + i / 2) for i in range(181)]
    assert faults(samples=grown) == ("memory has grown by 18.1% in the second half",)
    verdict = soak_report.judge(grown, sample(), sample(), good)
    assert verdict.rss_slope_bytes_per_min == pytest.approx(3e6, rel=0.01)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "lines.de"
    path.write_text("\n".join(LINES) + "\n", "utf-8")
    return path


@pytest.mark.slow
def test_a_short_storm_has_no_wrong_answer(file: Path, tmp_path: Path) -> None:
    cores = ["--server-core=-1", "--client-core=-1"]
    short = ["--seconds=3", "--rate=20", "--peak-s=1", "--peak-callers", "4", "--read-every-s=0.5"]
    overload.main([f"--bundle={BUNDLE}", f"--file={file}", *cores, *short, f"--output={tmp_path / 'out'}"])
    found = json.loads((tmp_path / "out" / "overload.json").read_text())
    assert {bar["name"]: bar["value"] for bar in found["bars"]}["no wrong answer"] == "0"
    assert found["statuses"]["200"] > 0
    assert sum(each["offered"] for each in found["by_second"]) > 20
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"overload.json", "overload.md", "overload.png"}


@pytest.mark.slow
def test_a_short_soak_is_well(file: Path, tmp_path: Path) -> None:
    short = ["--minutes=0.1", "--each=1", "--swap-every-s=2", "--settle-s=2"]
    assert soak.main([f"--bundle={BUNDLE}", f"--file={file}", *short, f"--output={tmp_path / 'out'}"]) == 0
    found = json.loads((tmp_path / "out" / "soak.json").read_text())
    assert found["verdict"]["num_wrong"] == found["verdict"]["num_failed"] == 0
    assert found["swaps"] >= 1
    assert found["after"]["rows_in_use"] == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "soak.json",
        "soak.md",
        "soak.png",
        "serve.log",
    }
