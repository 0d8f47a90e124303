"""Contracts that run and contracts that ended are at risk in the same months."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from retainkit._pipeline._contract_models import fit_contract_terms, predict_contracts
from retainkit.churn import list_contract_spells
from retainkit.contracts import read_contract_state, read_contracts
from retainkit.errors import RetainkitWarning
from retainkit.lifetime import FitConfig
from retainkit.tables import validate_contracts

AS_OF = "2026-03-31"


def make_contracts(groups: list[tuple[str, str | None, int]]) -> pd.DataFrame:
    """Two-year contracts: start, end and how many of them."""
    rows = [(start, end) for start, end, count in groups for _ in range(count)]
    frame = pd.DataFrame(rows, columns=["start", "end"]).apply(pd.to_datetime)
    frame.insert(0, "customer_id", np.arange(len(frame)))
    return validate_contracts(frame.assign(amount=10.0, term_months=24), as_of=AS_OF)


def test_tenure_is_counted_in_months_by_hand() -> None:
    """Month 1: 40 at risk, 8 leave; month 2: 24 at risk, 3 leave.

    With two months the fit is exact: gamma / (gamma + delta) = 8/40 and (delta + 1) /
    (gamma + delta + 1) = 21/24, so delta = 4 gamma, .125 = .375 gamma: gamma 1/3, delta 4/3.
    """
    contracts = make_contracts([
        ("2026-01-01", "2026-02-01", 8),  # one charge, then gone
        ("2026-01-01", "2026-03-01", 3),  # two charges, then gone
        ("2026-01-01", None, 21),  # three charges: stayed after months 1 and 2
        ("2026-02-01", None, 8),  # two charges: stayed after month 1
        ("2026-03-01", None, 5),  # one charge: not yet at risk
    ])  # fmt: skip
    spells = list_contract_spells(contracts, as_of=AS_OF)
    (term,), notes = fit_contract_terms(
        read_contracts(contracts), spells, choice="shifted_beta_geometric", config=FitConfig()
    )
    assert not notes
    assert (term.term_months, term.counted_in) == (24, 1)
    assert term.model.n == 40
    assert term.model.gamma == pytest.approx(1 / 3, rel=1e-5)
    assert term.model.delta == pytest.approx(4 / 3, rel=1e-5)


def test_a_two_year_contract_in_its_last_month_has_a_value() -> None:
    """Leavers of all tenures beside contracts in their last month, from 2024-04-01."""
    ends = [(f"2024-{m:02d}-01", f"2026-{m:02d}-01", 3) for m in (1, 2, 3)]
    early = [(f"2025-{m:02d}-01", "2026-03-01", 2) for m in (2, 5, 8, 11)]
    running = [(f"2025-{m:02d}-01", None, 20) for m in range(1, 13)]
    contracts = make_contracts([*ends, *early, *running, ("2024-04-01", None, 10)])
    spells = list_contract_spells(contracts, as_of=AS_OF)
    with warnings.catch_warnings():  # the customers of this base are alike
        warnings.simplefilter("ignore", RetainkitWarning)
        terms, _ = fit_contract_terms(
            read_contracts(contracts), spells, choice="best", config=FitConfig()
        )
    facts = read_contract_state(contracts, as_of=AS_OF).of(pd.Index(contracts["customer_id"]))
    value = predict_contracts(
        facts,
        terms,
        margin_rate=np.ones(len(facts)),
        horizon_days=365.25,
        annual_discount_rate=0.1,
    )
    assert value is not None
    last_month = (facts.charged == 24) & (facts.price > 0.0)
    assert last_month.sum() == 10
    # at most 12 charges of 10 are due in the year
    assert (value[last_month] > 10.0).all()
    assert (value[last_month] < 120.0).all()
