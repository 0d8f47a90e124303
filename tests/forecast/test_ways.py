"""Ways to expect a customer's money: their weights, and money by age, by hand and by simulation."""

from __future__ import annotations

import numpy as np
import numpy.testing as npt
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.datasets import load_cdnow_sample
from retainkit.forecast import fit_forecast
from retainkit.forecast._kernel_log import make_log
from retainkit.forecast._kernel_mix import Past, learn_mix
from retainkit.forecast._learn import Base, _log_money_of
from retainkit.forecast._totals import money_by_age
from retainkit.forecast._ways import PRIOR, EarlierWays, Mix, mix_ways
from retainkit.lifetime import MbgCnbdModel, MbgNbdModel
from retainkit.typing import FloatArray
from tests.robustness.firms import make_firm


def draw(n: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Draw two unlike forecasts, each with mean 1."""
    ways = np.random.default_rng(seed).gamma(0.5, 2.0, (2, n))
    return ways / ways.mean(axis=1, keepdims=True), ways


def test_before_anything_was_judged_the_weights_are_the_prior() -> None:
    npt.assert_allclose(learn_mix((), np.array([3.0, 1.0]), 20.0), [0.75, 0.25])


def test_weights_are_those_the_money_was_drawn_with() -> None:
    """20,000 buyers whose money follows .7 of one forecast and .3 of another."""
    ways, _ = draw(20_000, 1)
    money = np.random.default_rng(2).poisson(np.array([0.7, 0.3]) @ ways).astype(np.float64)
    found = learn_mix([Past(ways, money, float((money > 0).sum()))], np.ones(2), 20.0)
    npt.assert_allclose(found, [0.7, 0.3], atol=0.03)


@settings(deadline=None, derandomize=True, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.01, 100.0))
def test_weights_do_not_depend_on_the_currency(seed: int, unit: float) -> None:
    """They are shares: not negative, they add up to 1, whatever money is counted in."""
    ways, _ = draw(50, seed)
    money = np.random.default_rng(seed).gamma(1.0, 1.0, 50)
    one = learn_mix([Past(ways, money, 50.0)], np.ones(2), 20.0)
    npt.assert_allclose(learn_mix([Past(ways, unit * money, 50.0)], np.ones(2), 20.0), one)
    assert (one >= 0.0).all()
    npt.assert_allclose(one.sum(), 1.0)


def test_the_likelihood_of_where_the_money_went_does_not_fall() -> None:
    """No weights on a grid make it likelier than those that were learnt, prior included."""
    ways, _ = draw(300, 3)
    money = np.random.default_rng(4).gamma(0.3, 1.0, 300)
    past = Past(ways, money, 300.0)
    learnt = learn_mix([past], np.ones(2), 20.0)

    def value(weights: FloatArray) -> float:
        told = past.mass / money.sum() * money @ np.log(weights @ ways)
        return float(told + 10.0 * np.log(weights).sum())

    for first in np.linspace(0.02, 0.98, 49):
        assert value(np.array([first, 1.0 - first])) <= value(learnt) + 1e-3


def test_a_blend_by_hand() -> None:
    """Roots of 4 and 1, and of 0 and 1, weighed .6 and .4, and squared."""
    mix = Mix(shares=(("log_ridge", 0.6), ("past", 0.4)), means=(2.0, 5.0))
    ways = {"log_ridge": np.array([8.0, 0.0]), "past": np.array([5.0, 5.0])}
    npt.assert_allclose(mix.blend(ways), [(0.6 * 2.0 + 0.4) ** 2, 0.4**2])


@settings(deadline=None, derandomize=True, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.01, 0.99))
def test_a_blend_lies_between_the_geometric_and_the_arithmetic_mean(seed: int, w: float) -> None:
    """The inequality of power means: neither the highest way alone decides nor the lowest."""
    ways = np.random.default_rng(seed).gamma(0.3, 3.0, (2, 40)) + 1e-9
    mix = Mix(shares=(("log_ridge", w), ("past", 1.0 - w)), means=(1.0, 1.0))
    blend = mix.blend({"log_ridge": ways[0], "past": ways[1]})
    share = np.array([w, 1.0 - w])
    assert (blend <= share @ ways * (1.0 + 1e-12)).all()
    assert (blend >= np.exp(share @ np.log(ways)) * (1.0 - 1e-9)).all()


def test_a_mean_log_is_turned_back_into_the_money_it_is_of() -> None:
    """log(1 + money) of one customer gives its money; of nobody who buys, next to nothing."""
    money = np.array([0.05, 1.0, 20.0, 3_000.0])
    npt.assert_allclose(np.exp(_log_money_of(np.log1p(money))), money)
    assert np.exp(_log_money_of(np.array([-1.0, 0.0]))).max() < 0.02


def test_days_on_which_a_way_did_not_speak_are_left_out() -> None:
    ways = {"log_ridge": np.array([1.0, 3.0]), "past": np.array([2.0, 2.0])}
    silent = EarlierWays.of({"log_ridge": np.array([1.0, 3.0])}, np.array([0.0, 9.0]), 1.0)
    mix = mix_ways(ways, [silent])
    prior = np.array([PRIOR["log_ridge"], PRIOR["past"]])
    npt.assert_allclose([share for _, share in mix.shares], prior / prior.sum())
    assert mix.means == (2.0, 2.0)


def test_money_by_age_by_hand() -> None:
    """Ann joined on day 0, bob on day 40; a span of 40 days in quarters, up to day 80."""
    code, day = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 45, 65, 40, 45, 75])
    log = make_log(code, day, np.array([5.0, 8.0, 4.0, 7.0, 6.0, 2.0]))
    moment = Base(log, None).moment(80, 40)
    assert moment is None  # too few customers for a forecast
    who = np.array([0, 1])
    known = Base(log, None).known(80)[1]
    many = _Moment(who, known)
    # bob is 0 to 40 in the span and brings 6 in the first quarter, 2 in the last; ann is 40 to 80
    # and brings 8 in the first, 4 in the third of hers. Ahead bob is 40 to 80, ann beyond: there
    # the age before it stands in, in which nobody brought anything.
    assert money_by_age(log, many, 40) == 8.0 + 4.0  # type: ignore[arg-type]


class _Moment:
    window = 40

    def __init__(self, who: np.ndarray, known: object) -> None:
        self.who, self.known = who, known


def test_entrants_of_the_span_before_are_not_expected_again() -> None:
    """One-time buyers: the money of a span is first purchases, and those do not come again."""
    g = np.random.default_rng(6)
    day = np.sort(g.integers(0, 400, 2_000))
    again = g.random(2_000) < 0.05
    code = np.r_[np.arange(2_000), np.flatnonzero(again)]
    days = np.r_[day, day[again] + g.integers(1, 100, int(again.sum()))]
    kept = days <= 400
    log = make_log(code[kept], days[kept], np.ones(int(kept.sum())))
    moment = Base(log, None).moment(400, 100)
    assert moment is not None
    # 5 % of who joined less than 100 days ago have half of their second purchase ahead
    assert money_by_age(log, moment, 100) < 0.1 * (days[kept] > 300).sum()


def test_a_firm_with_a_rhythm_is_forecast_by_a_model_of_rhythm() -> None:
    """Erlang gaps of six stages: the rhythm is found, and customers told apart better for it."""
    firm = make_firm("regular", 0, 1_000)
    day, horizon = str(firm.as_of.date()), firm.horizon_days
    assert firm.transactions is not None
    model = fit_forecast(firm.transactions, as_of=day, horizon_days=horizon)
    assert isinstance(model.lifetime, MbgCnbdModel)
    assert model.lifetime.regularity == 4
    chance = make_firm("steady", 0, 1_000)
    assert chance.transactions is not None
    plain = fit_forecast(chance.transactions, as_of=str(chance.as_of.date()), horizon_days=horizon)
    assert plain.lifetime is not None
    assert plain.lifetime.kind == "mbg_nbd"


def test_a_lifetime_model_fitted_elsewhere_gives_way_to_the_rhythm() -> None:
    """What the caller fitted without gaps cannot know of it."""
    firm = make_firm("regular", 1, 800)
    rows, day = firm.transactions, str(firm.as_of.date())
    assert isinstance(rows, pd.DataFrame)
    elsewhere = MbgNbdModel(r=1.0, alpha=8.0, a=1.0, b=5.0, unit="week")
    model = fit_forecast(rows, as_of=day, horizon_days=90, lifetime=elsewhere)
    assert model.lifetime is not None
    assert model.lifetime.kind == "mbg_cnbd"


def test_a_season_that_was_not_seen_is_named() -> None:
    """With less than a year on record, and with a year no more."""
    rows = load_cdnow_sample()
    short = fit_forecast(rows, as_of="1997-10-31", horizon_days=60)
    assert any("less than a year is on record (304 days)" in note for note in short.notes)
    long = fit_forecast(rows, as_of="1998-01-31", horizon_days=60)
    assert not any("less than a year" in note for note in long.notes)
