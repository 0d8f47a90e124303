"""An estimator of the user's own: it competes, it may fail, and it is asked for again."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest

from retainkit.errors import SchemaError
from retainkit.forecast import ForecastModel, ValueEstimator, fit_forecast
from retainkit.forecast._estimator import Contest, judge_contests
from retainkit.typing import FloatArray
from retainkit.value import CustomerSummary, summarize_customers
from tests.forecast.bases import AS_OF, make_base

HORIZON = 120


class LastDigit:
    """Nonsense: the same for everybody but for a hash of the features."""

    def fit(self, features: FloatArray, money: FloatArray, weights: FloatArray) -> None:
        assert features.shape == (len(money), features.shape[1])
        assert (money >= 0.0).all()
        assert len(weights) == len(money)
        self.level = np.average(money, weights=weights)

    def predict(self, features: FloatArray) -> FloatArray:
        return np.asarray(self.level * (1.0 + 1e3 * features[:, 0] % 1.0))


class Fails(LastDigit):
    """Raises where it has few rows to learn from, or is told to fail to predict."""

    def __init__(self, fewest: int) -> None:
        self.fewest = fewest

    def fit(self, features: FloatArray, money: FloatArray, weights: FloatArray) -> None:
        if len(money) < self.fewest:
            raise ZeroDivisionError("too few rows for me")
        super().fit(features, money, weights)


class NotFinite(LastDigit):
    def predict(self, features: FloatArray) -> FloatArray:
        return np.full(len(features), np.nan)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return make_base(600)


@pytest.fixture(scope="module")
def summary(rows: pd.DataFrame) -> CustomerSummary:
    return summarize_customers(rows, as_of=AS_OF)


@pytest.fixture(scope="module")
def plain(rows: pd.DataFrame) -> ForecastModel:
    return fit_forecast(rows, as_of=AS_OF, horizon_days=HORIZON)


def fit(rows: pd.DataFrame, estimator: Any) -> ForecastModel:
    return fit_forecast(rows, as_of=AS_OF, horizon_days=HORIZON, estimator=estimator)


def test_a_contest_by_hand() -> None:
    """Ten customers, the best two marked: own finds both of the best, the built-in one of them."""
    money = np.array([60.0, 30.0, 10.0, *[0.0] * 7])
    own, built_in = money, np.array([9.0, 0.0, 8.0, *[0.0] * 7])
    # found 1 against 1/2, captured .9 against .7: ahead by (.5 + .2) / 2
    # customer 2 adds (.3 + .5) / 2, customer 3 takes .1 / 2: the error is their root sum of squares
    contest = Contest(np.arange(10), own, built_in, money)
    trial = judge_contests([contest], 0.2)
    assert trial.ahead is not None
    assert trial.error is not None
    npt.assert_allclose(trial.ahead, 0.35)
    npt.assert_allclose(trial.error, np.hypot(0.4, 0.05))
    assert not trial.chosen
    # the same customers again tell nothing new: neither ahead nor error moves
    again = judge_contests([contest, contest], 0.2)
    assert again.ahead is not None
    assert again.error is not None
    npt.assert_allclose((again.ahead, again.error), (trial.ahead, trial.error))
    # other customers do: the error falls by the root of two
    other = judge_contests([contest, contest._replace(who=np.arange(10, 20))], 0.2)
    assert other.ahead is not None
    assert other.error is not None
    npt.assert_allclose((other.ahead, other.error), (0.35, np.hypot(0.4, 0.05) / np.sqrt(2.0)))


def test_nonsense_is_not_chosen(rows: pd.DataFrame, plain: ForecastModel) -> None:
    """Then the forecast is the built-in one, and nothing of the user's is asked for again."""
    model = fit(rows, LastDigit())
    assert model.estimator is not None
    assert not model.estimator.chosen
    assert model.estimator.ahead is not None
    assert model.estimator.ahead < 0.0
    assert model.estimator.origins == len(model.origins)
    assert model.replace(estimator=None) == plain


@pytest.mark.parametrize("fewest", [10**9, 2000])
def test_a_failure_is_a_note(rows: pd.DataFrame, plain: ForecastModel, fewest: int) -> None:
    """Where it fails nothing else is lost; where it does not, it is judged."""
    model = fit(rows, Fails(fewest))
    notes = [note for note in model.notes if "your estimator" in note]
    assert any("ZeroDivisionError: too few rows for me" in note for note in notes)
    assert model.estimator is not None
    assert model.estimator.origins < len(plain.origins)
    assert model.replace(estimator=None, notes=()) == plain.replace(notes=())


def test_predictions_that_are_none_are_a_note(rows: pd.DataFrame, plain: ForecastModel) -> None:
    model = fit(rows, NotFinite())
    assert any("not finite" in note for note in model.notes)
    assert model.replace(estimator=None, notes=()) == plain.replace(notes=())


class Chosen(LastDigit):
    """Past money and silence, as given in the features: any order of customers will do."""

    def predict(self, features: FloatArray) -> FloatArray:
        return np.asarray(np.exp(features[:, 10]) + 0.0 * self.level)


@pytest.fixture(scope="module")
def chosen(rows: pd.DataFrame) -> tuple[ForecastModel, ValueEstimator]:
    own = Chosen()
    model = fit(rows, own)
    assert model.estimator is not None
    return model.replace(estimator=model.estimator.replace(chosen=True)), own


def test_a_chosen_estimator_ranks_and_is_asked_for_again(
    chosen: tuple[ForecastModel, ValueEstimator], summary: CustomerSummary
) -> None:
    model, own = chosen
    value = model.apply(summary, estimator=own).expected_value
    money = np.maximum(summary.total_amount, 0.0)
    by_money = value[np.argsort(money, kind="stable")]
    assert (np.diff(by_money) >= -1e-9 * by_money[1:]).all()
    again = ForecastModel.from_json(model.to_json())
    with pytest.raises(SchemaError, match="estimator of your own"):
        again.apply(summary)
    npt.assert_array_equal(again.apply(summary, estimator=own).expected_value, value)
    with pytest.raises(SchemaError, match="could not predict"):
        again.apply(summary, estimator=LastDigit())  # not fitted


def test_the_users_object_is_fitted_for_as_of_and_not_on_earlier_days(rows: pd.DataFrame) -> None:
    class Counts(LastDigit):
        times = 0

        def fit(self, features: FloatArray, money: FloatArray, weights: FloatArray) -> None:
            self.times += 1
            super().fit(features, money, weights)

    own = Counts()
    fit(rows, own)
    assert own.times == 1


def test_scikit_learn_regressors_fit_as_they_are(rows: pd.DataFrame) -> None:
    ensemble = pytest.importorskip("sklearn.ensemble")
    own = ensemble.HistGradientBoostingRegressor(max_iter=30)
    assert isinstance(own, ValueEstimator)
    model = fit(rows, own)
    assert model.estimator is not None
    assert model.estimator.origins == len(model.origins)
    assert not [note for note in model.notes if "your estimator" in note]
