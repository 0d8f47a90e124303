"""Laws of the entrance, for any input."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit._core.kernels.exact import exact_sum
from retainkit.tables import Ledger, TransactionRules, align_customer_ids, split_valid_transactions

LAW = settings(deadline=None, derandomize=True, max_examples=60)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
ROW = st.tuples(
    st.sampled_from([1, 1.0, "1", "01", " 1", None, "", "nan", "b"]),
    st.sampled_from(["2025-01-01", "2025-01-02T10:00Z", "2025-03-01", "1/2/2025", "", None]),
    st.sampled_from([1.1, "$2.20", "€3", -0.3, 0, None, "x", float("inf"), "(4)"]),
)
RULES = st.builds(
    TransactionRules,
    returns=st.sampled_from(["net", "drop", "reject"]),
    zero_amounts=st.sampled_from(["keep", "drop", "reject"]),
    duplicates=st.sampled_from(["keep", "drop", "reject"]),
    count_duplicates=st.booleans(),
)


def frame_of(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    names = ("customer_id", "timestamp", "amount")
    return pd.DataFrame(
        {n: pd.Series(v, dtype=object) for n, v in zip(names, zip(*rows, strict=True), strict=True)}
    )


@LAW
@given(st.lists(NUMBERS, max_size=30))
def test_exact_sum_is_the_sum_of_rationals(values: list[float]) -> None:
    """The sum of doubles is the sum of the rationals they are, without rounding."""
    assert exact_sum(np.array(values, dtype=float)) == sum(map(Fraction, values), Fraction(0))


@LAW
@given(st.lists(st.floats(-1e9, 1e9), max_size=30))
def test_exact_sum_rounds_to_fsum(values: list[float]) -> None:
    """Rounded once, the exact sum is math.fsum."""
    assert float(exact_sum(np.array(values, dtype=float))) == math.fsum(values)


@LAW
@given(st.lists(ROW, min_size=1, max_size=12), RULES)
def test_nothing_is_lost(rows: list[tuple[Any, ...]], rules: TransactionRules) -> None:
    """Accepted + excluded + rejected = input, in rows and in amounts."""
    known = any(row[1] in ("2025-01-01", "2025-01-02T10:00Z") for row in rows)
    as_of = "2025-01-31" if known else None
    valid, ledger = split_valid_transactions(frame_of(rows), rules=rules, as_of=as_of)
    assert ledger.reconciles
    assert len(valid) + len(ledger.rows()) == len(rows)
    assert len(valid) + sum(ledger.counts().values()) == len(rows)
    assert math.fsum(valid["amount"]) == next(
        e.amount for e in ledger.entries if e.kind == "accepted"
    )
    assert valid.notna().all(axis=None)


@LAW
@given(st.lists(ROW, min_size=1, max_size=12), RULES, st.randoms(use_true_random=False))
def test_row_order_does_not_matter(
    rows: list[tuple[Any, ...]], rules: TransactionRules, random: Any
) -> None:
    """Shuffled input gives the same accepted rows and the same counts."""
    shuffled = random.sample(rows, len(rows))
    (one, first), (two, second) = (
        split_valid_transactions(frame_of(r), rules=rules) for r in (rows, shuffled)
    )
    keys = ["customer_id", "timestamp", "amount"]
    left = one.sort_values(keys, ignore_index=True)
    right = two.sort_values(keys, ignore_index=True)
    pd.testing.assert_frame_equal(left, right)
    assert first.counts() == second.counts()


@LAW
@given(st.lists(ROW, min_size=1, max_size=12))
def test_a_valid_frame_passes_again_unchanged(rows: list[tuple[Any, ...]]) -> None:
    """Validating twice is validating once."""
    valid, _ = split_valid_transactions(frame_of(rows))
    if len(valid):
        again, ledger = split_valid_transactions(valid)
        assert ledger.counts() == {}
        pd.testing.assert_frame_equal(valid, again)


@LAW
@given(st.lists(st.integers(-(10**12), 10**12), unique=True, min_size=1, max_size=20))
def test_ids_meet_whatever_their_type(ids: list[int]) -> None:
    """Integers, floats and texts of one number are one customer."""
    expected = list(range(len(ids)))
    index = pd.Index(ids)
    texts = pd.Index([str(i) for i in ids])
    for spelling in (ids, [float(i) for i in ids], [str(i) for i in ids], [f"{i}.0" for i in ids]):
        assert align_customer_ids(spelling, index).tolist() == expected
        assert align_customer_ids(spelling, texts).tolist() == expected


def test_ledgers_pickle_and_combine() -> None:
    frame = frame_of([(1, "2025-01-01", 1.0), (None, "2025-01-01", 2.0)])
    _, ledger = split_valid_transactions(frame)
    copy = pickle.loads(pickle.dumps(ledger))
    pd.testing.assert_frame_equal(copy.to_frame(), ledger.to_frame())
    both = Ledger.combine(ledger, ledger)
    assert both.counts() == {"missing_customer_id": 2}
    assert "missing_customer_id" in both._repr_html_()
    assert list(both.summary().columns) == ["table", "kind", "reason", "rows", "amount"]
