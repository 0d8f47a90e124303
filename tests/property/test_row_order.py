"""No order of rows, and no seed of Python's hashes, moves a bit of what is learnt."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit import (
    expected_lifetime_value,
    fit_mbg_nbd,
    load_cdnow_sample,
    summarize_customers,
)
from retainkit.policy import DRLearner, ResponseLearner, TLearner

LAW = settings(deadline=None, derandomize=True, max_examples=10)

LEARNERS: dict[str, TLearner | DRLearner | ResponseLearner] = {
    "two regressions": TLearner(),
    "chances": TLearner(outcome="binary"),
    "doubly robust": DRLearner(),
    "rare responses": ResponseLearner(),
}


def history(seed: int, columns: int) -> tuple[Any, ...]:
    """Return a trial of three actions whose outcomes are mostly 0, with customers alike."""
    rng = np.random.default_rng(seed)
    n = 300
    x = rng.integers(0, 4, (n, columns)) + np.where(rng.random((n, columns)) < 0.5, 0.1, 0.0)
    action = rng.integers(0, 3, n)
    outcome = (rng.random(n) < 0.2 + 0.1 * action).astype(float)
    return x, action, outcome, np.full((n, 3), 1.0 / 3.0)


@pytest.mark.parametrize("name", LEARNERS)
@LAW
@given(seed=st.integers(0, 10_000), columns=st.integers(0, 3), order=st.randoms())
def test_a_learner_does_not_know_the_order_of_rows(
    name: str, seed: int, columns: int, order: Any
) -> None:
    """Folds follow the contents of the rows: the same history in any order is the same model."""
    rows = history(seed, columns)
    shuffled = np.array(order.sample(range(len(rows[1])), len(rows[1])))
    learner = LEARNERS[name]
    told = learner.fit_effects(*(column[shuffled] for column in rows))
    assert told.to_json() == learner.fit_effects(*rows).to_json()


def test_an_unknown_value_has_one_form() -> None:
    """A NaN has a sign bit, which no sum decides: it is always the same one."""
    rows = load_cdnow_sample()
    returned = rows.head(4000).assign(amount=-1.0, customer_id=-1 - np.arange(4000))
    summary = summarize_customers(pd.concat([rows, returned]), as_of="1998-06-30")
    value = expected_lifetime_value(summary, fit_mbg_nbd(summary))
    unknown = value[np.isnan(value)]
    assert len(unknown) == 4000
    assert not np.signbit(unknown).any()


_IN_A_PROCESS_OF_ITS_OWN = """
import hashlib
import pandas as pd
import retainkit as rk
from retainkit.churn import default_catalog, default_code_books
rows = rk.load_cdnow_sample().sample(frac=1.0, random_state={seed}).reset_index(drop=True)
result = rk.RetentionPipeline(rk.PipelineConfig()).run(rows, as_of="1998-06-30")
frame = result.customers.to_frame().sort_values("customer_id")
told = [result.model.to_json(), frame.to_csv(index=False), default_catalog().to_json(),
        *(book.to_json() for book in default_code_books())]
print(*(hashlib.sha256(text.encode()).hexdigest() for text in told))
"""


def test_neither_rows_nor_hashes_move_a_bit_of_a_run() -> None:
    """Model, customers and catalogue are one text whatever PYTHONHASHSEED and the order of rows."""
    seen = set()
    for seed in ("1", "20"):
        told = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _IN_A_PROCESS_OF_ITS_OWN.format(seed=seed)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        seen.add(told.stdout)
    assert len(seen) == 1
