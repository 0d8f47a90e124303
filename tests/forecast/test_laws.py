"""What a forecast does not depend on: order, names, company, currency, where the dates lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.datasets import load_cdnow_sample
from retainkit.forecast import ForecastConfig, ForecastModel, ForecastTable, fit_forecast
from retainkit.value import CustomerSummary, summarize_customers
from tests.forecast.bases import make_base

AS_OF = "1998-06-30"
HORIZON = 180


def fit(rows: pd.DataFrame, **options: Any) -> ForecastModel:
    return fit_forecast(rows, **{"as_of": AS_OF, "horizon_days": HORIZON, **options})


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return load_cdnow_sample()


@pytest.fixture(scope="module")
def summary(rows: pd.DataFrame) -> CustomerSummary:
    return summarize_customers(rows, as_of=AS_OF)


@pytest.fixture(scope="module")
def model(rows: pd.DataFrame) -> ForecastModel:
    return fit(rows)


@pytest.fixture(scope="module")
def table(model: ForecastModel, summary: CustomerSummary) -> ForecastTable:
    return model.apply(summary)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, derandomize=True, max_examples=3)
def test_the_order_of_rows_changes_nothing(
    rows: pd.DataFrame, model: ForecastModel, seed: int
) -> None:
    """The learnt model is the same to the last bit."""
    assert fit(rows.sample(frac=1.0, random_state=seed)).to_json() == model.to_json()


def test_names_change_nothing(rows: pd.DataFrame, model: ForecastModel) -> None:
    renamed = rows.assign(customer_id="customer " + rows["customer_id"].astype(str))
    assert fit(renamed).to_json() == model.to_json()


def test_numbered_customers_are_drawn_by_their_names(rows: pd.DataFrame) -> None:
    codes, names = pd.factorize(rows["customer_id"])
    few = ForecastConfig(max_customers=1000)
    whole = fit(rows, config=few)
    numbered = fit(rows.assign(customer_id=codes), customer_id=pd.Index(names), config=few)
    assert numbered.to_json() == whole.to_json()


def test_json_round_trip(model: ForecastModel, summary: CustomerSummary) -> None:
    again = ForecastModel.from_json(model.to_json())
    assert again == model
    one, two = model.apply(summary), again.apply(summary)
    pd.testing.assert_frame_equal(one.to_frame(), two.to_frame(), check_exact=True)


@given(st.lists(st.integers(0, 2356), min_size=1, max_size=5))
@settings(deadline=None, derandomize=True, max_examples=40)
def test_a_customer_alone_is_a_customer_in_company(
    model: ForecastModel, summary: CustomerSummary, table: ForecastTable, places: list[int]
) -> None:
    """The forecast of a customer does not depend on who else is scored: bit for bit."""
    alone = model.apply(summary.take(np.array(places))).to_frame()
    whole = table.to_frame().iloc[places].reset_index(drop=True)
    exact = [name for name in alone if name != "forecast_note"]
    # where the lifetime model's series are cut may differ by rows: the last bits may follow
    pd.testing.assert_frame_equal(alone[exact], whole[exact], rtol=1e-12, atol=1e-12)
    assert alone["forecast_note"].astype(str).equals(whole["forecast_note"].astype(str))


@pytest.mark.parametrize(
    ("rate", "relative"),
    [
        (1024.0, 1e-9),
        (1000.0, 1e-6),  # recent money is kept in single precision: 1000 x rounds, 1024 x does not
    ],
)
def test_currency(rows: pd.DataFrame, table: ForecastTable, rate: float, relative: float) -> None:
    """Amounts times a rate: values times that rate, probabilities the same."""
    scaled = rows.assign(amount=rows["amount"] * rate)
    other = fit(scaled).apply(summarize_customers(scaled, as_of=AS_OF))
    npt.assert_allclose(other.p_active, table.p_active, rtol=relative)
    for name in ("expected_value", "expected_value_low", "expected_value_high"):
        npt.assert_allclose(getattr(other, name), rate * getattr(table, name), rtol=relative)


def test_only_distances_of_days_count(rows: pd.DataFrame, table: ForecastTable) -> None:
    """400 days later it is the same base."""
    later = rows.assign(timestamp=rows["timestamp"] + pd.Timedelta("400D"))
    as_of = (pd.Timestamp(AS_OF) + pd.Timedelta("400D")).date()
    other = fit(later, as_of=as_of).apply(summarize_customers(later, as_of=as_of))
    for name in ("p_active", "expected_value", "expected_value_low", "days_overdue", "note"):
        npt.assert_array_equal(getattr(other, name), getattr(table, name))
    known = table.next_purchase > np.iinfo(np.int32).min
    npt.assert_array_equal(other.next_purchase[known], table.next_purchase[known] + 400)


def test_nothing_after_as_of_is_seen(rows: pd.DataFrame) -> None:
    known = rows[rows["timestamp"] < "1997-10-01"]
    whole, cut = fit(rows, as_of="1997-09-30"), fit(known, as_of="1997-09-30")
    assert whole.to_json() == cut.to_json()


def test_bounds(table: ForecastTable) -> None:
    """low <= p <= high, low <= high, all within their ranges; the next purchase lies ahead."""
    assert (table.p_active_low <= table.p_active).all()
    assert (table.p_active <= table.p_active_high).all()
    assert ((table.p_active >= 0.0) & (table.p_active <= 1.0)).all()
    assert (table.expected_value_low <= table.expected_value).all()
    assert (table.expected_value <= table.expected_value_high).all()
    assert (table.expected_value > 0.0).all()
    frame = table.to_frame()
    for name in ("next_purchase_low", "next_purchase", "next_purchase_high"):
        dates = frame[name].dropna()
        assert (dates > AS_OF).all()
        assert (dates <= pd.Timestamp(AS_OF) + pd.Timedelta(days=HORIZON)).all()


def test_bounds_hold_on_a_heavy_tail() -> None:
    """Few customers bring most of the money, and one much more than any that was learnt from."""
    rows = make_base(1200, 800, seed=3)
    names, code = np.unique(rows["customer_id"], return_inverse=True)
    weight = np.random.default_rng(5).pareto(0.9, len(names)) + 1.0
    weight[np.bincount(code).argmax()] = 50.0 * weight.max()
    rows = rows.assign(amount=rows["amount"].to_numpy() * weight[code])
    as_of = rows["timestamp"].max().date()
    model = fit(rows, as_of=as_of)
    table = model.apply(summarize_customers(rows, as_of=as_of))
    assert model.interval is not None
    told = np.isfinite(table.expected_value_low)
    assert told.any()
    value = table.expected_value[told]
    assert (table.expected_value_low[told] <= value).all()
    assert (value <= table.expected_value_high[told]).all()
    largest = int(np.nanargmax(table.expected_value))
    assert table.expected_value[largest] < table.expected_value_high[largest]
    dates = table.to_frame()
    assert_in_order(dates)


def test_next_purchases_are_in_order(table: ForecastTable) -> None:
    assert_in_order(table.to_frame())


def assert_in_order(frame: pd.DataFrame) -> None:
    low, middle, high = (frame[f"next_purchase{end}"] for end in ("_low", "", "_high"))
    assert not (low > middle).any()
    assert not (middle > high).any()
    assert not (low > high).any()
    assert low[middle.notna()].notna().all()


def test_values_add_up_to_the_total(
    rows: pd.DataFrame, model: ForecastModel, table: ForecastTable
) -> None:
    """The total is the weighted geometric mean of the ways to tell it, everybody counted."""
    weights = dict(model.weights)
    told = np.exp(sum(weights[name] * np.log(total) for name, total in model.totals))
    npt.assert_allclose(table.expected_value.sum(), told, rtol=1e-6)


def test_margin_and_discount_scale_the_money(
    model: ForecastModel, summary: CustomerSummary, table: ForecastTable
) -> None:
    half = model.apply(summary, margin_rate=np.full(len(summary), 0.5))
    npt.assert_allclose(half.expected_value, 0.5 * table.expected_value, rtol=1e-12)
    npt.assert_allclose(half.p_active, table.p_active)
    later = model.apply(summary, annual_discount_rate=0.1)
    # money spread evenly over 180 days: (1 - 1.1^(-180 / 365.25)) / (log(1.1) 180 / 365.25)
    force = np.log(1.1) * 180 / 365.25
    npt.assert_allclose(later.expected_value.sum() / table.expected_value.sum(),
                        (1.0 - np.exp(-force)) / force, rtol=1e-12)  # fmt: skip


@pytest.mark.parametrize(
    ("horizon", "margin", "discount", "days"),
    [(365, 1.0, 0.0, 800), (365, 0.8, 0.1, 1100), (180, 1.0, 0.1, 800), (365, 1.0, 0.1, 370)],
)
def test_a_note_on_the_past_year_holds_of_the_row(
    horizon: int, margin: float, discount: float, days: int
) -> None:
    """Told value against the rows of the last 365 days; annualised only where the note says so."""
    rows = make_base(1500, days, seed=11)
    as_of = rows["timestamp"].max().normalize()
    table = fit_forecast(rows, as_of=as_of.date(), horizon_days=horizon).apply(
        summarize_customers(rows, as_of=as_of.date()),
        margin_rate=margin,
        annual_discount_rate=discount,
    )
    year = rows[rows["timestamp"] > as_of - pd.Timedelta(days=365)]
    past = year.groupby("customer_id")["amount"].sum().reindex(table.customer_id, fill_value=0.0)
    first = rows.groupby("customer_id")["timestamp"].min().reindex(table.customer_id)
    known = ((as_of - first).dt.days + 1).clip(90, 365).to_numpy()
    before, value = margin * past.to_numpy(), table.expected_value
    note = pd.Series(np.asarray(table.explain(), dtype=object)).fillna("").to_numpy(dtype=str)
    paced = np.char.startswith(note, "annualised")
    before = np.where(paced, before * 365 / known, before)
    value = np.where(paced, value * 365 / horizon, value)
    above = np.char.find(note, "above its past") >= 0
    below = np.char.find(note, "below half its past") >= 0
    assert above.any()
    assert below.any()
    assert (value[above] > before[above]).all()
    assert (value[below] < 0.5 * before[below]).all()
    assert not (~paced & (above | below) & ((known < 365) | (horizon != 365))).any()
