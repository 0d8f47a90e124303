"""What a firm has on record of its customers: purchases, contracts, or both.

A `History` answers all that depends on which of them there are; the rest of a run asks it alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._pipeline._circumstances import read_channel
from retainkit._pipeline._config import PipelineConfig
from retainkit._pipeline._covariates import plain_of
from retainkit._pipeline._gaps import Gap, make_gap
from retainkit._pipeline._models import (
    PURCHASE_FITS,
    Models,
    choose_purchase_model,
    fit_purchase_models,
)
from retainkit._pipeline._remember import RememberedFits
from retainkit._pipeline._small_check import check_small
from retainkit._pipeline._states import learn_states
from retainkit.churn import ChurnTable, SpellTable
from retainkit.contracts import Contracts, ContractState
from retainkit.errors import NotComputableError
from retainkit.forecast import (
    ValueEstimator,
)
from retainkit.forecast._from_tables import learn_forecast
from retainkit.lifetime import Covariates
from retainkit.metrics import ContractIndex, PurchaseIndex, index_purchases
from retainkit.value import (
    BehaviorTable,
    CustomerSummary,
    decompose_profit,
    summarize_behavior,
    summarize_customers,
)


class ContractRecord(NamedTuple):
    """Valid contracts, and what they show of who came and left."""

    table: Contracts
    churn: ChurnTable
    spells: SpellTable


class Indexed(NamedTuple):
    """A base indexed for metrics, and the ids of its customers, in its order."""

    base: PurchaseIndex | ContractIndex
    customer_id: pd.Index[Any]


class History(Protocol):
    """What a run must know of its customers' past and learn of their future."""

    @property
    def customer_id(self) -> pd.Index[Any]:
        """Customers in order of first appearance: their rows are numbered by this order."""

    @property
    def rows(self) -> pd.DataFrame:
        """Dated amounts: purchases, or the charges of contracts alone; customers numbered."""

    @property
    def as_of(self) -> date:
        """Last observed day."""

    @property
    def contracts(self) -> ContractRecord | None:
        """Contracts that show who has left; None where leaving is only judged."""

    @property
    def contracts_alone(self) -> bool:
        """Whether there are contracts and no purchases."""

    def summarize(self) -> CustomerSummary:
        """Summarise what each customer has brought."""

    def describe_behavior(self) -> BehaviorTable:
        """Describe rhythm, preference and trend."""

    def explain_losses(self, summary: CustomerSummary) -> npt.NDArray[Any] | None:
        """Return what costs each unprofitable customer most; None where no profit is known."""

    def read_state(self) -> ContractState | None:
        """Return the state of the customers' contracts; None without contracts."""

    def read_channel(self) -> tuple[npt.NDArray[np.int8], tuple[str, ...]] | None:
        """Return the channel most is bought through; None without channels."""

    def learn(
        self,
        summary: CustomerSummary,
        announce: Callable[[str], None],
        estimator: ValueEstimator | None = None,
        covariates: Covariates | None = None,
        fits: RememberedFits | None = None,
    ) -> Models:
        """Learn the models that the future of each customer is predicted with."""

    def index(self) -> tuple[Indexed, ...]:
        """Index for the metrics: what the base was graded by first, contracts last."""

    def find_gaps(self, summary: CustomerSummary) -> tuple[Gap, ...]:
        """Say which columns of the history would have told more."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Rows:
    """Dated amounts, the customers numbered once, and what is read of them in any firm."""

    rows: pd.DataFrame
    customer_id: pd.Index[Any]
    as_of: date
    config: PipelineConfig

    contracts_alone: ClassVar[bool] = False
    _no_profit: ClassVar[str]
    _no_lines: ClassVar[str]

    def summarize(self) -> CustomerSummary:
        summary = summarize_customers(
            self.rows, as_of=self.as_of, unit=self.config.unit, collapse=self.config.collapse
        )
        return replace(summary, customer_id=self.customer_id)

    def describe_behavior(self) -> BehaviorTable:
        described = summarize_behavior(
            self.rows,
            as_of=self.as_of,
            unit=self.config.unit,
            collapse=self.config.collapse,
            config=self.config.behavior,
        )
        return replace(described, customer_id=self.customer_id)

    def explain_losses(self, summary: CustomerSummary) -> npt.NDArray[Any] | None:
        try:
            return decompose_profit(self.rows, _numbered(summary)).loss_reason
        except NotComputableError:
            return None

    def read_channel(self) -> tuple[npt.NDArray[np.int8], tuple[str, ...]] | None:
        return read_channel(self.rows, len(self.customer_id))

    def find_gaps(self, summary: CustomerSummary) -> tuple[Gap, ...]:
        missing = {self._no_profit: summary.profit, self._no_lines: summary.breadth}
        return tuple(make_gap(gap) for gap, known in missing.items() if known is None)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PurchaseHistory(Rows):
    """Purchases alone: leaving is judged, the future is learnt from buying and spend."""

    _no_profit: ClassVar = "profit"
    _no_lines: ClassVar = "breadth_of_lines"

    @property
    def contracts(self) -> ContractRecord | None:
        return None

    def read_state(self) -> ContractState | None:
        return None

    def learn(
        self,
        summary: CustomerSummary,
        announce: Callable[[str], None],
        estimator: ValueEstimator | None = None,
        covariates: Covariates | None = None,
        fits: RememberedFits | None = None,
    ) -> Models:
        config = self.config
        announce("fitting models of buying and spend")
        choice = choose_purchase_model(self.rows, self.as_of, config)
        models = fit_purchase_models(summary, choice, None, config, covariates)
        announce("forecasting, and judging earlier forecasts")
        learnt = learn_forecast(
            self.rows,
            as_of=self.as_of,
            customer_id=self.customer_id,
            horizon_days=config.horizon_days,
            fit=(fits or RememberedFits()).of(PURCHASE_FITS[choice.name]),
            lifetime=plain_of(models.purchase),
            estimator=estimator,
            covariates=models.covariates,
            config=config.forecast,
            recall_days=config.upgrade_horizon_days,
        )
        states = learn_states(learnt.model, learnt.activity, config)
        return models._replace(
            forecast=learnt.model,
            states=states,
            small=check_small(learnt.activity, states, config.tiers),
            estimator=estimator,
            past_values=learnt.values,
        )

    def index(self) -> tuple[Indexed, ...]:
        return (Indexed(index_purchases(self.rows, as_of=self.as_of), self.customer_id),)


def _numbered(summary: CustomerSummary) -> CustomerSummary:
    """Return the summary with customers numbered as the rows are."""
    return replace(summary, customer_id=pd.RangeIndex(len(summary)))
