"""A firm with contracts and no purchases: everything runs, and equals the functions by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retainkit.__main__ import main
from retainkit.churn import detect_contract_churn, list_contract_spells
from retainkit.contracts import list_charges, read_contract_state
from retainkit.errors import AlignmentError, SchemaError
from retainkit.forecast import fit_renewal_model, forecast_contracts
from retainkit.lifetime import ShiftedBetaGeometricModel, fit_shifted_beta_geometric
from retainkit.pipeline import (
    CustomerFacts,
    FittedPipeline,
    PipelineConfig,
    RetentionPipeline,
    RetentionResult,
)
from retainkit.tables import validate_contracts
from retainkit.value import expected_contract_value, summarize_customers

AS_OF = "2025-12-31"


def make_contracts(n: int = 400, *, seed: int = 5) -> pd.DataFrame:
    """Monthly contracts that end at a renewal, with a probability of Beta(1, 6) between them."""
    rng = np.random.default_rng(seed)
    first = np.datetime64("2024-01") + rng.integers(0, 23, n).astype("timedelta64[M]")
    day = rng.integers(0, 28, n).astype("timedelta64[D]")
    months = rng.geometric(rng.beta(1.0, 6.0, n)).astype("timedelta64[M]")
    begin = first.astype("datetime64[D]") + day
    end = (first + months).astype("datetime64[D]") + day
    end = np.where(end <= np.datetime64(AS_OF), end, np.datetime64("NaT", "D"))
    return pd.DataFrame(
        {
            "customer_id": np.arange(n),
            "start": pd.to_datetime(begin),
            "end": pd.to_datetime(end),
            "amount": rng.choice([9.0, 29.0, 99.0], n),
        }
    )


@pytest.fixture(scope="module")
def result() -> RetentionResult:
    config = PipelineConfig(contract_model="shifted_beta_geometric")
    return RetentionPipeline(config).run(contracts=make_contracts(), as_of=AS_OF)


def test_everybody_is_there(result: RetentionResult) -> None:
    assert len(result) == 400
    assert result.ledger.reconciles
    assert result.contract_metrics is result.metrics
    assert {"key", "ordinary", "small"} <= set(result.metrics.groups)


def test_it_equals_the_functions_by_hand(result: RetentionResult) -> None:
    contracts = validate_contracts(make_contracts(), as_of=AS_OF)
    history = summarize_customers(list_charges(contracts, as_of=AS_OF), as_of=AS_OF)
    np.testing.assert_array_equal(result.history.total_amount, history.total_amount)
    churn = detect_contract_churn(contracts, as_of=AS_OF)
    np.testing.assert_array_equal(result.churn.churned, churn.churned)
    spells = list_contract_spells(contracts, as_of=AS_OF)
    renewal = fit_renewal_model(
        spells.start_day,
        np.where(spells.ended, spells.end_day, np.nan),
        as_of_day=(pd.Timestamp(AS_OF) - pd.Timestamp(0)).days,
        horizon_days=365,
        term_months=np.ones(len(spells), dtype=np.int64),
        customer=spells.customer,
    )
    facts = read_contract_state(contracts, as_of=AS_OF).of(history.customer_id)
    ahead = forecast_contracts(
        renewal, facts, as_of=history.as_of, horizon_days=365, annual_discount_rate=0.1
    )
    value = ahead.expected_value
    np.testing.assert_array_equal(result.value.future_potential, value)
    assert (value[churn.churned] == 0.0).all()
    assert (value[~churn.churned] > 0.0).all()
    (term,) = result.model.contract_terms
    to_the_end = expected_contract_value(
        term.model,
        charged=facts.charged,
        price=facts.price,
        days_to_next=facts.days_to_next,
        charges_left=facts.charges_left,
        horizon_days=result.config.lifetime_days,
    )
    assert result.scores.lifetime_value is not None
    np.testing.assert_array_equal(result.scores.lifetime_value, to_the_end)


def test_staying_is_learnt_from_renewals(result: RetentionResult) -> None:
    """The tenures by a loop over contracts, month by month."""
    tenures = []
    contracts = make_contracts()
    for start, end in zip(contracts["start"], contracts["end"], strict=True):
        renewals = pd.date_range(start, AS_OF, freq=pd.DateOffset(months=1))
        if pd.isna(end):
            if len(renewals) > 1:
                tenures.append((len(renewals) - 1, False))
        else:
            tenures.append((int((renewals < end).sum()), True))
    by_hand = fit_shifted_beta_geometric([t for t, _ in tenures], [e for _, e in tenures])
    model = result.model.contract_terms[0].model
    assert isinstance(model, ShiftedBetaGeometricModel)
    np.testing.assert_allclose(
        [model.gamma, model.delta], [by_hand.gamma, by_hand.delta], rtol=1e-6
    )
    assert model.n == by_hand.n == len(tenures)


def test_the_model_scores_again_what_it_has_learnt(result: RetentionResult) -> None:
    contracts = validate_contracts(make_contracts(), as_of=AS_OF)
    history = summarize_customers(list_charges(contracts, as_of=AS_OF), as_of=AS_OF)
    part = np.array([7, 3, 250])
    some = history.take(part)
    facts = CustomerFacts(
        customer_id=some.customer_id,
        contracts=read_contract_state(contracts, as_of=AS_OF).of(some.customer_id),
    )
    model = FittedPipeline.from_json(result.model.to_json())
    assert model == result.model
    scores = model.score(some, facts=facts)
    np.testing.assert_array_equal(scores.tiers.tier, result.tiers.tier[part])
    np.testing.assert_array_equal(
        scores.value.future_potential, result.value.future_potential[part]
    )


def test_a_contract_model_does_not_guess(result: RetentionResult) -> None:
    with pytest.raises(SchemaError, match="learnt from contracts"):
        result.model.score(result.history)
    contracts = validate_contracts(make_contracts(), as_of=AS_OF)
    with pytest.raises(AlignmentError, match="no contract"):
        read_contract_state(contracts, as_of=AS_OF).of(pd.Index([-1]))


def test_terms_are_learnt_apart_and_rare_ones_together() -> None:
    contracts = make_contracts().assign(term_months=1)
    contracts.loc[contracts.index[:5], "term_months"] = 12
    contracts.loc[contracts.index[:5], "end"] = pd.NaT  # nobody with a year's term has left
    result = RetentionPipeline().run(contracts=contracts, as_of=AS_OF)
    terms = {term.term_months: term.counted_in for term in result.model.contract_terms}
    assert terms == {1: 1, 12: 1}
    assert any("12" in note for note in result.model.notes)
    assert np.isfinite(result.value.future_potential).all()


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(SchemaError, match="neither transactions nor contracts"):
        RetentionPipeline().run(as_of=AS_OF)
    with pytest.raises(SchemaError, match="no contract was accepted"):
        RetentionPipeline().run(contracts=make_contracts(), as_of="2020-01-01")


def test_from_the_command_line(tmp_path: Path) -> None:
    make_contracts().to_csv(tmp_path / "contracts.csv", index=False)
    arguments = ["--contracts", str(tmp_path / "contracts.csv"), "--as-of", AS_OF]
    assert main(["run", *arguments, "--out", str(tmp_path / "out")]) in (0, None)
    assert len(pd.read_csv(tmp_path / "out" / "customers.csv")) == 400
    assert "Contracts accepted" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
