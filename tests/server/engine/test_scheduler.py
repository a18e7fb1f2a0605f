"""Who joins and when, with a clock of our own; no thread and no tensor."""

from concurrent.futures import Future
from dataclasses import replace

import pytest

from server.engine.scheduler import RUNNING_ENCODE_TOKENS, Scheduler
from server.engine.types import ANYBODY, Caller, EngineSettings, SearchOptions, SentenceResult
from server.errors import DeadlineExceededError, EngineStoppedError, InvalidRequestError, QueueFullError
from tests.server.engine.toy import DIMENSIONS

SETTINGS = EngineSettings(max_rows=8, max_batch_tokens=1024, max_queue_tokens=400)
GREEDY = SearchOptions()


class Clock:
    """Seconds that pass when told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def make_scheduler(settings: EngineSettings = SETTINGS, num_threads: int = 1, clock: Clock | None = None) -> Scheduler:
    return Scheduler(DIMENSIONS, settings, num_threads, clock or Clock())


def submit(
    scheduler: Scheduler, length: int, beam_size: int = 1, deadline: float | None = None, caller: Caller = ANYBODY
) -> Future[SentenceResult]:
    return scheduler.submit((3,) * length, SearchOptions(beam_size=beam_size), deadline, caller)


def take_lengths(scheduler: Scheduler, thread: int = 0, rows_in_use: int = 0) -> list[int]:
    return [len(job.source_ids) for job in scheduler.take(thread, rows_in_use)]


def test_first_come_first_served_while_rows_are_free() -> None:
    scheduler = make_scheduler()
    for length in (5, 6, 7, 8):
        submit(scheduler, length)
    assert take_lengths(scheduler, rows_in_use=6) == [5, 6]
    assert take_lengths(scheduler, rows_in_use=8) == []
    assert take_lengths(scheduler) == [7, 8]
    assert take_lengths(scheduler) == []


def test_newcomers_are_held_back_until_that_has_cost_them_what_it_saves() -> None:
    clock = Clock()
    scheduler = make_scheduler(clock=clock)

    def taken_after(seconds: float, rows_in_use: int = 4) -> int:
        clock.now += seconds
        return len(scheduler.take(0, rows_in_use, call_s=0.010))

    taken_after(0.002)
    submit(scheduler, 5)
    # For four rows a call costs 40 ms of rows. One sentence may wait as long, step by step.
    assert [taken_after(0.009) for _ in range(4)] == [0, 0, 0, 0]
    assert taken_after(0.009) == 1
    for length in (5, 6, 7):
        submit(scheduler, length)
    # Three lose three times as much.
    assert [taken_after(0.006), taken_after(0.006)] == [0, 0]
    assert taken_after(0.006) == 3


def test_who_holds_up_nobody_or_has_lost_enough_is_not_held_back() -> None:
    clock = Clock()
    scheduler = make_scheduler(clock=clock)
    submit(scheduler, 5)
    assert len(scheduler.take(0, 0, call_s=10.0)) == 1
    clock.now += 0.020
    for _ in range(3):
        submit(scheduler, 5)
    # The coming step, as long as the one before, would cost three of them more than the call costs two rows.
    assert len(scheduler.take(0, 2, call_s=0.010)) == 3


def test_nobody_overtakes_a_sentence_that_waits_for_rows() -> None:
    """Guards against wide beams starving behind a stream of greedy sentences."""
    scheduler = make_scheduler()
    submit(scheduler, 5, beam_size=6)
    submit(scheduler, 5)
    assert take_lengths(scheduler, rows_in_use=3) == []
    assert len(scheduler.take(0, 2)) == 1
    assert len(scheduler.take(0, 8)) == 0
    assert len(scheduler.take(0, 7)) == 1


def test_padded_budget_bounds_an_encoder_call() -> None:
    scheduler = make_scheduler(replace(SETTINGS, max_rows=64, max_batch_tokens=160, max_queue_tokens=9999))
    for _ in range(12):
        submit(scheduler, 17)  # padded to 32, the toy's multiple being 16
    assert take_lengths(scheduler) == [17] * 5
    assert take_lengths(scheduler) == [17] * 5
    assert take_lengths(scheduler) == [17] * 2


def test_lengths_too_unlike_are_not_encoded_together() -> None:
    scheduler = make_scheduler()
    for length in (100, 4, 5, 6, 90):
        submit(scheduler, length)
    assert take_lengths(scheduler) == [100, 4, 90]  # one short one fits into the half that may be padding
    assert take_lengths(scheduler) == [5, 6]


def test_the_head_is_always_taken() -> None:
    """A long sentence goes at once even while rows run and the small budget is below its length."""
    scheduler = make_scheduler(replace(SETTINGS, max_queue_tokens=9999, max_batch_tokens=4096, max_rows=64))
    for _ in range(10):
        submit(scheduler, 140)
    taken = take_lengths(scheduler, rows_in_use=1)
    assert 1 <= len(taken) <= RUNNING_ENCODE_TOKENS // 144
    assert len(take_lengths(scheduler)) == 10 - len(taken)


def test_threads_share_what_waits() -> None:
    scheduler = make_scheduler(num_threads=2)
    for _ in range(8):
        submit(scheduler, 5)
    assert len(scheduler.take(0, 0)) == 4
    assert len(scheduler.take(0, 4)) == 0, "the rest is for the other thread"
    assert len(scheduler.take(1, 0)) == 4
    submit(scheduler, 5)
    assert len(scheduler.take(0, 4)) == 1, "with equal loads, whoever comes first"


def test_a_caller_with_little_does_not_wait_behind_one_with_much() -> None:
    scheduler = make_scheduler()
    for _ in range(6):
        submit(scheduler, 10, caller=Caller("greedy"))
    submit(scheduler, 11, caller=Caller("modest"))
    submit(scheduler, 12, caller=Caller("modest"))
    one_row = SETTINGS.max_rows - 1
    taken = [take_lengths(scheduler, rows_in_use=one_row) for _ in range(8)]
    assert taken == [[10], [11], [10], [12], [10], [10], [10], [10]]


def test_a_cancelled_sentence_costs_its_caller_nothing() -> None:
    scheduler = make_scheduler()
    submit(scheduler, 10, caller=Caller("other"))
    gone = [submit(scheduler, 50, caller=Caller("hasty")) for _ in range(3)]
    for future in gone:
        future.cancel()
    submit(scheduler, 11, caller=Caller("other"))
    submit(scheduler, 12, caller=Caller("hasty"))
    one_row = SETTINGS.max_rows - 1
    assert [take_lengths(scheduler, rows_in_use=one_row) for _ in range(3)] == [[10], [12], [11]]


def test_the_background_gets_little_but_not_nothing() -> None:
    scheduler = make_scheduler(replace(SETTINGS, max_queue_tokens=9999))
    for _ in range(3):
        submit(scheduler, 11, caller=Caller(background=True))
    for _ in range(60):
        submit(scheduler, 10)
    one_row = SETTINGS.max_rows - 1
    order = [length for _ in range(63) for length in take_lengths(scheduler, rows_in_use=one_row)]
    places = [i for i, length in enumerate(order) if length == 11]
    assert len(order) == 63
    assert places[0] == 0
    assert 15 <= places[1] - places[0] <= 20, "one in sixteen, by cost"
    assert 15 <= places[2] - places[1] <= 20


def test_the_background_leaves_rows_free() -> None:
    scheduler = make_scheduler()
    for _ in range(8):
        submit(scheduler, 11, caller=Caller(background=True))
    assert take_lengths(scheduler) == [11] * 4
    assert scheduler.take(0, 4, background_rows=4) == []
    submit(scheduler, 10)
    assert [len(job.source_ids) for job in scheduler.take(0, 4, background_rows=4)] == [10]


def test_a_beam_wider_than_the_backgrounds_rows_goes_alone() -> None:
    """Guards against a document that is never translated."""
    scheduler = make_scheduler()
    submit(scheduler, 11, beam_size=8, caller=Caller(background=True))
    assert take_lengths(scheduler) == [11]


def test_a_full_queue_refuses_with_sizes_and_a_hint() -> None:
    clock = Clock()
    scheduler = make_scheduler(clock=clock)
    for _ in range(4):
        submit(scheduler, 100)
    with pytest.raises(QueueFullError, match=r"400 source ids in 4 sentences; 1 more .* limit of 400") as refused:
        submit(scheduler, 1)
    assert refused.value.retry_after_s == 1.0
    [job] = scheduler.take(0, 7)
    clock.now += 5.0
    scheduler.left(job, done=True)  # 100 ids in 5 seconds: the 300 that wait need 15
    with pytest.raises(QueueFullError) as refused:
        submit(scheduler, 101)
    assert refused.value.retry_after_s == pytest.approx(15.0)


def busy_scheduler(clock: Clock) -> Scheduler:
    """One that works off 20 ids a second, with 300 waiting."""
    scheduler = make_scheduler(clock=clock)
    for _ in range(4):
        submit(scheduler, 100, caller=Caller("first"))
    [job] = scheduler.take(0, 7)
    clock.now += 5.0
    scheduler.left(job, done=True)
    return scheduler


def test_what_cannot_be_done_in_time_is_refused_at_once() -> None:
    clock = Clock()
    scheduler = busy_scheduler(clock)
    wanted = r"would take about 15\.5 s and the request allows 10\.0 s"
    with pytest.raises(QueueFullError, match=wanted) as refused:
        submit(scheduler, 10, deadline=clock.now + 10, caller=Caller("first"))
    assert refused.value.retry_after_s == pytest.approx(15.5 - 8.0)
    submit(scheduler, 10, deadline=clock.now + 20, caller=Caller("first"))
    submit(scheduler, 10, deadline=None, caller=Caller("first"))


def test_the_forecast_knows_whose_turn_it_is() -> None:
    clock = Clock()
    scheduler = busy_scheduler(clock)
    submit(scheduler, 10, deadline=clock.now + 10, caller=Caller("second"))


def test_a_wait_is_foretold_without_asking_for_anything() -> None:
    clock = Clock()
    scheduler = make_scheduler(clock=clock)
    assert scheduler.foretell(Caller("first")) is None
    scheduler = busy_scheduler(clock)
    assert scheduler.foretell(Caller("first")) == pytest.approx(15.0)
    ahead = scheduler.foretell(Caller("second"))
    assert ahead is not None
    assert ahead < 15.0
    # It need not be the newest, but it does not stay old.
    take_lengths(scheduler)
    clock.now += 0.021
    assert scheduler.foretell(Caller("first")) == pytest.approx(7.5, rel=0.01), "half of what runs is still to be done"


def test_a_wide_beam_is_more_work() -> None:
    clock = Clock()
    scheduler = make_scheduler(clock=clock)
    submit(scheduler, 20, beam_size=4)
    submit(scheduler, 20, beam_size=4)
    [job] = scheduler.take(0, 4)
    clock.now += 2.0
    scheduler.left(job, done=True)  # 80 a second and 4: 40 a second, and 80 waiting
    submit(scheduler, 20, beam_size=1, deadline=clock.now + 4)
    with pytest.raises(QueueFullError, match=r"about 4\.5 s"):
        submit(scheduler, 20, beam_size=4, deadline=clock.now + 5)


def test_nothing_is_foretold_from_a_short_time() -> None:
    clock = Clock()
    scheduler = make_scheduler(clock=clock)
    submit(scheduler, 100)
    submit(scheduler, 100)
    [job] = scheduler.take(0, 7)
    clock.now += 0.9
    scheduler.left(job, done=True)
    submit(scheduler, 100, deadline=clock.now + 0.1)


def guessing_scheduler(clock: Clock, pace: float) -> Scheduler:
    """One that has done nothing yet, with 300 ids waiting."""
    scheduler = make_scheduler(replace(SETTINGS, max_queue_tokens=99_999), clock=clock)
    scheduler.guess_pace(pace / 4, 0.25)
    for _ in range(3):
        submit(scheduler, 100, beam_size=4)
    return scheduler


def test_a_first_guess_refuses_before_any_work_is_done() -> None:
    """Guards against a cold server that lets in a whole burst, most of it to be given up at its deadline."""
    clock = Clock()
    scheduler = guessing_scheduler(clock, 2000.0)
    submit(scheduler, 100, beam_size=4, deadline=clock.now + 1.01)
    with pytest.raises(QueueFullError, match=r"about 1\.0 s and the request allows 1\.0 s"):
        submit(scheduler, 100, beam_size=4, deadline=clock.now + 1.0)


def test_real_work_soon_counts_for_more_than_the_first_guess() -> None:
    clock = Clock()
    scheduler = guessing_scheduler(clock, 100_000.0)
    for _ in range(6):
        [job] = scheduler.take(0, 4)
        clock.now += 1.0
        submit(scheduler, 100, beam_size=4)
        scheduler.left(job, done=True)
    with pytest.raises(QueueFullError):
        submit(scheduler, 100, beam_size=4, deadline=clock.now + 0.1)


def test_a_start_that_was_held_up_does_not_refuse_a_paragraph() -> None:
    clock = Clock()
    scheduler = make_scheduler(replace(SETTINGS, max_queue_tokens=99_999), clock=clock)
    scheduler.guess_pace(100, 60.0)
    for _ in range(30):
        submit(scheduler, 30, beam_size=4, deadline=clock.now + 4.5)


def test_idle_time_does_not_count_as_slowness() -> None:
    clock = Clock()
    scheduler = busy_scheduler(clock)
    while jobs := scheduler.take(0, 0):
        for job in jobs:
            clock.now += 5.0
            scheduler.left(job, done=True)
    clock.now += 1000.0
    submit(scheduler, 100, deadline=clock.now + 10)


def test_cancelling_gives_room_back_at_once() -> None:
    scheduler = make_scheduler()
    futures = [submit(scheduler, 100) for _ in range(4)]
    assert futures[1].cancel()
    counts = scheduler.counts()
    assert (counts.waiting_sentences, counts.waiting_ids, counts.cancelled) == (3, 300, 1)
    submit(scheduler, 99)
    assert take_lengths(scheduler) == [100, 100, 100, 99]


def test_what_waits_past_its_deadline_is_answered() -> None:
    clock = Clock()
    scheduler = make_scheduler(clock=clock)
    expiring, patient = submit(scheduler, 5, deadline=101.0), submit(scheduler, 6, deadline=300.0)
    clock.now = 101.5
    assert take_lengths(scheduler, rows_in_use=8) == []
    with pytest.raises(DeadlineExceededError):
        expiring.result(0)
    assert scheduler.counts().expired == 1
    assert not patient.done()
    assert take_lengths(scheduler) == [6]
    clock.now = 400.0
    assert take_lengths(scheduler) == []
    assert not patient.done(), "once taken, the engine thread answers"


def test_stop_refuses_newcomers_and_wakes_threads() -> None:
    scheduler = make_scheduler()
    waiting = submit(scheduler, 5)
    scheduler.stop("closing")
    with pytest.raises(EngineStoppedError, match="closing"):
        submit(scheduler, 5)
    assert scheduler.wait(0), "what was accepted may still be taken"
    scheduler.fail_waiting(EngineStoppedError("gone"))
    assert not scheduler.wait(0)
    with pytest.raises(EngineStoppedError, match="gone"):
        waiting.result(0)


@pytest.mark.parametrize(
    ("source_ids", "options", "message"),
    [
        ((), GREEDY, "source_ids is empty"),
        ((5,) * 151, GREEDY, "151 ids, the model reads at most 150"),
        ((5, 137), GREEDY, "source id 137 is outside the vocabulary of 137"),
        ((-1, 5), GREEDY, "source id -1 is outside"),
        ((5,), SearchOptions(beam_size=9), "beam_size is 9; choose 1 to 8"),
        ((5,), SearchOptions(beam_size=0), "beam_size is 0"),
        ((5,), SearchOptions(beam_size=2, num_hypotheses=3), "num_hypotheses is 3; choose 1 to beam_size, which is 2"),
        ((5,), SearchOptions(num_hypotheses=0), "num_hypotheses is 0"),
        ((5,), SearchOptions(length_penalty=-0.5), "length_penalty is -0.5"),
        ((5,), SearchOptions(length_penalty=float("nan")), "length_penalty is nan"),
        ((5,), SearchOptions(max_target_length=0), "max_target_length is 0; choose 1 to 200"),
        ((5,), SearchOptions(max_target_length=201), "max_target_length is 201; choose 1 to 200"),
    ],
)
def test_impossible_requests_are_refused(source_ids: tuple[int, ...], options: SearchOptions, message: str) -> None:
    with pytest.raises(InvalidRequestError, match=message):
        make_scheduler().submit(source_ids, options, None)


def test_all_faults_of_a_request_come_together() -> None:
    with pytest.raises(InvalidRequestError, match=r"beam_size.*; .*max_target_length"):
        make_scheduler().submit((5,), SearchOptions(beam_size=99, max_target_length=0), None)


def test_default_target_length_depends_on_the_source_and_the_model() -> None:
    scheduler = make_scheduler()
    submit(scheduler, 10)
    submit(scheduler, 140)
    limits = [job.options.max_target_length for job in scheduler.take(0, 0) + scheduler.take(0, 0)]
    assert limits == [2 * 10 + 16, 200]
