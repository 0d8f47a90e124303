"""Profit of campaigns and of rankings: published figures, hand calculation, integration."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.integrate import quad
from scipy.stats import beta

from retainkit.errors import NotComputableError
from retainkit.policy import (
    CampaignTerms,
    expected_maximum_campaign_profit,
    maximum_campaign_profit,
    neslin_profit,
    targeting_curve,
)
from retainkit.policy import _kernel_campaign as kernel
from retainkit.typing import BoolArray, FloatArray


def _reference() -> tuple[BoolArray, FloatArray]:
    rng = np.random.default_rng(1)
    y = rng.random(5000) < 0.2
    return y, 1 / (1 + np.exp(-rng.normal(y * 1.0, 1)))


def test_reference_case() -> None:
    """MPC 5.2550 and EMPC 5.530057, identical to the empulse package on the same case."""
    y, score = _reference()
    assert maximum_campaign_profit(y, score).profit == pytest.approx(5.2550, abs=5e-5)
    assert expected_maximum_campaign_profit(y, score).profit == pytest.approx(5.530057, abs=5e-7)


def test_expected_profit_is_the_integral_over_acceptance() -> None:
    y, score = _reference()
    hull, base = kernel.roc_hull(y, score), float(y.mean())
    edges = np.linspace(0.0, 1.0, 41)
    total = sum(
        quad(lambda g: kernel.profit(hull, base, g, 0.05, 0.005).max() * beta.pdf(g, 6, 14), a, b)[
            0
        ]
        for a, b in pairwise(edges.tolist())
    )
    assert expected_maximum_campaign_profit(y, score).profit == pytest.approx(200 * total, rel=1e-6)


def test_hull_is_above_the_curve_and_ties_stand_together() -> None:
    hull = kernel.roc_hull(np.array([True, False, True, False]), np.array([1.0, 1.0, 0.5, 0.5]))
    np.testing.assert_allclose(hull.churners, [0.0, 1.0])
    np.testing.assert_allclose(hull.others, [0.0, 1.0])
    y, score = _reference()
    hull = kernel.roc_hull(y, score)
    for cut in np.quantile(score, [0.1, 0.5, 0.9]):
        x, height = (score[~y] >= cut).mean(), (score[y] >= cut).mean()
        assert np.interp(x, hull.others, hull.churners) >= height - 1e-12


def test_useless_ranking_and_dear_contact_earn_nothing() -> None:
    y, score = _reference()
    dear = CampaignTerms(contact=150.0)
    assert maximum_campaign_profit(y, score, terms=dear).profit == 0.0
    assert maximum_campaign_profit(y, score, terms=dear).targeted == 0.0
    assert expected_maximum_campaign_profit(y, -score).profit < 5.5


def test_neslin_agrees_with_the_papers_form() -> None:
    b, g, value, d, c = 0.17, 0.35, 180.0, 12.0, 0.8
    paper = b * (g * value + d * (1 - g)) - d - c
    ours = neslin_profit(lifetime_value=value, churn_rate=b, save_rate=g, incentive=d, contact=c)
    assert ours == pytest.approx(paper)


def test_what_cannot_be_judged_is_refused() -> None:
    for function in (maximum_campaign_profit, expected_maximum_campaign_profit):
        with pytest.raises(NotComputableError, match="no ranking"):
            function([True, True], [0.1, 0.2])
    with pytest.raises(NotComputableError, match="no curve"):
        targeting_curve([1.0, 2.0], [True, True], outcome=[1.0, 2.0])
    with pytest.raises(ValidationError, match="less than"):
        CampaignTerms(offer=300.0)


def test_targeting_curve_ends_in_the_average_effect() -> None:
    rng = np.random.default_rng(0)
    treated, y, score = rng.integers(0, 2, 900), rng.normal(size=900), rng.integers(0, 50, 900)
    curve = targeting_curve(score, treated, outcome=y, cost=0.1)
    effect = y[treated == 1].mean() - y[treated == 0].mean()
    assert curve.incremental[-1] == pytest.approx(900 * effect)
    assert curve.profit_at(1.0) == pytest.approx(900 * (effect - 0.1))
    order = rng.permutation(900)
    mixed = targeting_curve(score[order], treated[order], outcome=y[order], cost=0.1)
    np.testing.assert_allclose(mixed.incremental, curve.incremental)
    assert curve.qini == pytest.approx(mixed.qini)


def test_qini_of_the_true_effect_is_positive_and_reversed_negative() -> None:
    rng = np.random.default_rng(1)
    x, treated = rng.normal(size=20_000), rng.integers(0, 2, 20_000)
    y = treated * x + rng.normal(size=20_000)
    # area between integral of the ordered effect and the diagonal: E[x; x > q] over q
    truth = 0.2821  # 1 / (2 sqrt(pi)): half the Gini mean difference of N(0, 1)
    assert targeting_curve(x, treated, outcome=y).qini == pytest.approx(truth, abs=0.02)
    assert targeting_curve(-x, treated, outcome=y).qini == pytest.approx(-truth, abs=0.02)
