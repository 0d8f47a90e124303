"""Retention drivers: known curves found, laws of the spline, simulated bases."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from retainkit.churn import DriverConfig, RetentionDriverModel, fit_retention_drivers
from retainkit.churn._kernel import monotone_basis
from retainkit.errors import AlignmentError, NotComputableError, SchemaError
from retainkit.simulate import make_customer_base

LAW = settings(deadline=None, derandomize=True, max_examples=60)
QUICK = DriverConfig(resamples=60)


def true_logit(frame: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Flat in the middle and steep at the ends, as satisfaction is said to work."""
    z = (frame["satisfaction"].to_numpy() - 3.0) / 1.2
    linear = 0.3 * (frame["perceived_value"] - 3.0) + 0.2 * (frame["switching_cost"] - 3.0)
    return np.asarray(0.5 + np.sinh(1.2 * z) / 2.0 + linear, dtype=np.float64)


def make_answers(n: int, seed: int) -> tuple[pd.DataFrame, npt.NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    names = ["satisfaction", "perceived_value", "switching_cost"]
    frame = pd.DataFrame(rng.integers(1, 6, (n, 3)).astype(np.float64), columns=names)
    return frame, rng.random(n) < expit(true_logit(frame))


@pytest.fixture(scope="module")
def fitted() -> RetentionDriverModel:
    frame, stays = make_answers(8000, 3)
    return fit_retention_drivers(frame, retained=stays, config=QUICK)


def test_a_known_curve_is_found_within_its_band(fitted: RetentionDriverModel) -> None:
    curve = fitted.curve(grid=[1, 2, 3, 4, 5])
    middle = dict(zip(fitted.drivers, fitted.centers, strict=True))
    truth = expit(true_logit(curve.assign(**{k: middle[k] for k in fitted.drivers[1:]})))
    assert np.abs(curve["probability"] - truth).max() < 0.03  # 2.5 errors of 1,600 answers
    inside = (curve["low"] - 0.01 <= truth) & (truth <= curve["high"] + 0.01)
    assert inside.all()
    steps = np.diff(true_logit(curve.assign(perceived_value=3.0, switching_cost=3.0)))
    found = np.diff(np.log(curve["probability"] / (1 - curve["probability"])))
    np.testing.assert_allclose(found, steps, atol=0.25)
    assert fitted.log_likelihood - fitted.linear_log_likelihood > 20  # far from a straight line


def test_the_other_drivers_are_found(fitted: RetentionDriverModel) -> None:
    """0.3 and 0.2 per point, within three standard errors of 8,000 answers."""
    assert fitted.coefficients[1:3] == pytest.approx((0.3, 0.2), abs=0.06)


def test_marginal_effects_and_what_if_agree_with_the_model(fitted: RetentionDriverModel) -> None:
    frame, _ = make_answers(500, 9)
    effects = fitted.marginal_effects(frame).set_index("driver")
    moved = frame.assign(perceived_value=frame["perceived_value"] + 1.0)
    gain = (fitted.probability(moved) - fitted.probability(frame)).mean()
    row = fitted.what_if(frame, change={"perceived_value": 1.0}).iloc[0]
    assert effects.loc["perceived_value", "effect"] == pytest.approx(gain)
    assert (row["difference"], row["kept"]) == (pytest.approx(gain), pytest.approx(gain * 500))
    assert (effects["low"] <= effects["effect"]).all()
    assert (effects["effect"] <= effects["high"]).all()
    best = frame.assign(satisfaction=5.0)
    assert fitted.what_if(best, change={"satisfaction": 1.0})["difference"].iloc[0] == 0.0
    with pytest.raises(SchemaError, match="no drivers"):
        fitted.what_if(frame, change={"price": 1.0})


def test_each_stage_has_a_curve_of_its_own() -> None:
    """Satisfaction decides among the mature and means nothing among the new."""
    rng = np.random.default_rng(5)
    n = 6000
    frame = pd.DataFrame({"satisfaction": rng.integers(1, 6, n).astype(np.float64)})
    stage = np.where(rng.random(n) < 0.5, "mature", "new")
    logit = np.where(stage == "mature", 1.0 * (frame["satisfaction"] - 3.0), 0.4)
    stays = rng.random(n) < expit(logit)
    model = fit_retention_drivers(frame, retained=stays, stage=stage, config=QUICK)
    curve = model.curve(grid=[1, 5]).set_index(["stage", "satisfaction"])["probability"]
    assert curve["mature", 5] - curve["mature", 1] == pytest.approx(0.76, abs=0.05)
    assert curve["new", 5] - curve["new", 1] < 0.06
    with pytest.raises(SchemaError, match="no stages"):
        model.probability(frame)
    assert np.isnan(model.probability(frame.iloc[:1], stage=["prospect"])).all()


def draw_stages(
    n: int, seed: int, *, bend: float
) -> tuple[pd.DataFrame, npt.NDArray[np.str_], npt.NDArray[np.bool_]]:
    """Draw answers of three stages; with `bend` the new react to satisfaction more."""
    rng = np.random.default_rng(seed)
    frame, _ = make_answers(n, seed)
    stage = np.array(["growing", "mature", "new"])[rng.integers(0, 3, n)]
    slope = 0.5 + bend * (stage == "new")
    logit = 0.3 + slope * (frame["satisfaction"] - 3.0) + 0.4 * (stage == "mature")
    return frame, stage, np.asarray(rng.random(n) < expit(logit.to_numpy()))


def test_stage_test_equals_statsmodels() -> None:
    """With five answers and five knots the splines span the answers: dummies give the same."""
    import statsmodels.api as sm

    frame, stage, stays = draw_stages(3000, 21, bend=0.3)
    model = fit_retention_drivers(
        frame, retained=stays, stage=stage, config=DriverConfig(resamples=1)
    )
    answers = pd.get_dummies(frame["satisfaction"], drop_first=True, dtype=float).to_numpy()
    stages = pd.get_dummies(stage, dtype=float).to_numpy()
    others = frame[["perceived_value", "switching_cost"]].to_numpy()
    each = np.column_stack([answers * stages[:, [j]] for j in range(3)])
    fits = [
        sm.Logit(stays.astype(float), np.column_stack([stages, others, curve])).fit(disp=0)
        for curve in (answers, each)
    ]
    assert model.stage_test is not None
    assert model.stage_test.degrees_of_freedom == 8
    assert model.stage_test.chi_square == pytest.approx(2.0 * (fits[1].llf - fits[0].llf), rel=1e-6)
    assert model.stage_test.p_value is not None
    assert model.stage_test.p_value < 0.05
    assert model.stage_test.customers == 3000
    assert RetentionDriverModel.from_json(model.to_json()) == model
    alone = fit_retention_drivers(frame, retained=stays, config=DriverConfig(resamples=1))
    assert alone.stage_test is None


def share_found(runs: int, *, bend: float) -> float:
    """Return how often the test at 5 % finds that the stages differ."""
    found = 0
    for seed in range(runs):
        frame, stage, stays = draw_stages(900, seed, bend=bend)
        quick = DriverConfig(resamples=1)
        test = fit_retention_drivers(frame, retained=stays, stage=stage, config=quick).stage_test
        assert test is not None
        assert test.p_value is not None
        found += test.p_value < 0.05
    return found / runs


@pytest.mark.slow
def test_stage_test_keeps_its_level_and_has_power() -> None:
    """Of 200 bases with one curve 5 % are found, within three standard errors; of others most."""
    assert share_found(200, bend=0.0) == pytest.approx(0.05, abs=0.046)
    assert share_found(30, bend=1.0) > 0.9


def test_stages_that_the_answers_cannot_tell_apart_have_no_test() -> None:
    """One stage only: no curve could differ."""
    frame, stays = make_answers(300, 4)
    model = fit_retention_drivers(
        frame, retained=stays, stage=["new"] * 300, config=DriverConfig(resamples=1)
    )
    assert model.stage_test is not None
    assert (model.stage_test.degrees_of_freedom, model.stage_test.p_value) == (0, None)


@LAW
@given(
    st.lists(st.floats(-5, 15), min_size=1, max_size=30),
    st.lists(st.integers(0, 10), min_size=2, max_size=6, unique=True),
)
def test_each_basis_function_rises_from_0_to_1(x: list[float], knots: list[int]) -> None:
    """Monotone, in [0, 1], 0 at the first knot and 1 at the last: any sum >= 0 never falls."""
    points = np.sort(np.array(x))
    edges = np.sort(np.array(knots, dtype=np.float64))
    basis = monotone_basis(points, edges)
    assert (np.diff(basis, axis=0) >= -1e-12).all()
    assert ((basis >= 0.0) & (basis <= 1.0 + 1e-12)).all()
    ends = monotone_basis(edges[[0, -1]], edges)
    np.testing.assert_allclose(ends, [[0.0] * len(edges), [1.0] * len(edges)], atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_curve_never_falls_even_where_the_data_do(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"satisfaction": rng.uniform(0, 10, 400)})
    stays = rng.random(400) < 0.9 - 0.08 * frame["satisfaction"]
    model = fit_retention_drivers(frame, retained=stays, config=DriverConfig(resamples=5))
    curve = model.curve()["probability"]
    assert (np.diff(curve) >= -1e-9).all()
    assert curve.iloc[-1] - curve.iloc[0] < 0.02


def test_the_simulated_base_is_explained() -> None:
    """Shares of customers alive by last answer, counted apart: the curve is within 3 points.

    In the simulator satisfaction counts little in the middle and much at the ends, and perceived
    value counts more than switching cost (0.6 against 0.5).
    """
    base = make_customer_base(20_000, seed=8)
    answers = base.surveys.sort_values("timestamp").drop_duplicates("customer_id", keep="last")
    alive = base.truth.set_index("customer_id")["alive"].loc[answers["customer_id"]].to_numpy()
    model = fit_retention_drivers(answers, retained=alive, config=QUICK)
    predicted = pd.Series(model.probability(answers))
    level = answers["satisfaction"].to_numpy()
    for answer in (1.0, 2.0, 3.0, 4.0, 5.0):
        own = level == answer
        assert predicted[own].mean() == pytest.approx(alive[own].mean(), abs=0.03)
    curve = model.curve(grid=[1, 2, 3, 4, 5])["probability"]
    logits = np.diff(np.log(curve / (1 - curve)))
    assert min(logits[0], logits[3]) > max(logits[1], logits[2]) * 0.9
    effects = model.marginal_effects(answers).set_index("driver")
    assert (effects["low"] > 0).all()


def test_same_data_same_bits_and_json(fitted: RetentionDriverModel) -> None:
    frame, stays = make_answers(8000, 3)
    again = fit_retention_drivers(frame, retained=stays, config=QUICK)
    assert again == fitted
    assert RetentionDriverModel.from_json(fitted.to_json()) == fitted


def test_incomplete_answers_are_counted_and_bad_input_refused() -> None:
    frame, stays = make_answers(300, 1)
    holes = frame.copy()
    holes.loc[:9, "satisfaction"] = np.nan
    model = fit_retention_drivers(holes, retained=stays, config=DriverConfig(resamples=5))
    assert (model.customers, model.incomplete) == (290, 10)
    assert np.isnan(model.probability(holes)[:10]).all()
    with pytest.raises(SchemaError, match="satisfaction"):
        fit_retention_drivers(frame[["perceived_value"]], retained=stays)
    with pytest.raises(AlignmentError, match="300 rows"):
        fit_retention_drivers(frame, retained=stays[:5])
    with pytest.raises(NotComputableError, match="0 left"):
        fit_retention_drivers(frame, retained=np.ones(300, bool))
    with pytest.raises(NotComputableError, match="0 stayed"):
        fit_retention_drivers(frame.iloc[:0], retained=[])
    with pytest.raises(SchemaError, match="no curve"):
        model.curve(driver="price", grid=[1])
