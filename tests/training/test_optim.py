"""How fast the weights move, and when."""

import math

from training.optim import learning_rate
from training.settings import OptimSettings


def test_learning_rate_schedules() -> None:
    linear = OptimSettings(learning_rate=1.0, warmup_steps=10, max_steps=100, schedule="linear")
    assert learning_rate(5, linear) == 0.5
    assert learning_rate(10, linear) == 1.0
    assert math.isclose(learning_rate(100, linear), 1 / 90)
    wsd = OptimSettings(learning_rate=1.0, warmup_steps=10, max_steps=100, schedule="wsd", decay_steps=20)
    assert [learning_rate(step, wsd) for step in (1, 50, 80)] == [0.1, 1.0, 1.0]
    assert math.isclose(learning_rate(91, wsd), 0.5)
    root = OptimSettings(learning_rate=1.0, warmup_steps=16, schedule="inverse_sqrt")
    assert learning_rate(64, root) == 0.5
