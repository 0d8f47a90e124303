"""Our fits and predictions beside those of the lifetimes package, and the way there and back."""

from __future__ import annotations

import subprocess
import sys
import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest

from retainkit.datasets import load_donations
from retainkit.errors import NotComputableError, SchemaError, UnitError
from retainkit.lifetime import (
    BgBbModel,
    BgNbdModel,
    GammaGammaModel,
    MbgNbdModel,
    ParetoNbdModel,
    fit_bg_bb,
    fit_bg_nbd,
    fit_gamma_gamma,
    fit_mbg_nbd,
    fit_pareto_nbd,
    from_lifetimes,
    to_lifetimes,
)
from tests.lifetime.bases import cdnow, simulate_histories

SIMULATED = simulate_histories(3000, seed=21)


@cache
def fitted(name: str, base: str = "cdnow", penalizer: float = 0.0) -> Any:
    """Fit a lifetimes fitter; its warnings are its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lifetimes

        fitter = getattr(lifetimes, name)(penalizer_coef=penalizer)
        if name == "GammaGammaFitter":
            repeat = cdnow().history.frequency > 0
            return fitter.fit(cdnow().history.frequency[repeat], cdnow().monetary_value[repeat])
        history = cdnow().history if base == "cdnow" else SIMULATED
        return fitter.fit(history.frequency, history.recency, history.age)


@pytest.mark.parametrize("base", ["cdnow", "simulated"])
def test_our_mbg_nbd_fit_is_not_below_theirs(base: str) -> None:
    ours = fit_mbg_nbd(cdnow().history if base == "cdnow" else SIMULATED)
    theirs = from_lifetimes(fitted("ModifiedBetaGeoFitter", base), unit="week")
    assert ours.log_likelihood is not None
    assert theirs.log_likelihood is not None
    assert ours.log_likelihood >= theirs.log_likelihood - 1e-9
    assert ours.parameters == pytest.approx(theirs.parameters, rel=2e-3)
    assert theirs.fingerprint == ours.fingerprint
    assert theirs.n == ours.n


def test_our_gamma_gamma_fit_is_not_below_theirs() -> None:
    base = cdnow()
    ours = fit_gamma_gamma(base.history.frequency, base.monetary_value)
    theirs = from_lifetimes(fitted("GammaGammaFitter"))
    assert ours.log_likelihood is not None
    assert theirs.log_likelihood is not None
    assert ours.log_likelihood >= theirs.log_likelihood - 1e-9
    assert ours.parameters == pytest.approx(theirs.parameters, rel=2e-3)
    assert theirs.fingerprint == ours.fingerprint


def test_standard_errors_agree_on_the_diagonal() -> None:
    fitter = fitted("ModifiedBetaGeoFitter")
    theirs = from_lifetimes(fitter, unit="week").standard_errors
    assert theirs == pytest.approx(fitter.standard_errors_.to_dict(), rel=1e-4)


def test_predictions_agree_where_theirs_are_safe() -> None:
    """Same parameters, same customers: 1e-9 on CDNOW, where neither side loses digits."""
    fitter, history = fitted("ModifiedBetaGeoFitter"), cdnow().history
    model = from_lifetimes(fitter, unit="week")
    assert isinstance(model, MbgNbdModel)
    columns = (history.frequency, history.recency, history.age)
    np.testing.assert_allclose(
        model.p_alive(history), fitter.conditional_probability_alive(*columns), rtol=1e-9
    )
    np.testing.assert_allclose(
        model.expected_purchases(history, horizon=39),
        fitter.conditional_expected_number_of_purchases_up_to_time(39, *columns),
        rtol=1e-9,
    )
    assert model.expected_purchases_new(52) == pytest.approx(
        fitter.expected_number_of_purchases_up_to_time(52), rel=1e-9
    )


def test_expected_spend_agrees() -> None:
    fitter, base = fitted("GammaGammaFitter"), cdnow()
    model = from_lifetimes(fitter)
    assert isinstance(model, GammaGammaModel)
    x, m = base.history.frequency, base.monetary_value
    theirs = fitter.conditional_expected_average_profit(x, np.nan_to_num(m))
    np.testing.assert_allclose(model.expected_spend(x, m), theirs, rtol=1e-12)


@pytest.mark.parametrize("kind", ["purchases", "spend"])
def test_there_and_back_keeps_the_parameters(kind: str) -> None:
    base = cdnow()
    if kind == "purchases":
        model = fit_mbg_nbd(base.history)
        fitter = to_lifetimes(model)
        back = from_lifetimes(fitter, unit="week")
        assert fitter.predict(39, 2, 30.43, 38.86) == pytest.approx(1.2253, abs=0.05)
    else:
        spend = fit_gamma_gamma(base.history.frequency, base.monetary_value)
        fitter, back = to_lifetimes(spend), from_lifetimes(to_lifetimes(spend))
        assert back.parameters == spend.parameters
    assert back.parameters == dict(zip(back.parameters, fitter.params_.to_list(), strict=True))
    assert back.log_likelihood is None
    assert fitter.standard_errors_.notna().all()


@pytest.mark.parametrize(
    ("fitter_name", "fit"),
    [("BetaGeoFitter", fit_bg_nbd), ("ParetoNBDFitter", fit_pareto_nbd)],
)
def test_the_other_purchase_models(fitter_name: str, fit: Any) -> None:
    """Likelihood not below theirs, the same predictions at the same parameters, and back."""
    history = cdnow().history
    fitter = fitted(fitter_name)
    theirs, ours = from_lifetimes(fitter, unit="week"), fit(history)
    assert isinstance(theirs, BgNbdModel | ParetoNbdModel)
    assert ours.log_likelihood is not None
    assert theirs.log_likelihood is not None
    assert ours.log_likelihood >= theirs.log_likelihood - 1e-9
    assert theirs.fingerprint == ours.fingerprint
    columns = (history.frequency, history.recency, history.age)
    np.testing.assert_allclose(
        theirs.p_alive(history), fitter.conditional_probability_alive(*columns), rtol=1e-8
    )
    np.testing.assert_allclose(
        theirs.expected_purchases(history, horizon=39),
        fitter.conditional_expected_number_of_purchases_up_to_time(39, *columns),
        rtol=1e-8,
    )
    back = from_lifetimes(to_lifetimes(theirs), unit="week")
    assert type(back) is type(theirs)
    assert back.parameters == theirs.parameters


def test_bg_bb_on_the_donations() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifetimes import BetaGeoBetaBinomFitter

        data = load_donations()
        fitter = BetaGeoBetaBinomFitter().fit(
            data["frequency"], data["recency"], data["periods"], weights=data["weight"]
        )
    theirs = from_lifetimes(fitter)
    assert isinstance(theirs, BgBbModel)
    ours = fit_bg_bb(
        data["frequency"],
        data["recency"],
        opportunities=data["periods"],
        weights=data["weight"],
    )
    assert ours.log_likelihood is not None
    assert theirs.log_likelihood is not None
    assert ours.log_likelihood >= theirs.log_likelihood - 1e-9
    assert theirs.fingerprint == ours.fingerprint
    found = theirs.expected_purchases([4], [5], opportunities=[6], horizon=10)[0]
    frame = data.query("frequency == 4 and recency == 5")
    expected = fitter.conditional_expected_number_of_purchases_up_to_time(
        10, frame["frequency"], frame["recency"], frame["periods"]
    )
    assert found == pytest.approx(float(np.ravel(expected)[0]), rel=1e-8)
    assert from_lifetimes(to_lifetimes(ours)).parameters == ours.parameters


def test_a_penalised_fit_keeps_its_parameters_but_claims_no_evidence() -> None:
    model = from_lifetimes(fitted("ModifiedBetaGeoFitter", penalizer=0.1), unit="week")
    assert model.log_likelihood is None
    assert np.isnan(model.covariance).all()


def test_what_cannot_be_taken_over_is_refused() -> None:
    with pytest.raises(SchemaError, match="object cannot be taken over"):
        from_lifetimes(object())
    with pytest.raises(UnitError, match="does not know its unit"):
        from_lifetimes(fitted("ModifiedBetaGeoFitter"))
    fresh = type(fitted("ModifiedBetaGeoFitter"))()
    with pytest.raises(NotComputableError, match="was not fitted"):
        from_lifetimes(fresh, unit="week")


CODE = """
import warnings
import pandas as pd
from retainkit.lifetime import GammaGammaModel, from_lifetimes, to_lifetimes

def state():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(warnings.filters[1:]), pd.get_option("mode.chained_assignment")

before = state()
from_lifetimes(to_lifetimes(GammaGammaModel(p=6.25, q=3.74, gamma=15.44)))
assert state() == before, (before, state())
"""


def test_the_bridge_leaves_the_process_as_it_was() -> None:
    """Importing lifetimes silences FutureWarning and sets a pandas option; both are restored."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CODE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
