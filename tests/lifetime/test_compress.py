from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.errors import AlignmentError, InvalidTableError
from retainkit.lifetime import PurchaseHistories, _compress, compress_histories
from retainkit.lifetime._compress import compress_rows

LAW = settings(deadline=None, derandomize=True, max_examples=60)
ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([0.0, 1 / 7, 0.5, 2.0]), st.integers(1, 9)),
    min_size=1,
    max_size=40,
)


@LAW
@given(ROWS, st.integers(0, 2**32))
def test_compression_is_a_counter(rows: list[tuple[int, float, int]], seed: int) -> None:
    """Distinct rows come in ascending order with their counts, and lead back to every row."""
    columns = tuple(np.array(rows, dtype=np.float64).T)
    keep = np.random.default_rng(seed).random(len(rows)) < 0.8
    distinct, totals, inverse = compress_rows(columns, weights=None, keep=keep)
    kept = [tuple(map(float, row)) for row, k in zip(rows, keep, strict=True) if k]
    assert list(zip(*distinct, strict=True)) == sorted(set(kept))
    assert totals.tolist() == [kept.count(row) for row in sorted(set(kept))]
    assert (inverse >= 0).tolist() == keep.tolist()
    for column, values in zip(columns, distinct, strict=True):
        np.testing.assert_array_equal(values[inverse[keep]], column[keep])


def test_many_levels_do_not_overflow_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    columns = tuple(rng.integers(0, 30, (3, 500)).astype(np.float64))
    keep = np.ones(500, dtype=np.bool_)
    expected = compress_rows(columns, weights=None, keep=keep)
    monkeypatch.setattr(_compress, "_KEY_LIMIT", 100)
    for mine, theirs in zip(
        compress_rows(columns, weights=None, keep=keep)[0], expected[0], strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)


def test_fractional_weights_do_not_depend_on_the_order_of_rows() -> None:
    rng = np.random.default_rng(1)
    column, weights = rng.integers(0, 3, 1000).astype(np.float64), rng.random(1000)
    order = rng.permutation(1000)
    keep = np.ones(1000, dtype=np.bool_)
    one = compress_rows((column,), weights=weights, keep=keep)[1]
    other = compress_rows((column[order],), weights=weights[order], keep=keep)[1]
    np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(one, [weights[column == k].sum() for k in range(3)], rtol=1e-12)


def test_values_expand_to_customers_and_nan_to_those_who_never_purchased() -> None:
    nan = float("nan")
    history = PurchaseHistories(
        frequency=[2, 0, 0, 2], recency=[3, nan, 0, 3], age=[9, nan, 9, 9], unit="day"
    )
    compressed = compress_histories(history)
    assert len(compressed) == 2
    assert repr(compressed).startswith("<CompressedHistories: 2 distinct of 4 customers, unit day")
    np.testing.assert_array_equal(
        compressed.expand(np.array([10.0, 20.0])), [20.0, nan, 10.0, 20.0]
    )


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_a_weight_must_be_able_to_count(bad: float) -> None:
    history = PurchaseHistories(frequency=[0, 0], recency=[0, 0], age=[1, 2], unit="day")
    with pytest.raises(InvalidTableError, match="1 unusable weights"):
        compress_histories(history, weights=[1.0, bad])
    with pytest.raises(AlignmentError, match="1 weights for 2 rows"):
        compress_histories(history, weights=[1.0])
