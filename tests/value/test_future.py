from __future__ import annotations

import pickle
import warnings
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit._core.kernels.glm import (
    center_and_scale,
    fit_logistic,
    ridge_penalty,
    solve_ridge,
    standardize,
)
from retainkit.datasets import load_cdnow_sample
from retainkit.errors import AsOfError, NotComputableError, SchemaError
from retainkit.lifetime import GammaGammaModel, MbgNbdModel, fit_gamma_gamma, fit_mbg_nbd
from retainkit.typing import FloatArray
from retainkit.value import (
    CustomerSummary,
    FutureValueConfig,
    FutureValueModel,
    TwoPartModel,
    expected_lifetime_value,
    fit_future_value,
    predict_future_value,
    summarize_customers,
)
from retainkit.value._kernel_hurdle import (
    clustered_error,
    design,
    difference_of_shares,
    level_correction,
    top_of,
)

AS_OF = "1997-09-30"
HORIZON = 273.0


class Base(NamedTuple):
    rows: pd.DataFrame
    summary: CustomerSummary
    purchase: MbgNbdModel
    spend: GammaGammaModel
    model: FutureValueModel


def fit(rows: pd.DataFrame, **options: Any) -> FutureValueModel:
    return fit_future_value(rows, **{"as_of": AS_OF, "horizon_days": HORIZON, **options})


def predict(base: Base, model: FutureValueModel, **options: Any) -> FloatArray:
    return predict_future_value(
        base.summary,
        model,
        **{
            "purchase_model": base.purchase,
            "spend_model": base.spend,
            "horizon_days": HORIZON,
            "annual_discount_rate": 0.0,
            **options,
        },
    )


@pytest.fixture(scope="module")
def base() -> Base:
    rows = load_cdnow_sample()[["customer_id", "timestamp", "amount"]]
    summary = summarize_customers(rows, as_of=AS_OF)
    purchase = fit_mbg_nbd(summary)
    spend = fit_gamma_gamma(summary.frequency, summary.monetary_value)
    return Base(rows, summary, purchase, spend, fit(rows))


# kernels, against calculations by hand


def test_ties_at_the_cut_share_the_places_left() -> None:
    # 2 of 5 places: 9 takes one, the three 7s share the other
    npt.assert_allclose(
        top_of(np.array([7.0, 9.0, 7.0, 1.0, 7.0]), 0.4), [1 / 3, 1, 1 / 3, 0, 1 / 3]
    )
    npt.assert_allclose(top_of(np.array([1.0, 2.0, 3.0]), 0.01), [0, 0, 1])
    npt.assert_allclose(top_of(np.zeros(4), 0.25), np.full(4, 0.25))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.floats(0.01, 0.99))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_the_places_are_all_given(values: list[int], share: float) -> None:
    """The parts of customers in the top add up to the number of places."""
    top = top_of(np.array(values, dtype=np.float64), share)
    npt.assert_allclose(top.sum(), max(1, np.ceil(share * len(values))))


def test_difference_of_shares_by_hand() -> None:
    money = np.array([60.0, 30.0, 10.0])
    here, there = np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0])
    difference, residuals = difference_of_shares(money, here, there)
    npt.assert_allclose(difference, 0.3)
    npt.assert_allclose(residuals, [0.60 - 0.18, -0.30 - 0.09, -0.03])  # (each - 0.3 money) / 100
    assert difference_of_shares(money, there, there)[0] == 0.0
    nothing, residuals = difference_of_shares(np.zeros(3), here, there)
    assert nothing == 0.0
    npt.assert_array_equal(residuals, 0.0)


def test_a_customer_at_two_origins_is_one_customer() -> None:
    """Adding the same customers a second time does not make the evidence any surer."""
    residuals, who = np.array([0.3, -0.2, -0.1]), np.arange(3)
    once = clustered_error([who], [residuals], 3)
    npt.assert_allclose(once, np.sqrt(0.14))
    npt.assert_allclose(clustered_error([who, who], [residuals, residuals], 3), once)
    strangers = clustered_error([who, who + 3], [residuals, residuals], 6)
    npt.assert_allclose(strangers, once / np.sqrt(2.0))


