"""Bases that support little or nothing: a note, never a traceback from below."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest

from retainkit.datasets import load_cdnow_sample
from retainkit.errors import AlignmentError, AsOfError, SchemaError
from retainkit.forecast import ForecastModel, ForecastTable, fit_forecast, forecast_by_lifetime
from retainkit.forecast._learn import usable_model
from retainkit.lifetime import fit_mbg_nbd
from retainkit.value import summarize_customers
from tests.forecast.bases import AS_OF, make_base


def frame(customers: Any, days_ago: Any, amounts: Any) -> pd.DataFrame:
    n = len(customers)
    ago = np.broadcast_to(np.asarray(days_ago), (n,)).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "customer_id": customers,
            "timestamp": np.datetime64(AS_OF) - ago,
            "amount": np.broadcast_to(np.asarray(amounts, dtype=np.float64), (n,)),
        }
    )


def nobody_repeats() -> pd.DataFrame:
    return frame(np.arange(300), np.arange(300), 20.0)


def with_customers_without_purchase() -> pd.DataFrame:
    base = make_base(200)
    returns = frame(np.arange(1000, 1010), 30, -5.0)
    return pd.concat([base, returns], ignore_index=True)


CASES = {
    "one customer, one purchase": frame([1], 0, 20.0),
    "one customer, three purchases": frame([1, 1, 1], [400, 200, 10], 20.0),
    "nobody repeats": nobody_repeats(),
    "all are returns": frame(np.arange(50), np.arange(50), -20.0),
    "all on one day": frame(np.repeat(np.arange(100), 2), 5, 20.0),
    "all on the last day": frame(np.arange(100), 0, 20.0),
    "ten days of history": make_base(300, days=10),
    "forty days of history": make_base(300, days=40),
    "all amounts zero": make_base().assign(amount=0.0),
    "all amounts equal": make_base().assign(amount=20.0),
    "returned all": pd.concat([b := make_base(150), b.assign(amount=-b["amount"])]),
    "silent for two years": make_base(200).assign(
        timestamp=lambda rows: rows["timestamp"] - pd.Timedelta("730D")
    ),
    "without a purchase": with_customers_without_purchase(),
    "huge amounts": make_base(150).assign(amount=lambda rows: rows["amount"] * 1e12),
    "tiny amounts": make_base(150).assign(amount=lambda rows: rows["amount"] * 1e-12),
    "text ids": make_base(150).assign(customer_id=lambda rows: rows["customer_id"].map(str)),
}  # fmt: skip


def check(model: ForecastModel, table: ForecastTable) -> None:
    """A number is missing only where a note says why; intervals hold what they belong to."""
    missing = np.isnan(table.p_active) | np.isnan(table.expected_value)
    assert (table.note[missing] > 0).all()
    assert np.isnan(table.expected_value[missing]).all()
    known = table.p_active[~missing]
    assert ((known >= 0.0) & (known <= 1.0)).all()
    assert np.isfinite(table.expected_value[~missing]).all()
    assert ForecastModel.from_json(model.to_json()) == model
    if model.trust.ranks != "yes":
        assert any("ranked" in note for note in model.notes)


@pytest.mark.parametrize("horizon", [1, 30, 365, 3650])
@pytest.mark.parametrize("name", list(CASES))
def test_no_base_breaks_it(name: str, horizon: int) -> None:
    rows = CASES[name]
    model = fit_forecast(rows, as_of=AS_OF, horizon_days=horizon)
    table = model.apply(summarize_customers(rows, as_of=AS_OF))
    check(model, table)
    assert len(table) == rows["customer_id"].nunique()
    assert len(table.to_frame()) == len(table)
    table.summary()


def test_without_a_lifetime_model() -> None:
    rows = make_base()
    model = fit_forecast(rows, as_of=AS_OF, fit=None)
    assert model.lifetime is None
    table = model.apply(summarize_customers(rows, as_of=AS_OF))
    check(model, table)
    assert np.isfinite(table.p_active).all()


def test_customers_without_a_purchase_are_named_as_such() -> None:
    rows = with_customers_without_purchase()
    table = fit_forecast(rows, as_of=AS_OF).apply(summarize_customers(rows, as_of=AS_OF))
    never = table.customer_id >= 1000
    assert np.isnan(table.p_active[never]).all()
    assert set(table.explain().astype(str)[never]) == {"no purchase yet: nothing to forecast from"}
    assert np.isfinite(table.p_active[~never]).all()


def test_a_base_of_which_nothing_is_known_says_so() -> None:
    rows = frame([1], 0, 20.0)
    model = fit_forecast(rows, as_of=AS_OF)
    table = model.apply(summarize_customers(rows, as_of=AS_OF))
    assert np.isnan(table.p_active).all()
    assert "supports no forecast" in str(table.explain()[0])
    assert model.trust.ranks == "not known"
    assert table.notes == model.notes


def test_a_history_shorter_than_the_horizon_is_noted() -> None:
    model = fit_forecast(make_base(), as_of=AS_OF, horizon_days=3650)
    assert model.tested_days < 3650
    assert any("carried on" in note for note in model.notes)


@pytest.mark.parametrize("name", ["all amounts zero", "returned all"])
def test_who_never_brought_money_is_expected_to_bring_none(name: str) -> None:
    rows = CASES[name]
    table = fit_forecast(rows, as_of=AS_OF).apply(summarize_customers(rows, as_of=AS_OF))
    assert not np.nan_to_num(table.expected_value).any()
    assert np.isfinite(table.p_active).any()


def test_the_lifetime_model_alone_is_not_judged() -> None:
    summary = summarize_customers(load_cdnow_sample(), as_of="1998-06-30")
    buying = fit_mbg_nbd(summary)
    model = forecast_by_lifetime(buying, summary, horizon_days=70)
    table = model.apply(summary)
    none = buying.purchase_probabilities(summary, horizon=10.0, max_count=0)[:, 0]
    npt.assert_allclose(table.p_active, 1.0 - none)
    assert np.isnan(table.expected_value_low).all()
    assert model.notes
    nothing = forecast_by_lifetime(None, summary).apply(summary)
    assert np.isnan(nothing.p_active).all()
    assert (nothing.note > 0).all()


def test_the_lifetime_model_may_count_in_months() -> None:
    """Its unit is its own affair: weeks and months say the same."""
    rows = load_cdnow_sample()
    by_week = summarize_customers(rows, as_of="1998-06-30", unit="week")
    by_month = summarize_customers(rows, as_of="1998-06-30", unit="month")
    one = forecast_by_lifetime(fit_mbg_nbd(by_week), by_week).apply(by_week)
    two = forecast_by_lifetime(fit_mbg_nbd(by_month), by_month).apply(by_week)
    npt.assert_allclose(two.p_active, one.p_active, rtol=1e-4)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (lambda rows: rows.drop(columns="amount"), SchemaError, "no column 'amount'"),
        (lambda rows: rows.assign(amount="x"), SchemaError, "amount has type"),
        (lambda rows: rows.assign(timestamp="2024-01-01"), SchemaError, "timestamp has type"),
        (lambda rows: rows.assign(amount=np.nan), SchemaError, "no defined amount"),
        (lambda rows: rows.assign(timestamp=pd.NaT), SchemaError, "no defined timestamp"),
        (
            lambda rows: rows.assign(customer_id=rows["customer_id"].where(rows.index > 0)),
            SchemaError,
            "no defined customer_id",
        ),
        (lambda rows: rows.to_dict("list"), SchemaError, "transactions is a dict"),
        (lambda rows: rows.iloc[:0], AsOfError, "no transaction"),
    ],
)
def test_refuses_tables(change: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        fit_forecast(change(make_base(30)), as_of=AS_OF)


def test_refuses_arguments() -> None:
    rows = make_base(30)
    with pytest.raises(AsOfError, match="first transaction"):
        fit_forecast(rows, as_of="2001-01-01")
    with pytest.raises(AsOfError):
        fit_forecast(rows, as_of="yesterday")
    for horizon in (0, 1.5, True, -3):
        with pytest.raises(SchemaError, match="horizon_days"):
            fit_forecast(rows, as_of=AS_OF, horizon_days=horizon)  # type: ignore[arg-type]
    with pytest.raises(AlignmentError, match="names 2"):
        fit_forecast(rows, as_of=AS_OF, customer_id=pd.Index(["a", "b"]))
    model = fit_forecast(make_base(), as_of=AS_OF)
    summary = summarize_customers(make_base(), as_of=AS_OF)
    with pytest.raises(AlignmentError, match="margin_rate"):
        model.apply(summary, margin_rate=np.ones(3))


def test_customers_who_drop_out_alike_keep_their_lifetime_model() -> None:
    """Parameters that ran off are brought back to the same chance, .05, with a small spread."""
    ran_off = fit_mbg_nbd(summarize_customers(load_cdnow_sample(), as_of="1998-06-30")).replace(
        a=1e6, b=19e6, boundary=("equal_dropout",)
    )
    usable = usable_model(ran_off)
    assert usable.a / (usable.a + usable.b) == pytest.approx(0.05)
    assert usable.a + usable.b == pytest.approx(500.0)
    near = ran_off.replace(a=5.0, b=95.0)
    assert usable_model(near) is near
