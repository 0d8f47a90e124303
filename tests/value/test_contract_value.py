"""Contract value: renewals by hand, and the closed form of the endless future."""

from __future__ import annotations

import numpy as np
import pytest

from retainkit.errors import AlignmentError, SchemaError
from retainkit.lifetime import ShiftedBetaGeometricModel
from retainkit.value import expected_contract_value

MODEL = ShiftedBetaGeometricModel(gamma=1.0, delta=3.0)
"""Renewal t happens with probability (2 + t) / (3 + t): 3/4, 4/5, 5/6, ..."""


def test_renewals_by_hand() -> None:
    value = expected_contract_value(
        MODEL, charged=[1, 3], price=[10.0, 10.0], horizon_days=70.0, annual_discount_rate=0.0
    )
    np.testing.assert_allclose(value, [10 * (3 / 4 + 3 / 5), 10 * (5 / 6 + 5 / 7)])


def test_within_a_term_nobody_leaves() -> None:
    # 10 of 12 months charged: months 11 and 12 are sure, the third charge needs a renewal
    value = expected_contract_value(
        MODEL,
        charged=[10],
        price=[1.0],
        term_months=12,
        horizon_days=3 * 30.4375,
        annual_discount_rate=0.0,
    )
    np.testing.assert_allclose(value, [1.0 + 1.0 + 3 / 4])


def test_a_known_end_ends_it() -> None:
    value = expected_contract_value(
        MODEL, charged=[1], price=[8.0], charges_left=[1.0], annual_discount_rate=0.0
    )
    np.testing.assert_allclose(value, [8.0 * 3 / 4])


def test_endless_and_discounted_it_is_the_residual_lifetime() -> None:
    """Fader & Hardie (2010), equation (6): the first charge falls due now."""
    monthly = 1.1 ** (30.4375 / 365.25) - 1.0
    value = expected_contract_value(
        MODEL, charged=[1, 5], price=[1.0, 1.0], days_to_next=0.0, horizon_days=300 * 365.25
    )
    closed = MODEL.discounted_residual_lifetime([1, 5], discount_rate=monthly)
    np.testing.assert_allclose(value, closed, rtol=1e-9)


def test_nothing_runs_and_nothing_known() -> None:
    value = expected_contract_value(MODEL, charged=[0, 2], price=[5.0, np.nan])
    assert value[0] == 0.0
    assert np.isnan(value[1])


def test_margin_scales() -> None:
    one = expected_contract_value(MODEL, charged=[2], price=[5.0])
    half = expected_contract_value(MODEL, charged=[2], price=[5.0], margin_rate=[0.5])
    np.testing.assert_allclose(half, one / 2)


def test_broken_columns_are_refused() -> None:
    with pytest.raises(AlignmentError):
        expected_contract_value(MODEL, charged=[1, 2], price=[5.0])
    with pytest.raises(SchemaError, match="term_months"):
        expected_contract_value(MODEL, charged=[1], price=[5.0], term_months=0)
    with pytest.raises(SchemaError, match="horizon"):
        expected_contract_value(MODEL, charged=[1], price=[5.0], horizon_days=0.0)
