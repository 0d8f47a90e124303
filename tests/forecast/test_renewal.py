"""Renewal forecasts: hand calculations, simulated firms, late entry, order of rows, errors."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from retainkit.errors import AlignmentError, InvalidTableError, NotComputableError
from retainkit.forecast._kernel_renewal import (
    Floats,
    Ints,
    anniversaries,
    months_completed,
    months_of,
)
from retainkit.forecast._kernel_renewal_hazard import calibration_error
from retainkit.forecast._renewal import fit_renewal_model
from retainkit.forecast._renewal_model import RenewalModel, RenewalTerm
from retainkit.forecast._renewal_predict import RENEWAL_REASONS, predict_renewal

AS_OF = int(np.datetime64("2024-06-30").astype(int))


class Firm(NamedTuple):
    """Contracts with their true ends, those after AS_OF too."""

    start: Ints
    end: Ints
    term: Ints
    x: Floats

    def take(self, rows: Any) -> Firm:
        return Firm(*(column[rows] for column in self))

    def known(self) -> Floats:
        return np.where(self.end > AS_OF, np.nan, self.end)


def firm(seed: int, n: int = 4000, effect: float = 0.0) -> Firm:
    """Each contract has its own chance of leaving at a renewal: beta, by term; whole months."""
    rng = np.random.default_rng(seed)
    term = rng.choice([1, 12, 24], n, p=[0.5, 0.3, 0.2])
    start = AS_OF - rng.integers(0, 5 * 365, n)
    x = rng.normal(size=n)
    chance = rng.beta(1.0, np.select([term == 1, term == 12], [9.0, 3.0], 4.0))
    chance = 1.0 - (1.0 - chance) ** np.exp(effect * x)
    renewals = np.minimum(rng.geometric(np.maximum(chance, 1e-3)), 300)
    return Firm(start, anniversaries(months_of(start), renewals * term), term, x)


def noise(p: Floats) -> float:
    """The calibration error that chance alone gives a perfect forecast."""
    rng = np.random.default_rng(0)
    ones = np.ones(len(p), dtype=np.int64)
    draws = [calibration_error(p, ones, (rng.random(len(p)) < p).astype(int)) for _ in range(20)]
    return float(np.mean(draws))


def steady(**changes: Any) -> RenewalModel:
    """One in ten leaves at each monthly renewal."""
    term = RenewalTerm(
        term_months=1,
        step_months=1,
        hazard=(0.0,) + (0.1,) * 40,
        tail_a=1.0,
        tail_c=9.0,
        strength=30.0,
        ended=100,
        plans=(0,),
        plan_factors=(1.0,),
    )
    fields: dict[str, Any] = {
        "as_of_day": AS_OF,
        "recorded_from_day": None,
        "calibrated": True,
        "finding": "",
        "candidate": "tenure",
        "terms": (term,),
        "level": 1.0,
        "level_sd": 0.0,
        "drift": 0.0,
        "returns": (),
    }
    return RenewalModel(**{**fields, **changes})


START = int(np.datetime64("2024-03-15").astype(int))


def test_staying_and_charges_by_hand() -> None:
    """Three renewals in 91 days (15 July, August, September): .9, .81, .729 of them stay."""
    ahead = predict_renewal(steady(), [START], as_of_day=AS_OF, window_days=91, price=10.0)
    np.testing.assert_allclose(ahead.p_active, 0.729)
    np.testing.assert_allclose(ahead.expected_value, 10.0 * (0.9 + 0.81 + 0.729))
    np.testing.assert_allclose(ahead.next_hazard, 0.1)
    assert ahead.next_decision_day[0] == np.datetime64("2024-07-15").astype(int)
    # none: .1, one: .09, two: .081, three: .729; without none, .9 are left
    assert ahead.expected_value_low[0] == 10.0
    assert ahead.expected_value_high[0] == 30.0


def test_discount_and_quarterly_charges_by_hand() -> None:
    """Charged on 15 September only, 77 days ahead, at 10 % a year."""
    ahead = predict_renewal(
        steady(),
        [START],
        as_of_day=AS_OF,
        window_days=91,
        price=30.0,
        charge_months=3,
        annual_discount_rate=0.1,
    )
    np.testing.assert_allclose(ahead.expected_value, 30.0 * 0.729 * 1.1 ** (-77 / 365.25))


def test_interval_holds_the_share_nearest_to_nine_in_ten() -> None:
    """One renewal: .9 stay, and [1, 1] holds 90 %. Where .83 stay, [1, 1] misses 90 % by .07 and
    [0, 1] by .1; where .79 stay, by .11 and .1. A hazard that is uncertain moves the chance: 1 is
    sure to be paid in (4 x .9 + .9^2 + .9^(1/2)) / 6 = .893 of all cases where the factor is 2."""

    def bounds(stays: float, sd: float = 0.0) -> tuple[float, float]:
        model = steady(level_sd=sd, level=np.log(stays) / np.log(0.9))
        ahead = predict_renewal(model, [START], as_of_day=AS_OF, window_days=20, price=10.0)
        return float(ahead.expected_value_low[0]), float(ahead.expected_value_high[0])

    assert bounds(0.9) == (10.0, 10.0)
    assert bounds(0.83) == (10.0, 10.0)
    assert bounds(0.79) == (0.0, 10.0)
    assert bounds(0.9, np.log(2.0) / np.sqrt(3.0)) == (10.0, 10.0)
    assert bounds(0.805, np.log(2.0) / np.sqrt(3.0)) == (0.0, 10.0)


def test_inside_a_term_nobody_leaves() -> None:
    known = firm(1)
    model = fit_renewal_model(
        known.start, known.known(), as_of_day=AS_OF, horizon_days=180, term_months=known.term
    )
    assert [one.step_months for one in model.terms] == [1, 12, 24]
    ahead = predict_renewal(model, [AS_OF - 100], as_of_day=AS_OF, window_days=90, term_months=12)
    assert ahead.p_active[0] == 1.0
    assert ahead.expected_value_low[0] == ahead.expected_value[0] == 3.0


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("horizon", [90, 365])
def test_simulated_firm_is_calibrated(seed: int, horizon: int) -> None:
    every = firm(seed)
    model = fit_renewal_model(
        every.start, every.known(), as_of_day=AS_OF, horizon_days=horizon, term_months=every.term
    )
    running = every.take(every.end > AS_OF)
    ahead = predict_renewal(
        model, running.start, as_of_day=AS_OF, window_days=horizon, term_months=running.term
    )
    active = running.end > AS_OF + horizon
    assert 0.9 < ahead.p_active.sum() / active.sum() < 1.1
    ones = np.ones(len(active), dtype=np.int64)
    error = calibration_error(ahead.p_active, ones, active.astype(np.int64))
    assert error <= noise(ahead.p_active) + 0.03
    at = months_of(running.start)
    paid, before = (
        months_completed(at, months_of(day))
        for day in (np.minimum(running.end - 1, AS_OF + horizon), np.array([AS_OF]))
    )
    charges = np.maximum(paid - before, 0)
    assert 0.9 < ahead.expected_value.sum() / charges.sum() < 1.1
    inside = (charges >= ahead.expected_value_low) & (charges <= ahead.expected_value_high)
    open_to_leave = ahead.p_active < 1.0  # the charges of all others in the window are certain
    assert inside[~open_to_leave].all()
    assert 0.86 <= inside[open_to_leave].mean() <= 0.96
    assert len(model.origins) >= 9
    assert set(model.evidence()["candidate"]) == {"tenure", "tenure_recent", "beta_geometric"}


@pytest.mark.parametrize("seed", [1, 2])
def test_late_entry_is_found_and_the_named_window_calibrates(seed: int) -> None:
    every = firm(seed, n=6000)
    since = AS_OF - 120
    kept = every.take(every.end >= since)
    model = fit_renewal_model(
        kept.start, kept.known(), as_of_day=AS_OF, horizon_days=180, term_months=kept.term
    )
    assert not model.calibrated
    assert str(np.datetime64(since, "D")) in model.finding
    assert "recorded_from_day" in model.finding
    running = kept.take(kept.end > AS_OF)
    ahead = predict_renewal(
        model, running.start, as_of_day=AS_OF, window_days=180, term_months=running.term
    )
    assert np.isnan(ahead.p_active).all()
    assert np.isnan(ahead.expected_value).all()
    assert "ranked" in RENEWAL_REASONS[int(ahead.reason[0])]
    active = running.end > AS_OF + 180
    assert ahead.score[active].mean() > ahead.score[~active].mean()
    named = fit_renewal_model(
        kept.start,
        kept.known(),
        as_of_day=AS_OF,
        horizon_days=180,
        term_months=kept.term,
        recorded_from_day=since,
    )
    assert named.calibrated
    stated = predict_renewal(
        named, running.start, as_of_day=AS_OF, window_days=180, term_months=running.term
    )
    ones = np.ones(len(active), dtype=np.int64)
    error = calibration_error(stated.p_active, ones, active.astype(np.int64))
    assert error <= 0.05
    assert 0.9 < stated.p_active.sum() / active.sum() < 1.1


def test_a_young_firm_of_yearly_contracts_has_no_late_entry() -> None:
    """All ends fall in the last months because no contract could end before."""
    rng = np.random.default_rng(4)
    start = AS_OF - rng.integers(0, 450, 2000)
    renews = rng.random(2000) < 0.6
    end = np.where(renews, np.nan, anniversaries(months_of(start), np.full(2000, 12)))
    model = fit_renewal_model(start, end, as_of_day=AS_OF, horizon_days=365, term_months=12)
    assert model.calibrated
    assert model.finding == ""


def test_recent_months_that_differ_are_tracked() -> None:
    """The daily hazard trebles in the last 120 days."""
    rng = np.random.default_rng(5)
    start = AS_OF - rng.integers(0, 1500, 5000)
    turn = AS_OF - 120
    early = start + rng.geometric(0.001, 5000)
    later = np.maximum(start, turn) + rng.geometric(0.003, 5000)
    end = np.where(early < turn, early, later)
    model = fit_renewal_model(
        start, np.where(end > AS_OF, np.nan, end), as_of_day=AS_OF, horizon_days=60
    )
    assert model.drift > np.log(1.3)
    assert model.candidate == "tenure_recent"
    running = end > AS_OF
    ahead = predict_renewal(model, start[running], as_of_day=AS_OF, window_days=60)
    truth = 0.997**60
    assert abs(ahead.p_active.mean() - truth) < abs(0.999**60 - truth) / 2


def test_covariates_are_learnt_from_past_days_only() -> None:
    every = firm(6, effect=0.8)
    asked: list[int] = []

    def known_at(day: int) -> Floats:
        asked.append(day)
        return np.column_stack([every.x, np.ones(len(every.x))])

    model = fit_renewal_model(
        every.start,
        every.known(),
        as_of_day=AS_OF,
        horizon_days=180,
        term_months=every.term,
        covariates=known_at,
        covariate_names=("x", "constant"),
    )
    assert max(asked) < AS_OF
    assert model.candidate == "covariates"
    assert model.covariates is not None
    assert model.covariates.names == ("x",)
    assert model.covariates.effects[0] > 0.2
    ahead = predict_renewal(
        model,
        [AS_OF - 100, AS_OF - 100, AS_OF - 100],
        as_of_day=AS_OF,
        window_days=90,
        covariates=np.array([[-1.0, 1.0], [1.0, 1.0], [50.0, 1.0]]),
    )
    assert ahead.p_active[0] > ahead.p_active[1]
    assert ahead.reason.tolist() == [0, 0, 5]
    alone = predict_renewal(model, [AS_OF - 100], as_of_day=AS_OF, window_days=90)
    assert ahead.p_active[0] > alone.p_active[0] > ahead.p_active[1]


def test_plans_differ() -> None:
    rng = np.random.default_rng(7)
    plan = rng.integers(0, 2, 3000)
    start = AS_OF - rng.integers(0, 900, 3000)
    end = start + rng.geometric(np.where(plan == 1, 0.006, 0.002))
    model = fit_renewal_model(
        start, np.where(end > AS_OF, np.nan, end), as_of_day=AS_OF, horizon_days=90, plan=plan
    )
    low, high = model.terms[0].plan_factors
    assert 2.0 < high / low < 4.0
    ahead = predict_renewal(
        model, [AS_OF - 50] * 3, as_of_day=AS_OF, window_days=90, plan=[0, 1, 9]
    )
    assert ahead.p_active[0] > ahead.p_active[2] > ahead.p_active[1]


def test_ended_contracts_stay_ended_unless_returns_were_seen() -> None:
    """In and out of contract with a chance of .005 a day each: .5 (1 - .99^60) in 60 days."""
    rng = np.random.default_rng(8)
    turns = AS_OF - 800 + np.cumsum(rng.geometric(0.005, (6000, 24)), axis=1)
    start, end = turns[:, ::2].ravel(), turns[:, 1::2].ravel()
    customer = np.repeat(np.arange(6000), 12)
    when: dict[str, Any] = {"as_of_day": AS_OF, "window_days": 60}
    ended: dict[str, Any] = {"end_day": [AS_OF - 1], **when}
    without = fit_renewal_model(start, end, as_of_day=AS_OF, horizon_days=60)
    assert predict_renewal(without, [AS_OF - 90], **ended).p_active[0] == 0.0
    seen = fit_renewal_model(start, end, as_of_day=AS_OF, horizon_days=60, customer=customer)
    back = predict_renewal(seen, [AS_OF - 90], price=10.0, **ended)
    assert abs(back.p_active[0] - 0.5 * (1.0 - 0.99**60)) < 0.02
    running = predict_renewal(seen, [AS_OF - 50], **when)
    assert abs(running.p_active[0] - 0.5 * (1.0 + 0.99**60)) < 0.02
    assert 0.0 < back.expected_value[0] < 10.0
    assert RENEWAL_REASONS[int(back.reason[0])] == "the contract has ended"


def test_order_of_rows_changes_no_bit() -> None:
    every = firm(9, n=1500, effect=0.5)
    order = np.random.default_rng(0).permutation(1500)
    other = every.take(order)
    models = [
        fit_renewal_model(
            one.start,
            one.known(),
            as_of_day=AS_OF,
            horizon_days=180,
            term_months=one.term,
            customer=one.start % 700,
            covariates=one.x[:, None],
            covariate_names=("x",),
        )
        for one in (every, other)
    ]
    assert models[0] == models[1]
    ahead = [
        predict_renewal(
            models[0],
            one.start,
            as_of_day=AS_OF,
            window_days=365,
            end_day=one.known(),
            term_months=one.term,
            covariates=one.x[:, None],
        )
        for one in (every, other)
    ]
    for a, b in zip(*ahead, strict=True):
        np.testing.assert_array_equal(a[order], b)
    for row in (0, 7, 700):
        one = predict_renewal(
            models[0],
            every.start[[row]],
            as_of_day=AS_OF,
            window_days=365,
            end_day=every.known()[[row]],
            term_months=every.term[[row]],
            covariates=every.x[[row]][:, None],
        )
        for a, b in zip(ahead[0], one, strict=True):
            np.testing.assert_array_equal(a[[row]], b)


def test_json_keeps_every_bit() -> None:
    every = firm(10, n=1000)
    model = fit_renewal_model(
        every.start, every.known(), as_of_day=AS_OF, horizon_days=90, term_months=every.term
    )
    again = RenewalModel.from_json(model.to_json())
    assert again == model
    assert again.to_json() == model.to_json()


def test_the_future_is_not_looked_at() -> None:
    every = firm(11, n=1000)
    seen, blind = (
        fit_renewal_model(
            every.start, end, as_of_day=AS_OF, horizon_days=90, term_months=every.term
        )
        for end in (every.end, every.known())
    )
    assert seen == blind


def test_terms_that_reached_no_renewal_are_not_guessed() -> None:
    every = firm(12, n=2000)
    start = np.append(every.start, AS_OF - 100)
    end, term = np.append(every.known(), np.nan), np.append(every.term, 36)
    model = fit_renewal_model(start, end, as_of_day=AS_OF, horizon_days=180, term_months=term)
    assert any("36" in note for note in model.notes)
    ahead = predict_renewal(
        model, [AS_OF - 100, AS_OF - 100], as_of_day=AS_OF, window_days=90, term_months=[36, 12]
    )
    assert np.isnan(ahead.p_active).tolist() == [True, False]
    assert RENEWAL_REASONS[int(ahead.reason[0])] == "no contract of this term was learnt from"


def test_a_short_history_says_how_it_was_judged() -> None:
    rng = np.random.default_rng(13)
    start = AS_OF - rng.integers(0, 200, 2000)
    end = start + rng.geometric(0.01, 2000)
    model = fit_renewal_model(start, end, as_of_day=AS_OF, horizon_days=365)
    assert any("too short" in note for note in model.notes)
    few = fit_renewal_model(start[:30], np.full(30, np.nan), as_of_day=AS_OF, horizon_days=60)
    assert any("no past day could be judged" in note for note in few.notes)
    assert all(row.reason for row in few.origins)


def test_wrong_arrays_are_refused() -> None:
    with pytest.raises(AlignmentError, match="2 starts"):
        fit_renewal_model([0, 1], [np.nan], as_of_day=5)
    with pytest.raises(InvalidTableError, match="end before they start"):
        fit_renewal_model([3], [2], as_of_day=5)
    with pytest.raises(InvalidTableError, match="not whole"):
        fit_renewal_model([0.5], [np.nan], as_of_day=5)
    with pytest.raises(InvalidTableError, match="without a start"):
        fit_renewal_model([np.nan], [np.nan], as_of_day=5)
    with pytest.raises(NotComputableError, match="no contract has started"):
        fit_renewal_model([9], [np.nan], as_of_day=5)
    with pytest.raises(NotComputableError, match="no contract that counts"):
        fit_renewal_model([], [], as_of_day=5)
    with pytest.raises(AlignmentError, match="covariates of shape"):
        fit_renewal_model([1], [np.nan], as_of_day=5, covariates=np.ones((1, 2)))
    with pytest.raises(AlignmentError, match="columns of"):
        predict_renewal(steady(), [1, 2], as_of_day=5, window_days=3, price=[1.0])


def test_a_contract_that_has_not_begun_has_no_forecast() -> None:
    ahead = predict_renewal(steady(), [AS_OF + 1], as_of_day=AS_OF, window_days=30)
    assert np.isnan(ahead.p_active[0])
    assert np.isnan(ahead.score[0])
    assert RENEWAL_REASONS[int(ahead.reason[0])] == "the contract starts after as_of"
