"""MBG/NBD against published and independently recomputed numbers."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retainkit.lifetime import (
    HistoryColumns,
    MbgNbdModel,
    PurchaseHistories,
    compress_histories,
    fit_mbg_nbd,
)
from tests.lifetime.bases import cdnow

PUBLISHED = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
"""BTYDplus and lifetimes print .525 / 6.183 / .891 / 1.614 for the CDNOW sample."""


def one(frequency: float, recency: float, age: float) -> PurchaseHistories:
    return PurchaseHistories(frequency=[frequency], recency=[recency], age=[age], unit="week")


def test_the_sample_is_the_papers() -> None:
    """Fader, Hardie & Lee (2005): 2,357 customers; 946 repeaters, 2,457 repeat purchases; 1,016
    distinct histories, counted independently."""
    history = cdnow().history
    assert len(history) == 2357
    assert history.frequency.sum() == 2457
    assert np.count_nonzero(history.frequency) == 946
    assert len(compress_histories(history)) == 1016


def test_cdnow_exact_days() -> None:
    """clvkit: .524843 6.183086 .891359 1.614002 and -9582.1357; digits beyond: own refits
    with other optimisers and 34-digit arithmetic."""
    model = fit_mbg_nbd(cdnow().history)
    expected = {"r": 0.5248432, "alpha": 6.1830853, "a": 0.8913594, "b": 1.6140022}
    assert model.parameters == pytest.approx(expected, rel=1e-6)
    assert model.log_likelihood == pytest.approx(-9582.13572, abs=6e-6)
    errors = {"r": 0.083268, "alpha": 0.695622, "a": 0.15479, "b": 0.537496}
    assert model.standard_errors == pytest.approx(errors, rel=1e-5)
    assert model.n == 2357
    assert model.boundary == ()


def test_cdnow_rounded_csv() -> None:
    """The summary shipped by lifetimes has times rounded to two decimals."""
    path = distribution("lifetimes").locate_file("lifetimes/datasets/cdnow_customers_summary.csv")
    history = PurchaseHistories.from_frame(
        pd.read_csv(Path(str(path))), unit="week", columns=HistoryColumns(age="T")
    )
    model = fit_mbg_nbd(history)
    expected = {"r": 0.524838, "alpha": 6.182992, "a": 0.891356, "b": 1.613999}
    assert model.parameters == pytest.approx(expected, rel=1e-6)
    assert model.log_likelihood == pytest.approx(-9582.13268, abs=6e-6)


def test_cdnow_seventy_eight_weeks() -> None:
    model = fit_mbg_nbd(cdnow("1998-06-30").history)
    expected = {"r": 0.617843, "alpha": 8.65696, "a": 0.551525, "b": 1.009059}
    assert model.parameters == pytest.approx(expected, rel=1e-6)
    assert model.log_likelihood == pytest.approx(-17127.3733, abs=6e-5)


def test_the_likelihood_elsewhere() -> None:
    """At the 78-week parameters the 39-week data have log-likelihood -9594.2457."""
    from retainkit.lifetime import _kernel_beta_geometric as kernel

    later = fit_mbg_nbd(cdnow("1998-06-30").history)
    history = cdnow().history
    columns = (history.frequency, history.recency, history.age, np.ones(len(history)))
    data = kernel.prepare(*columns, first=1.0)
    theta = np.log(list(later.parameters.values()))
    assert kernel.evaluate(theta, data).value == pytest.approx(-9594.2457, abs=6e-5)


@pytest.mark.parametrize(
    ("weeks", "expected"),
    [(1, 0.053084795), (39, 1.1829537), (52, 1.4197238), (78, 1.8047576)],
)
def test_expected_purchases_of_a_new_customer(weeks: float, expected: float) -> None:
    assert PUBLISHED.expected_purchases_new(weeks) == pytest.approx(expected, rel=5e-8)


def test_expected_purchases_of_a_known_customer() -> None:
    """x = 2, t_x = 30.43, T = 38.86, the next 39 weeks; Batislam et al. misprint the coefficient
    of their appendix, and lifetimes' own test reuses the BG/NBD value 1.226."""
    found = PUBLISHED.expected_purchases(one(2, 30.43, 38.86), horizon=39)[0]
    assert found == pytest.approx(1.26296062327, rel=1e-11)


@pytest.mark.parametrize(
    ("history", "expected"),
    [((0, 0, 38.86), 0.389735080919), ((2, 30.43, 38.86), 0.706202265118)],
)
def test_p_alive(history: tuple[float, float, float], expected: float) -> None:
    assert PUBLISHED.p_alive(one(*history))[0] == pytest.approx(expected, rel=1e-11)