@pytest.mark.parametrize(
    ("levels", "factor"),
    [
        ([1.25], 1.0),  # one origin proves nothing
        ([1.25, 1.25, 1.25], 0.8),  # all agree
        ([2.0, 0.5], 1.0),  # the mean of the logs is 0
        ([1.2, 0.0], 1.0),
        # logs 0.3, 0.1: mean 0.2, variance 0.02, squared error 0.03 = 1.5 * 0.02 <= 0.04: a quarter
        ([np.exp(0.3), np.exp(0.1)], np.exp(-0.2 * 0.25)),
        # logs 0.3, 0.2, 0.1: mean 0.2, variance 0.01, squared error 0.01 * 5 / 6
        ([np.exp(0.3), np.exp(0.2), np.exp(0.1)], np.exp(-0.2 * (1 - 0.05 / 0.24))),
    ],
)
def test_level_correction_by_hand(levels: list[float], factor: float) -> None:
    npt.assert_allclose(level_correction(np.array(levels)), factor)


def test_ridge_least_squares_by_hand() -> None:
    # one centred feature: slope = z'y / (z'z + penalty), constant = mean
    z = standardize(np.array([[-1.0], [1.0]]), np.zeros(1), np.ones(1))
    npt.assert_allclose(
        solve_ridge(z.T @ z, z.T @ np.array([1.0, 5.0]), ridge_penalty(2, 2.0)), [3.0, 4 / 4]
    )


def test_ridge_logistic_meets_an_independent_optimiser() -> None:
    from scipy.optimize import minimize

    random = np.random.default_rng(7)
    x = random.normal(size=(300, 4))
    y = (random.random(300) < 1 / (1 + np.exp(-(0.5 + x @ [1.0, -2.0, 0.0, 0.3])))).astype(float)
    z = standardize(x, *center_and_scale(x))

    def loss(b: FloatArray) -> float:
        return float(np.sum(np.logaddexp(0, z @ b) - y * (z @ b)) + 1.5 * np.sum(b[1:] ** 2))

    npt.assert_allclose(
        fit_logistic(z, y, penalty=ridge_penalty(5, 3.0)).coefficients,
        minimize(loss, np.zeros(5), tol=1e-12).x,
        atol=1e-4,
    )


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_everybody_or_nobody_buying_stays_finite(outcome: float) -> None:
    z = standardize(np.random.default_rng(1).normal(size=(50, 3)), np.zeros(3), np.ones(3))
    b = fit_logistic(z, np.full(50, outcome), penalty=ridge_penalty(4, 10.0)).coefficients
    assert np.isfinite(b).all()
    chance = 1 / (1 + np.exp(-(z @ b)))
    npt.assert_allclose(chance, outcome, atol=1e-6)


def test_a_constant_feature_divides_by_one() -> None:
    x = np.column_stack([np.full(10, 0.1), np.arange(10.0)])  # 0.1 ten times: deviation 1e-17
    _, scale = center_and_scale(x)
    assert scale[0] == 1.0
    npt.assert_allclose(scale[1], np.arange(10.0).std())


