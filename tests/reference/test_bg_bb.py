"""BG/BB against the tables of Fader, Hardie & Shang (2010), recomputed where a digit allows."""

from __future__ import annotations

import numpy as np
import pytest

from retainkit.lifetime import BgBbModel, fit_bg_bb
from retainkit.lifetime.models import _kernel_bg_bb as kernel

TABLE = """
6,6,1203,-2.18224844762,.930434,3.75255,5.90989802
5,6,728,-4.29512476538,.930434,3.23161,5.08948017
4,6,512,-5.3849365381,.930434,2.71068,4.26906232
3,6,357,-5.80937207944,.930434,2.18975,3.44864447
2,6,234,-5.65201626866,.930434,1.66882,2.62822663
1,6,129,-4.8841455419,.930434,1.14789,1.80780878
5,5,335,-3.71699930729,.521976,1.81294,2.85521168
4,5,284,-5.09567563886,.6968,2.03003,3.19709452
3,5,225,-5.61589474636,.766826,1.8047,2.84223501
2,5,173,-5.50658459262,.804555,1.44304,2.27265368
1,5,119,-4.76762268292,.828144,1.02169,1.60906246
4,4,240,-3.84830351943,.200179,.583193,.918472306
3,4,181,-5.05930794741,.439594,1.03457,1.62935234
2,4,155,-5.19569760104,.589658,1.0576,1.66562513
1,4,78,-4.57099041381,.680384,.839397,1.32196901
3,3,322,-3.52734516868,.0950064,.223595,.35214041
2,3,255,-4.5160666296,.298904,.536111,.844323913
1,3,129,-4.22477087248,.481356,.593854,.93526271
2,2,613,-3.01178792216,.0664148,.119121,.187604189
1,2,277,-3.58805093288,.25471,.314239,.494895475
1,1,1091,-2.28853168567,.0694619,.0856958,.134962694
0,0,3464,-1.16726247267,.108133,.0728634,.114752914
"""
"""The 11,104 donors of 1996-2001: x, t_x, donors; log-likelihood at the printed parameters; then,
at the optimum, P(alive in 2002), purchases 2002-2006 and DERT at 10 %."""
ROWS = np.array(
    [
        [float(v) for v in row.split(",")]
        for row in TABLE.replace("\n", "|").split("|")
        if row.strip()
    ]
)
X, LAST, DONORS = ROWS[:, :3].T
SIX = np.full(len(X), 6.0)
PAPER = (1.204, 0.750, 0.657, 2.783)
WORKBOOK = BgBbModel(alpha=1.203528, beta=0.7497260, gamma=0.6567808, delta=2.783796)
"""The parameters of the authors' workbook, as the R package BTYD carries them."""


def optimum() -> BgBbModel:
    return fit_bg_bb(X, LAST, opportunities=SIX, weights=DONORS)


def test_the_optimum() -> None:
    """Published 1.204 .750 .657 2.783 and -33225.6; more digits and errors: own refits."""
    model = optimum()
    expected = {
        "alpha": 1.20352235, "beta": 0.74971636, "gamma": 0.65671821, "delta": 2.78344223
    }  # fmt: skip
    assert model.parameters == pytest.approx(expected, rel=1e-6)
    assert model.log_likelihood == pytest.approx(-33225.581274, rel=1e-10)
    errors = {"alpha": 0.0694, "beta": 0.0294, "gamma": 0.0510, "delta": 0.3208}
    assert model.standard_errors == pytest.approx(errors, abs=6e-5)
    assert model.n == 11_104


@pytest.mark.parametrize("row", ROWS.tolist(), ids=lambda row: f"{row[0]:g},{row[1]:g}")
def test_the_log_likelihood_of_each_history(row: list[float]) -> None:
    x, t = (np.array([int(v)]) for v in row[:2])
    data = kernel.BgBbData(x, t, np.array([6]), np.ones(1))
    assert kernel.evaluate(np.log(PAPER), data).value == pytest.approx(row[3], rel=1e-10)


