"""Numbers and the nouns behind them."""

from __future__ import annotations

import numpy as np

from retainkit._core.sentences import asked_for, count, fill, write_counts


def test_one_is_singular_and_everything_else_is_plural() -> None:
    written = write_counts(np.array([0.0, 1.0, 2.0, 1234.0, np.nan]))
    said = fill("silent for {n:day}", 5, {"n": written})
    assert said.tolist() == [
        "silent for 0 days",
        "silent for 1 day",
        "silent for 2 days",
        "silent for 1,234 days",
        "silent for ? days",
    ]
    assert fill("已 {n} 天", 5, {"n": written})[1] == "已 1 天"
    assert asked_for("{a:day} and {b}") == {"a", "b"}


def test_the_same_for_a_single_sentence() -> None:
    said = "{n:action}, {n}"
    assert said.format(n=count(1)) == "1 action, 1"
    assert said.format(n=count(12345)) == "12,345 actions, 12,345"
