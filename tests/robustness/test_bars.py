"""Every bar on every kind of firm, over many seeds: a nox session of its own (`robustness`)."""

from __future__ import annotations

import pytest

from tests.robustness.bars import BARS, NAMES, flagged_without_break, judged
from tests.robustness.table import MOST_FLAGGED, misses, table

pytestmark = [pytest.mark.slow, pytest.mark.robustness]


@pytest.mark.parametrize("name", NAMES)
def test_every_bar_is_met(name: str) -> None:
    run = judged(name)
    assert not misses(run), table([run])


def test_flags_are_rare_where_nothing_breaks() -> None:
    """At most one run in ten, over all kinds whose future is like their past: 200 runs."""
    runs = [judged(name) for name in NAMES]
    assert flagged_without_break(runs) <= MOST_FLAGGED, table(runs)


def test_every_kind_has_a_bar() -> None:
    assert {name for bar in BARS for name in bar.kinds} == set(NAMES)