def test_the_predictions_of_each_history() -> None:
    model = optimum()
    alive = model.p_alive(X, LAST, opportunities=SIX)
    np.testing.assert_allclose(alive, ROWS[:, 4], rtol=1e-5)
    five_years = model.expected_purchases(X, LAST, opportunities=SIX, horizon=5)
    np.testing.assert_allclose(five_years, ROWS[:, 5], rtol=2e-5)
    endless = model.discounted_purchases(X, LAST, opportunities=SIX, discount_rate=0.1)
    np.testing.assert_allclose(endless, ROWS[:, 6], rtol=2e-5)
    total = float(np.sum(DONORS * five_years))
    assert total == pytest.approx(12884.16, abs=0.03)


def test_the_donors_of_the_vignette() -> None:
    """BTYD's vignette: .1302169 and 3.627858."""
    found = WORKBOOK.expected_purchases([0, 4], [0, 5], opportunities=[6, 6], horizon=10)
    np.testing.assert_allclose(found, [0.130216867839, 3.6278581139], rtol=1e-10)


def test_expected_purchases_of_a_new_donor() -> None:
    expected = [
        *(0.4985, 0.9233, 1.2969, 1.6323, 1.9381, 2.2202),
        *(2.4826, 2.7285, 2.9603, 3.1798, 3.3887),
    ]
    found = [WORKBOOK.expected_purchases_new(n) for n in range(1, 12)]
    np.testing.assert_allclose(found, expected, atol=8e-5)
    assert found[9] == pytest.approx(3.179805, abs=6e-5)


def test_the_expected_frequencies() -> None:
    """Figure 4: 3454.9 donors with no repeat gift in six years, 1253.1 with six."""
    law = optimum().purchase_probabilities([0], [0], opportunities=[0], horizon=6)[0]
    assert law.sum() == pytest.approx(1.0, rel=1e-12)
    assert 11_104 * law[0] == pytest.approx(3454.9, abs=0.06)
    assert 11_104 * law[6] == pytest.approx(1253.1, abs=0.06)


def test_the_mean_of_the_hold_out_by_frequency() -> None:
    model = optimum()
    five_years = model.expected_purchases(X, LAST, opportunities=SIX, horizon=5)
    means = [np.average(five_years[x == X], weights=DONORS[x == X]) for x in range(7)]
    expected = [0.0729, 0.3249, 0.7089, 1.3337, 2.0312, 2.7845, 3.7525]
    np.testing.assert_allclose(means, expected, atol=6e-5)


def test_the_yearly_totals() -> None:
    """Figure 7, made at another optimiser's parameters: 3e-5 apart."""
    model = optimum()
    path = np.array([model.expected_purchases_new(n) for n in range(12)])
    expected = [
        *(5535.833, 4717.059, 4147.621, 3724.665, 3395.888, 3131.647),
        *(2913.778, 2730.482, 2573.731, 2437.854, 2318.727),
    ]
    np.testing.assert_allclose(11_104 * np.diff(path), expected, rtol=3e-5)


def test_the_log_likelihoods_of_the_authors_workbook() -> None:
    """brucehardie.com/notes/010, sheet "Parameter estimate", in the order of the table above, as
    pymc-marketing carries them in test_distributions.py; at the workbook's own optimum."""
    printed = [
        *(-2.18167018824, -4.29485034929, -5.38473334360, -5.80915881601, -5.65172964525),
        *(-4.88370164695, -3.71682127437, -5.09558227343, -5.61576884108, -5.50636893346),
        *(-4.76723821904, -3.84829625138, -5.05936147828, -5.19562191019, -4.57070931973),
        *(-3.52745257839, -4.51620272962, -4.22465969453, -3.01199924784, -3.58817880928),
        *(-2.28882847451, -1.16751622367),
    ]
    theta = np.log([1.20352083040498, 0.749714243061896, 0.656712169147878, 2.78340801635898])
    six, one = np.array([6]), np.ones(1)
    found = [
        kernel.evaluate(theta, kernel.BgBbData(np.array([x]), np.array([t]), six, one)).value
        for x, t in zip(X.astype(int), LAST.astype(int), strict=True)
    ]
    np.testing.assert_allclose(found, printed, rtol=1e-9)