def test_features_far_out_and_amounts_have_limits() -> None:
    model = TwoPartModel(
        center=(0.0,), scale=(1e-6,), buys=(0.0, 1e3), amount=(0.0, 1e3), factor=1.0,
        money_unit=1.0, most=500.0,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predicted = model.predict(np.array([[1e300], [-1e300], [np.nan]]))
    npt.assert_allclose(predicted, [500.0, 0.0, np.nan], rtol=1e-14)


def test_the_design_does_not_know_the_currency() -> None:
    history = (np.array([3.0]), np.array([90.0]), np.array([9.0]))
    rows, alive = np.array([5.0]), np.array([0.7])
    one = design(*history, np.array([80.0]), rows, np.array([12.0]), alive, 20.0)
    hundred = design(*history, np.array([8000.0]), rows, np.array([1200.0]), alive, 2000.0)
    npt.assert_allclose(one, hundred)
    npt.assert_allclose(one[0, 3], np.log(5.0))  # ln(1 + 80 / 20)


# laws


def test_rows_after_as_of_change_nothing(base: Base) -> None:
    """The evidence and the estimate never look at rows after as_of."""
    after = base.rows["timestamp"] >= pd.Timestamp("1997-10-01")
    assert after.any()
    wild = base.rows.assign(amount=base.rows["amount"].where(~after, -1e6))
    strangers = base.rows[after].assign(customer_id=lambda f: f["customer_id"] + 10**6)
    earlier = pd.concat([strangers, wild], ignore_index=True)
    assert fit(base.rows[~after].reset_index(drop=True)) == base.model
    assert fit(earlier) == base.model
    few = FutureValueConfig(max_customers=1000)
    assert fit(earlier, config=few) == fit(base.rows[~after], config=few)


def test_order_of_rows_and_names_change_nothing(base: Base) -> None:
    """Neither the order of rows nor the customers' names change the model."""
    shuffled = base.rows.sample(frac=1.0, random_state=3).reset_index(drop=True)
    named = shuffled.assign(customer_id="c" + (7919 * shuffled["customer_id"]).astype(str))
    for rows in (shuffled, named):
        again = fit(rows)
        assert again.chosen == base.model.chosen
        npt.assert_allclose(
            [e.captured for e in again.evidence],
            [e.captured for e in base.model.evidence],
            rtol=1e-9,
        )
        assert again.two_part is not None
        assert base.model.two_part is not None
        npt.assert_allclose(again.two_part.buys, base.model.two_part.buys, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("scale", [1 / 64, 1024.0])
def test_another_currency_scales_the_estimate_alone(base: Base, scale: float) -> None:
    """Money counted in another currency changes the estimate by the rate of exchange only."""
    rows = base.rows.assign(amount=base.rows["amount"] * scale)
    model = fit(rows)
    assert model.chosen == base.model.chosen
    summary = summarize_customers(rows, as_of=AS_OF)
    scaled = base._replace(
        summary=summary, spend=fit_gamma_gamma(summary.frequency, summary.monetary_value)
    )
    npt.assert_allclose(predict(scaled, model), scale * predict(base, base.model), rtol=2e-4)


def test_same_rows_same_model_and_json(base: Base) -> None:
    assert fit(base.rows) == base.model
    assert FutureValueModel.from_json(base.model.to_json()) == base.model
    assert pickle.loads(pickle.dumps(base.model)) == base.model


def test_evidence_is_one_entry_per_candidate(base: Base) -> None:
    config = FutureValueConfig(candidates=("spend", "lifetime"))
    evidence = fit(base.rows, config=config).evidence
    assert [entry.estimator for entry in evidence] == ["spend", "lifetime"]
    assert min(entry.behind for entry in evidence) == 0.0
    for entry in base.model.evidence:
        assert 0.0 < entry.found < 1.0
        assert 0.0 < entry.captured < 1.0
        assert entry.level > 0.0
    chosen = {entry.estimator: entry for entry in base.model.evidence}[base.model.chosen]
    assert chosen.behind <= chosen.standard_error


def test_origins_are_a_third_apart_and_judge_only_what_follows(base: Base) -> None:
    # 273 observed days: windows of 91 that end 0, 45.5 and 91 days before the last
    assert base.model.origins == (date(1997, 7, 1), date(1997, 5, 16), date(1997, 4, 1))
    for entry in base.model.evidence:
        assert len(entry.levels) == 3
        npt.assert_allclose(entry.level, np.exp(np.log(entry.levels).mean()))


def test_one_origin_is_the_latest_of_three(base: Base) -> None:
    alone = fit(base.rows, config=FutureValueConfig(origins=1))
    assert alone.origins == base.model.origins[:1]
    for entry, both in zip(alone.evidence, base.model.evidence, strict=True):
        npt.assert_allclose(entry.levels, both.levels[:1])
        assert entry.correction == 1.0


def test_a_short_history_has_fewer_origins(base: Base) -> None:
    # 63 days: windows of 21; at the second origin 32 days lie before, 16 to learn from, at the
    # third 21, of which half are too few
    rows = base.rows[base.rows["timestamp"] < pd.Timestamp("1997-03-05")]
    model = fit(rows, as_of="1997-03-04")
    assert len(model.origins) in (1, 2)
    assert model.reason == "evidence"


def test_the_level_is_corrected_as_the_evidence_says(base: Base) -> None:
    """The correction multiplies the chosen estimate and nothing else."""
    plain = base.model.replace(chosen="blend")
    entries = [e.replace(correction=1.0) for e in plain.evidence]
    plain = plain.replace(evidence=tuple(entries))
    corrected = plain.replace(
        evidence=tuple(e.replace(correction=0.5 + 0.3 * (e.estimator == "blend")) for e in entries)
    )
    assert (plain.correction, corrected.correction) == (1.0, 0.8)
    npt.assert_allclose(predict(base, corrected), 0.8 * predict(base, plain))
    assert plain.replace(evidence=()).correction == 1.0


def test_the_regression_adds_up_to_the_money_of_its_window(base: Base) -> None:
    """Applied to the training window itself, the regression returns the window's money."""
    origin = base.model.learnt_at
    assert origin is not None
    known = summarize_customers(base.rows, as_of=origin)
    before = base._replace(
        summary=known,
        purchase=fit_mbg_nbd(known),
        spend=fit_gamma_gamma(known.frequency, known.monetary_value),
    )
    days = base.model.window_days
    regression = base.model.replace(chosen="two_part")
    predicted = predict(before, regression, horizon_days=days)
    stamps = base.rows["timestamp"]
    in_window = (stamps > pd.Timestamp(origin)) & (stamps <= pd.Timestamp(AS_OF))
    newcomers = ~base.rows["customer_id"].isin(known.customer_id)
    money = base.rows.loc[in_window & ~newcomers, "amount"].sum()
    npt.assert_allclose(predicted.sum(), money, rtol=1e-6)


def test_lifetime_alone_is_the_lifetime_model(base: Base) -> None:
    model = fit(base.rows, config=FutureValueConfig(candidates=("lifetime",)))
    assert (model.chosen, model.reason) == ("lifetime", "only_candidate")
    npt.assert_array_equal(
        predict(base, model, annual_discount_rate=0.1, margin_rate=0.3),
        expected_lifetime_value(
            base.summary, base.purchase, spend_model=base.spend, horizon_days=HORIZON,
            margin_rate=0.3,
        ),
    )  # fmt: skip


@pytest.mark.parametrize("chosen", ["two_part", "blend", "spend", "spend_rate"])
def test_margin_horizon_and_discount(base: Base, chosen: str) -> None:
    """Margin multiplies, a longer horizon never brings less, discounting never brings more."""
    model = base.model.replace(chosen=chosen)
    value = predict(base, model)
    assert np.isfinite(value).all()
    assert (value >= 0.0).all()
    npt.assert_allclose(predict(base, model, margin_rate=-0.5), -0.5 * value)
    assert (predict(base, model, horizon_days=2 * HORIZON) >= value).all()
    assert (predict(base, model, annual_discount_rate=0.2) <= value).all()


def test_a_single_customer_is_estimated_as_in_the_base(base: Base) -> None:
    value = predict(base, base.model)
    for place in (0, 17, 2000):
        one = base._replace(summary=base.summary.take(np.array([place])))
        npt.assert_allclose(predict(one, base.model), value[place], rtol=1e-9)


def test_who_never_purchased_is_unknown_and_returns_are_no_gain(base: Base) -> None:
    rows = pd.DataFrame(
        {
            "customer_id": [1, 2, 2, 3],
            "timestamp": pd.to_datetime(["1997-05-01", "1997-05-01", "1997-06-01", "1997-05-01"]),
            "amount": [-10.0, 30.0, -90.0, 30.0],
        }
    )
    few = base._replace(summary=summarize_customers(rows, as_of=AS_OF))
    for chosen in ("two_part", "blend", "spend", "spend_rate", "lifetime"):
        value = predict(few, base.model.replace(chosen=chosen))
        assert np.isnan(value[0])
        assert value[1] <= value[2]
        assert (value[1:] >= 0.0).all()


def test_an_absurd_customer_is_capped(base: Base) -> None:
    rows = pd.DataFrame(
        {
            "customer_id": 1,
            "timestamp": pd.date_range("1997-01-01", AS_OF),
            "amount": 1e15,
        }
    )
    one = base._replace(summary=summarize_customers(rows, as_of=AS_OF))
    model = base.model.replace(chosen="two_part")
    assert model.two_part is not None
    value = predict(one, model, horizon_days=model.window_days)
    assert 0.0 < value[0] <= model.two_part.most


# bases too small, too short, too plain


def make_rows(days: list[str], customers: int, amount: float = 10.0) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": np.repeat(np.arange(customers), len(days)),
            "timestamp": np.tile(pd.to_datetime(days), customers),
            "amount": amount,
        }
    )


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (make_rows(["1997-09-20", "1997-09-30"], 300), "history_too_short"),
        (make_rows(["1997-01-01", "1997-09-01"], 150), "too_few_customers"),
        (make_rows(["1997-01-01", "1997-01-08"], 300), "too_few_buyers"),
        (make_rows(["1997-01-01", "1997-09-01"], 300), "lifetime_not_computable"),
    ],
)
def test_a_base_without_evidence_says_why(rows: pd.DataFrame, reason: str) -> None:
    model = fit(rows)
    assert (model.chosen, model.reason, model.evidence) == ("lifetime", reason, ())
    assert FutureValueModel.from_json(model.to_json()) == model


