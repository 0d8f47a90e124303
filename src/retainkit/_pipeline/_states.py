"""States in a run: what they are judged by, and what a stance needs to know of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from retainkit._core.kernels.recent import GRID
from retainkit._core.time import DAYS_PER_UNIT, day_number
from retainkit._pipeline._attempts import Attempts
from retainkit._pipeline._config import PipelineConfig
from retainkit._pipeline._facts import CustomerFacts
from retainkit.churn import (
    StateFacts,
    StateScheme,
    StateTable,
    assign_states,
    fit_state_scheme,
)
from retainkit.contracts import ContractState
from retainkit.contracts._spells import NO_DAY
from retainkit.forecast import Activity, ForecastModel
from retainkit.forecast._activity import PastActivity, state_window
from retainkit.lifetime import Covariates
from retainkit.policy import Circumstances, Situation
from retainkit.policy._vocabulary import Evidence
from retainkit.tiers import TierScheme, TierState, TierTable, assign_tiers
from retainkit.typing import FloatArray
from retainkit.value import CustomerSummary, MarginModel, net_margin_rates

_MONTH = DAYS_PER_UNIT["month"]
_TRY_FOR = 2
"""Windows after a customer was found gone in which it may be won back."""


def learn_states(
    forecast: ForecastModel, past: Sequence[PastActivity], config: PipelineConfig
) -> StateScheme | None:
    """Check the claims at earlier origins; None where activity could not be learnt."""
    if forecast.activity is None:
        return None
    return fit_state_scheme(
        past,
        window_days=forecast.activity.window_days,
        base_gap=forecast.activity.base_gap,
        config=config.states,
    )


def states_without_past(
    summary: CustomerSummary, forecast: ForecastModel | None, config: PipelineConfig
) -> StateScheme:
    """Return a scheme that claims nothing but what is on record."""
    gap = _MONTH if forecast is None or not forecast.base_gap > 0.0 else forecast.base_gap
    bought = summary.occasions > 0
    today = day_number(summary.as_of)
    past = today - summary.first_day[bought].min(initial=today)
    window = state_window(gap, int(past))
    return fit_state_scheme((), window_days=window, base_gap=gap, config=config.states)


def read_activity(
    summary: CustomerSummary,
    forecast: ForecastModel | None,
    covariates: Covariates | None = None,
) -> Activity:
    """Return what tells whether customers are still there."""
    if forecast is not None and summary.recent_days is not None:
        return forecast.read_activity(summary, covariates)
    today, bought = float(day_number(summary.as_of)), summary.occasions > 0
    unknown = np.full(len(summary), np.nan)
    return Activity(
        p_state=unknown,
        kept=unknown,
        silent=np.where(bought, today - summary.last_day, np.nan),
        own_gap=unknown,
        age=np.where(bought, today - summary.first_day, np.nan),
    )


def tell_states(
    summary: CustomerSummary,
    activity: Activity,
    scheme: StateScheme,
    facts: CustomerFacts | None,
    previous: StateTable | None = None,
) -> StateTable:
    """Tell each customer's state: from its contract where there is one, else from activity."""
    contracts = facts.contracts if facts else None
    recorded = facts.on_record if facts else None
    if contracts is not None:
        recorded = (recorded or StateFacts())._replace(
            contract_status=contracts.status, contract_ended_on=contracts.ended_on
        )
        activity = activity._replace(silent=_silent_since_loss(summary, activity, contracts))
    return assign_states(
        activity,
        scheme,
        as_of=summary.as_of,
        customer_id=summary.customer_id,
        facts=recorded,
        previous=previous,
    )


def _silent_since_loss(
    summary: CustomerSummary, activity: Activity, contracts: ContractState
) -> FloatArray:
    """Return the silence in days, where charges after a recognised loss are no new purchase.

    A loss recognised at the request is dated before the term it still pays for runs out.
    """
    gone_for = day_number(summary.as_of) - contracts.ended_on.astype(np.float64)
    lost = contracts.ended_on != NO_DAY
    return np.where(lost, np.fmax(activity.silent, gone_for), activity.silent)


def last_year(summary: CustomerSummary, margin: MarginModel) -> FloatArray:
    """Return the contribution of the 365 days that end with the last purchase [money]."""
    known = summary.year_amount
    money = summary.total_amount if known is None else known
    rates = net_margin_rates(summary, margin)
    return np.asarray(np.where(summary.occasions > 0, money, 0.0) * rates)


def least_last_gap(summary: CustomerSummary) -> FloatArray | None:
    """Return how long the gap before the last purchase was at least [unit of the summary].

    NaN with one purchase. Read off the days before the last purchase on which nothing was bought.
    """
    if summary.recent_days is None:
        return None
    alone = (summary.recent_days <= 1).sum(axis=1)  # nodes up to which the last one stands alone
    days = np.append(0.0, np.array(GRID, dtype=np.float64))[alone]
    return np.where(summary.occasions > 1, days / DAYS_PER_UNIT[summary.unit], np.nan)


def were_gone(before: StateTable | None, states: StateTable) -> npt.NDArray[np.bool_] | None:
    """Return who was gone in the last run; None without one."""
    if before is None:
        return None
    place = before.customer_id.get_indexer(states.customer_id)
    gone: npt.NDArray[np.bool_] = np.append(before.is_lost, False)[place]
    return gone


def former_tiers(
    summary: CustomerSummary,
    margin: MarginModel,
    scheme: TierScheme,
    previous: TierTable | TierState | None,
) -> npt.NDArray[np.int8]:
    """Return the tier each customer had: the last published one, else that of its last year."""
    former = assign_tiers(last_year(summary, margin), scheme).value_tier
    if previous is None:
        return former
    last = previous.state if isinstance(previous, TierTable) else previous
    published = last.aligned(summary.customer_id).tier
    return np.where(published >= 0, published, former)


def tell_situation(
    states: StateTable,
    facts: CustomerFacts | None,
    circumstances: Circumstances,
    attempts: Attempts | None,
    evidence: Evidence,
) -> Situation:
    """Return what a stance depends on: state, whether to try again, permission, evidence.

    Who is gone is worth trying for two windows, where the cause can be mended and it was not tried
    three times in vain.
    """
    known = states.since != NO_DAY
    gone_for = day_number(states.as_of) - states.since.astype(np.int64)
    worth_trying: npt.NDArray[np.bool_] = known & (gone_for <= _TRY_FOR * states.scheme.window_days)
    if facts is not None and facts.recoverable is not None:
        worth_trying &= facts.recoverable
    if attempts is not None:
        worth_trying &= ~attempts.exhausted
    return Situation(
        state=states.state,
        recoverable=worth_trying,
        unanswered=None if attempts is None else attempts.exhausted,
        contact=None if facts is None else facts.contact,
        evidence=evidence,
        circumstances=circumstances,
    )
