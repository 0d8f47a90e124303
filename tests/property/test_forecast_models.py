"""What a learnt forecast does not depend on, on simulated firms: order, parts, storage."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.forecast import (
    ForecastModel,
    RenewalModel,
    fit_forecast,
    fit_renewal_model,
    predict_renewal,
)
from retainkit.forecast._kernel_renewal import anniversaries, months_of
from retainkit.forecast._renewal_predict import RenewalForecast
from retainkit.typing import FloatArray, IntArray
from retainkit.value import summarize_customers
from tests.robustness.firms import make_firm

TODAY = int(np.datetime64("2024-06-30").astype(int))


class Book(NamedTuple):
    start: IntArray
    end: FloatArray
    term: IntArray
    plan: IntArray
    customer: IntArray
    price: FloatArray

    def take(self, rows: IntArray) -> Book:
        columns: Any = [column[rows] for column in self]
        return Book(*columns)


@st.composite
def books(draw: st.DrawFn) -> Book:
    """Contracts of up to three terms and two plans that end on renewal dates or on any day."""
    g = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(30, 300))
    term = g.choice([1, 12, 24], n)
    start = TODAY - g.integers(0, draw(st.sampled_from([200, 900, 2000])), n)
    lasts = g.geometric(draw(st.sampled_from([0.05, 0.3])), n)
    on_renewal = anniversaries(months_of(start), lasts * term)
    end = on_renewal if draw(st.booleans()) else start + g.integers(0, 1500, n)
    known = np.where(end > TODAY, np.nan, end)
    prices = g.lognormal(3.0, 0.5, n)
    return Book(start, known, term, g.integers(0, 2, n), g.integers(0, n, n), prices)


def fit(book: Book) -> RenewalModel:
    return fit_renewal_model(
        book.start,
        book.end,
        as_of_day=TODAY,
        horizon_days=120,
        term_months=book.term,
        plan=book.plan,
        customer=book.customer,
    )


def predict(model: RenewalModel, book: Book) -> RenewalForecast:
    return predict_renewal(
        model,
        book.start,
        as_of_day=TODAY,
        window_days=200,
        end_day=book.end,
        term_months=book.term,
        plan=book.plan,
        price=book.price,
        annual_discount_rate=0.1,
    )


def same(one: Iterable[Any], two: Iterable[Any]) -> None:
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)


@given(books(), st.integers(0, 2**32 - 1))
@settings(deadline=None, derandomize=True, max_examples=20)
def test_renewals_do_not_depend_on_the_order_of_contracts(book: Book, seed: int) -> None:
    """The model is the same to the last bit, and so is the forecast of each contract."""
    order = np.random.default_rng(seed).permutation(len(book.start))
    model, other = fit(book), fit(book.take(order))
    assert other.to_json() == model.to_json()
    whole, shuffled = predict(model, book), predict(other, book.take(order))
    same([part[order] for part in whole], shuffled)


@given(books(), st.integers(1, 5))
@settings(deadline=None, derandomize=True, max_examples=20)
def test_renewals_by_parts_are_those_of_the_whole(book: Book, parts: int) -> None:
    """Bit for bit, however the contracts are cut."""
    model = fit(book)
    cuts = np.array_split(np.arange(len(book.start)), parts)
    told = [predict(model, book.take(rows)) for rows in cuts]
    same(predict(model, book), [np.concatenate(column) for column in zip(*told, strict=True)])


@given(books())
@settings(deadline=None, derandomize=True, max_examples=20)
def test_a_renewal_model_survives_storage(book: Book) -> None:
    """from_json(to_json()) is the model, and forecasts the same bits."""
    model = fit(book)
    again = RenewalModel.from_json(model.to_json())
    assert again == model
    same(predict(model, book), predict(again, book))


@given(
    st.sampled_from(["steady", "launch", "exchangeable", "returns"]),
    st.integers(0, 1_000),
    st.integers(2, 5),
)
@settings(deadline=None, derandomize=True, max_examples=4)
def test_forecasts_do_not_depend_on_order_parts_or_storage(
    name: str, seed: int, parts: int
) -> None:
    """Rows in any order teach the same bits; any part of the base, and JSON, forecasts them."""
    firm = make_firm(name, seed, 150)
    assert firm.transactions is not None
    day = str(firm.as_of.date())
    rows = firm.transactions.sample(frac=1.0, random_state=seed)
    model = fit_forecast(firm.transactions, as_of=day, horizon_days=firm.horizon_days)
    other = fit_forecast(rows, as_of=day, horizon_days=firm.horizon_days)
    assert other.to_json() == model.to_json()
    again = ForecastModel.from_json(model.to_json())
    assert again == model
    whole = model.apply(summarize_customers(rows, as_of=day)).to_frame()
    told = [
        again.apply(summarize_customers(rows[rows["customer_id"] % parts == part], as_of=day))
        for part in range(parts)
    ]
    joined = pd.concat([one.to_frame() for one in told], ignore_index=True)
    left, right = (
        frame.assign(forecast_note=frame["forecast_note"].astype(object))
        .sort_values("customer_id")
        .reset_index(drop=True)
        for frame in (whole, joined)
    )
    pd.testing.assert_frame_equal(left, right, check_exact=True)