def test_a_base_without_any_variance_is_learnt_from() -> None:
    """300 customers who all buy the same on the same days: every feature is constant."""
    days = [f"1997-{month:02d}-{day:02d}" for month in range(1, 10) for day in (3, 17)]
    rows = make_rows(days, 300)
    rows.loc[rows["customer_id"] % 2 == 0, "amount"] += 0.01  # else spend has no model either
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = fit(rows)
    if model.reason == "evidence":
        assert model.two_part is not None
        assert np.isfinite(model.two_part.buys).all()
    else:
        assert model.reason == "lifetime_not_computable"


def test_refuses(base: Base) -> None:
    with pytest.raises(SchemaError, match="customer_id"):
        fit(base.rows.drop(columns="customer_id"))
    with pytest.raises(AsOfError):
        fit(base.rows, as_of="1990-01-01")
    with pytest.raises(NotComputableError, match="regression"):
        predict(base, base.model.replace(two_part=None, chosen="two_part"))


# a regressor of the user's


class Knowing:
    """Predicts from the third-last column what it was told in `fit`."""

    def __init__(self, answer: float | None = None) -> None:
        self.answer = answer
        self.seen: list[int] = []
        self.b: Any = np.zeros(0)

    def fit(self, x: FloatArray, y: FloatArray) -> Knowing:
        self.seen.append(len(y))
        self.b = np.linalg.lstsq(x, y, rcond=None)[0]
        return self

    def predict(self, x: FloatArray) -> FloatArray:
        assert np.isfinite(x).all()
        answer: FloatArray = x @ self.b if self.answer is None else np.full(len(x), self.answer)
        return answer


