"""Potential that separates within tier and equal value, or is not known: by hand and simulated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from retainkit._pipeline._rises import learn_rises_of
from retainkit._pipeline._states import learn_states
from retainkit.forecast._from_tables import learn_forecast
from retainkit.pipeline import PipelineConfig, RetentionPipeline
from retainkit.policy import RiseCheck, assess_potential
from retainkit.policy._kernel_rise import pooled_risk_ratio, quantile_cells
from retainkit.tables import validate_transactions
from tests.policy.helpers import scheme
from tests.policy.rises import AS_OF, exchangeable, project_buyers

pytestmark = pytest.mark.filterwarnings("ignore::retainkit.errors.RetainkitWarning")

_CONFIG = PipelineConfig(trend_months=0, flows="none")
_SEPARATES = RiseCheck(finding="separates", ratio=2.0, lower=1.5, upper=2.7, said=50, others=400)
_DOES_NOT = RiseCheck(finding="does_not_separate", ratio=1.1, lower=0.9, upper=1.3, said=50)


def _table(strata: list[tuple[int, int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows for strata of (said and hit, said, other and hit, other)."""
    cell, said, hit = [], [], []
    for place, (a, n1, c, n0) in enumerate(strata):
        for yes, hits, n in ((True, a, n1), (False, c, n0)):
            cell += [place] * n
            said += [yes] * n
            hit += [True] * hits + [False] * (n - hits)
    return np.array(cell), np.array(said), np.array(hit)


def test_the_pooled_ratio_by_hand() -> None:
    """Two strata, (4/10 against 2/10) and (6/20 against 3/30).

    Numerator 4 * 10 / 20 + 6 * 30 / 50 = 5.6; denominator 2 * 10 / 20 + 3 * 20 / 50 = 2.2.
    """
    cell, said, hit = _table([(4, 10, 2, 10), (6, 20, 3, 30)])
    found = pooled_risk_ratio(cell, said, hit, 1.959964)
    assert found.ratio == pytest.approx(5.6 / 2.2)
    # Greenland & Robins: sum of (m1 n1 n0 - a c n) / n^2 = (6*100-8*20)/400 + (9*600-18*50)/2500
    variance = (1.1 + 1.8) / (5.6 * 2.2)
    assert np.log(found.upper / found.ratio) == pytest.approx(1.959964 * np.sqrt(variance))
    assert found.lower * found.upper == pytest.approx(found.ratio**2)


def test_the_pooled_ratio_is_that_of_an_independent_program() -> None:
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    cell, said, hit = _table([(4, 10, 2, 10), (6, 20, 3, 30), (9, 40, 11, 80)])
    strata = [
        np.array([[a, n1 - a], [c, n0 - c]], dtype=float)
        for a, n1, c, n0 in ((4, 10, 2, 10), (6, 20, 3, 30), (9, 40, 11, 80))
    ]
    expected = tables.StratifiedTable(strata).riskratio_pooled
    assert pooled_risk_ratio(cell, said, hit, 1.96).ratio == pytest.approx(expected)


def test_a_cell_where_all_are_called_tells_nothing() -> None:
    cell, said, hit = _table([(4, 10, 2, 10), (9, 9, 0, 0)])
    alone = pooled_risk_ratio(*_table([(4, 10, 2, 10)]), 1.96)
    assert pooled_risk_ratio(cell, said, hit, 1.96) == alone
    assert np.isnan(pooled_risk_ratio(*_table([(0, 10, 2, 10)]), 1.96).ratio)


def test_cells_are_equal_parts_of_a_group_and_ties_stay_together() -> None:
    value = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 5.0, 5.0])
    group = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    assert quantile_cells(value, group, 2).tolist() == [0, 0, 1, 1, 2, 2, 2, 2]


def test_without_separation_nothing_predicted_is_believed() -> None:
    """Highest tier, reaches the cut, close to it, far from it, room in the wallet."""
    value = [2000.0, 1500.0, 950.0, 300.0, 400.0]
    table = assess_potential(
        value,
        scheme(),
        tier=np.array([0, 1, 1, 1, 1]),
        share_of_wallet=[np.nan, np.nan, np.nan, np.nan, 0.3],
        check=_DOES_NOT,
    ).to_frame()
    unknown = ["unknown"] * 3
    assert table["potential"].astype(str).tolist() == ["no", *unknown, "yes"]
    assert table["reason"].astype(str).tolist()[1:4] == ["not_separated"] * 3


def test_with_separation_the_learnt_chance_alone_decides() -> None:
    """Odds 2 times those of its like: .3 against .2 is 1.7, .35 is 2.2; unknown stays unknown."""
    table = assess_potential(
        [950.0, 950.0, 950.0],
        scheme(),
        probability=[0.30, 0.35, np.nan],
        usual=[0.20, 0.20, np.nan],
        share_rose=0.2,
        check=_SEPARATES,
    )
    assert table.to_frame()["potential"].astype(str).tolist() == ["no", "yes", "unknown"]


def test_hardly_a_chance_is_no_potential_however_it_compares() -> None:
    """Odds 4 times its like, yet below half of the usual share."""
    table = assess_potential(
        [950.0], scheme(), probability=[0.04], usual=[0.01], share_rose=0.2, check=_SEPARATES
    )
    assert not table.has_potential.any()


def test_the_finding_is_a_sentence_with_its_numbers() -> None:
    assert "1.10 times" in _DOES_NOT.words()
    assert "0.90 - 1.30" in _DOES_NOT.words("zh")
    assert "潜力未知" in RiseCheck(finding="no_past").words("zh")


def test_a_firm_whose_rises_show_is_known() -> None:
    result = RetentionPipeline(_CONFIG).run(project_buyers(0), as_of=AS_OF)
    check = result.scores.potential.check
    assert check is not None
    assert check.known
    assert check.ratio is not None
    assert check.ratio >= 2.0
    assert result.scores.potential.has_potential.any()
    assert not any(gap.id == "potential" for gap in result.gaps)


def test_customers_all_alike_have_no_potential_known() -> None:
    result = RetentionPipeline(_CONFIG).run(exchangeable(0), as_of=AS_OF)
    assert set(result.scores.potential.to_frame()["potential"].astype(str)) <= {"unknown", "no"}
    assert any(gap.id == "potential" for gap in result.gaps)


@pytest.mark.slow
def test_on_many_simulated_firms() -> None:
    """Not known on at least 95 % of 200 firms of customers alike; 2 or more where rises show."""
    alike = [_check_of(exchangeable(seed, customers=600)) for seed in range(200)]
    assert sum(check.known for check in alike) <= 10
    shows = [_check_of(project_buyers(seed)) for seed in range(10)]
    assert all(check.known and (check.ratio or 0.0) >= 2.0 for check in shows)


def _check_of(rows: pd.DataFrame) -> RiseCheck:
    """Learn and judge as a run does, and nothing else of a run."""
    learnt = learn_forecast(validate_transactions(rows), as_of=AS_OF)
    states = learn_states(learnt.model, learnt.activity, _CONFIG)
    assert states is not None
    return learn_rises_of(learnt.values, "expected_value", states, _CONFIG)[1]
