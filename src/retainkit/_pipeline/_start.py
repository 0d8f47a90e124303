"""The run as it would have been when the period began: tiers and states before what followed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from retainkit._pipeline._config import PipelineConfig
from retainkit._pipeline._fitted import tell_tiers
from retainkit._pipeline._folds import known_by
from retainkit._pipeline._gather import gather_facts
from retainkit._pipeline._histories import open_history
from retainkit._pipeline._learn import learn_schemes
from retainkit._pipeline._remember import RememberedFits
from retainkit._pipeline._tables import ValidTables
from retainkit.churn import StateTable
from retainkit.contracts import read_contracts
from retainkit.errors import RetainkitError, RetainkitWarning
from retainkit.tables import Ledger, align_values
from retainkit.tiers import TierTable
from retainkit.typing import BoolArray, IntArray

GONE_THEN, ENDED_THEN, ENTRANTS = "gone_then", "ended_then", "entrants"
"""Who was no customer when the period began: gone, ended for good, or not there yet."""

_ENDED = "ended"


def _silent(stage: str) -> None:
    """Announce nothing: what the past run does is no stage of this one."""


class PeriodStart(NamedTuple):
    """What was said on the last day before the period: tiers, and whose relation had ended."""

    day: date
    tiers: TierTable
    ended: BoolArray

    @classmethod
    def of(cls, day: date, tiers: TierTable, states: StateTable) -> PeriodStart:
        """Keep what the groups of the start need."""
        return cls(day, tiers, states.state == states.states.index(_ENDED))

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups of the start: tiers, then who was no customer."""
        tiers = self.tiers
        shown = tiers.categories[: len(tiers.scheme.names) + 1]
        return (*shown, GONE_THEN, ENDED_THEN, ENTRANTS)

    def codes(self, customer_id: pd.Index[Any]) -> IntArray:
        """Return the group of each customer, a position in `groups`."""
        tiers, last = self.tiers, len(self.tiers.scheme.names) + 1
        group = np.where(tiers.tier < last, tiers.tier, last + self.ended).astype(np.int8)
        found = align_values(group, tiers.customer_id, to=customer_id, missing=last + 2)
        return np.asarray(found)


def begin_period(
    tables: ValidTables,
    as_of: date,
    config: PipelineConfig,
    announce: Callable[[str], None],
    fits: RememberedFits,
) -> PeriodStart | str:
    """Run on the last day before the window of activity that ends on `as_of`; or say why not.

    The past run sees only the rows up to that day; tables that do not say since when something is
    known (customers, activities) are not shown to it.
    """
    day = as_of - timedelta(days=config.convention.window_days)
    contracts = tables.contracts
    frames = {
        "transactions": tables.transactions,
        "contracts": None if contracts is None else contracts.frame,
        "events": tables.events,
        "surveys": tables.surveys,
    }
    known = known_by({name: frame for name, frame in frames.items() if frame is not None}, day)
    if tables.transactions is not None and "transactions" not in known:
        return f"no transaction up to {day}"
    announce(f"looking back at {day}")
    try:
        with warnings.catch_warnings():  # the run itself says what it finds of its models
            warnings.simplefilter("ignore", RetainkitWarning)
            return _stand(known, day, config.replace(tier_overrides=()), fits)
    except (RetainkitError, ValueError, ArithmeticError) as error:
        return getattr(error, "wrong", None) or str(error) or type(error).__name__


def _stand(
    known: dict[str, pd.DataFrame], day: date, config: PipelineConfig, fits: RememberedFits
) -> PeriodStart:
    """Learn and score on what was known by a day; the tables are taken out of `known`."""
    contracts = known.pop("contracts", None)
    tables = ValidTables(
        transactions=known.pop("transactions", None),
        customers=None,
        contracts=None if contracts is None else read_contracts(contracts),
        events=known.pop("events", None),
        surveys=known.pop("surveys", None),
        activities=None,
        ledger=Ledger.combine(),
    )
    history, tables = open_history(tables, day, config)
    summary = history.summarize()
    facts = gather_facts(
        history,
        summary,
        None,
        payments=None,
        strategic_flags=(),
        config=config,
        events=tables.events,
    )
    models = history.learn(summary, _silent, fits=fits)
    del history, tables
    model, predictions = learn_schemes(summary, models, facts=facts, config=config, brief=True)
    states, _, tiers = tell_tiers(model, summary, predictions, facts)
    return PeriodStart.of(day, tiers, states)
