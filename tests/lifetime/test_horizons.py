"""Several horizons in one call."""

from __future__ import annotations

import numpy as np
import pytest

from retainkit.errors import NotComputableError
from retainkit.lifetime import (
    BgNbdModel,
    MbgNbdModel,
    NbdModel,
    ParetoNbdModel,
    PurchaseHistories,
    compress_histories,
)

HISTORY = PurchaseHistories(
    frequency=[0, 2, 26, 3],
    recency=[0, 30.43, 30.0, 5.0],
    age=[38.86, 38.86, 31.0, 39.0],
    unit="week",
)
HORIZONS = [0.0, 4.0, 52.0]
MODELS = [
    MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week"),
    BgNbdModel(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week"),
    ParetoNbdModel(r=0.553, alpha=10.578, s=0.606, beta=11.669, unit="week"),
    NbdModel(r=0.385, alpha=12.072, unit="week"),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model.kind))
def test_one_call_equals_one_call_per_horizon(model: MbgNbdModel) -> None:
    at_once = model.expected_purchases_at(HISTORY, horizons=HORIZONS)
    one_by_one = [model.expected_purchases(HISTORY, horizon=end) for end in HORIZONS]
    np.testing.assert_allclose(at_once, np.column_stack(one_by_one), rtol=1e-12)


def test_distinct_histories_need_no_second_check() -> None:
    rows = compress_histories(HISTORY)
    at_once = MODELS[0].expected_purchases_at(rows, horizons=HORIZONS)
    whole = MODELS[0].expected_purchases_at(HISTORY, horizons=HORIZONS)
    np.testing.assert_allclose(rows.expand(at_once[:, 2]), whole[:, 2], rtol=1e-12)


def test_every_horizon_is_a_length_of_time() -> None:
    with pytest.raises(NotComputableError, match="horizon is -1"):
        MODELS[0].expected_purchases_at(HISTORY, horizons=[1.0, -1.0])