def test_a_regressor_is_one_more_candidate(base: Base) -> None:
    own = Knowing()
    model = fit(base.rows, regressor=own)
    assert [e.estimator for e in model.evidence][-1] == "regressor"
    assert own.seen[-1] == model.n  # learnt last on the latest window
    assert model.evidence[:-1] == base.model.evidence
    forced = model.replace(chosen="regressor")
    value = predict(base, forced, regressor=own)
    assert (value >= 0.0).all()
    with pytest.raises(NotComputableError, match="regressor"):
        predict(base, forced)
    alone = fit(base.rows, regressor=own, config=FutureValueConfig(candidates=("lifetime",)))
    assert [e.estimator for e in alone.evidence] == ["lifetime", "regressor"]


def test_a_regressor_that_answers_nonsense_is_refused(base: Base) -> None:
    with pytest.raises(SchemaError, match="regressor"):
        fit(base.rows, regressor=Knowing(answer=np.nan))


def test_scikit_learn_fits_the_protocol(base: Base) -> None:
    ensemble = pytest.importorskip("sklearn.ensemble")
    forest = ensemble.RandomForestRegressor(n_estimators=20, min_samples_leaf=20, random_state=0)
    model = fit(base.rows, regressor=forest)
    value = predict(base, model.replace(chosen="regressor"), regressor=forest)
    assert value.shape == (len(base.summary),)
