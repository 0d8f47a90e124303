from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.metrics._kernel import NEVER, first_days, order_free_sums, sorted_unique_pairs

LAWS = settings(deadline=None, derandomize=True, max_examples=60)
AMOUNTS = st.floats(-1e12, 1e12, allow_subnormal=False) | st.sampled_from([0.1, -0.1, 1e-9, 1e12])


@LAWS
@given(
    rows=st.lists(st.tuples(AMOUNTS, st.integers(0, 3)), max_size=50),
    seed=st.integers(0, 99),
)
def test_sums_do_not_depend_on_order(rows: list[tuple[float, int]], seed: int) -> None:
    """The sum per code is the same bits in every order, and is exact to the last place or two."""
    values = np.array([amount for amount, _ in rows], dtype=np.float64)
    codes = np.array([code for _, code in rows], dtype=np.int32)
    order = np.random.default_rng(seed).permutation(len(rows))
    sums = order_free_sums(values, codes, 4)
    np.testing.assert_array_equal(sums, order_free_sums(values[order], codes[order], 4))
    for code in range(4):
        exact = float(sum((Fraction(x) for x in values[codes == code]), Fraction(0)))
        largest = float(np.abs(values).max(initial=0.0))
        np.testing.assert_allclose(sums[code], exact, rtol=4e-16, atol=largest * 1e-28)


def test_a_cancelled_amount_leaves_nothing_behind() -> None:
    """What is lost is below rows**3 * 2**-100 of the largest amount (half a fine step a row)."""
    values = np.array([0.1, 1e16, 0.2, -1e16])
    total = order_free_sums(values, np.zeros(4, dtype=np.int8), 1)[0]
    assert abs(total - (0.1 + 0.2)) <= 4**3 * 2.0**-100 * 1e16 + np.spacing(0.3)


@LAWS
@given(rows=st.lists(st.tuples(st.integers(0, 5), st.integers(-400, 400)), max_size=60))
def test_pairs_are_the_sorted_set(rows: list[tuple[int, int]]) -> None:
    """Distinct (code, day) pairs come out once, sorted, also before 1970."""
    codes = np.array([code for code, _ in rows], dtype=np.int32)
    days = np.array([day for _, day in rows], dtype=np.int32)
    code, day = sorted_unique_pairs(codes, days)
    assert list(zip(code.tolist(), day.tolist(), strict=True)) == sorted(set(rows))
    first = first_days(code, day, 6)
    for k in range(6):
        expected = min((d for c, d in rows if c == k), default=NEVER)
        assert first[k] == expected
