"""What is found of each customer: the row-wise scores, and the single view that joins all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from retainkit._core.result import ResultTable
from retainkit._pipeline._facts import CustomerFacts
from retainkit.churn import CauseTable, ChurnTable, StateTable
from retainkit.forecast import ForecastTable
from retainkit.policy import DecisionTable, PotentialTable
from retainkit.tables import align_customer_ids
from retainkit.tiers import LifecycleTable, TierTable
from retainkit.typing import FloatArray, Language
from retainkit.value import (
    LOSS_REASONS,
    CustomerSummary,
    FuturePotential,
    RfmTable,
    SegmentBases,
    ValueTable,
)

_WORTH = ("historical_contribution", "contribution", "score", "business_breadth", "background")
_DECIDED = ("tier", "standing", "stance", "rule", "reason", "action", "measures")
_HISTORY = (
    *("frequency", "recency", "age", "inactive_for", "first_day", "last_day"),
    *("monetary_value", "purchase_amount", "return_amount", "total_amount"),
)
_RHYTHM = ("median_gap", "gap_variation", "last_gap", "top_line", "top_channel", "effective_lines")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CustomerScores(ResultTable):
    """Every row-wise result about the same customers in the same order.

    Parameters
    ----------
    history : CustomerSummary
        What the transactions say.
    value : ValueTable
        The four criteria.
    rfm : RfmTable
        Recency, frequency and money scores.
    lifecycle : LifecycleTable
        Stage of the relation.
    tiers : TierTable
        Tier and standing; who is gone is shown as lost.
    states : StateTable
        State of the relation, its reason and its day.
    churn : ChurnTable
        Probability of having left.
    potential : PotentialTable
        Potential to rise.
    policy : DecisionTable
        Stance and measures.
    forecast : ForecastTable or None
        Who will be there and what each will bring; None for contracts.
    p_alive : numpy.ndarray of float64 or None
        Probability, by the model of buying and dropout, of not having left for good.
    lifetime_value : numpy.ndarray of float64 or None
        Discounted money to the long end of the relation [money].
    future : FuturePotential or None
        What the future value is made of: expectation, growth, wallet; None without behaviour.
    facts : CustomerFacts or None
        What else was known: standing, rhythm, wallet, contracts.

    Examples
    --------
    >>> import retainkit as rk
    >>> summary = rk.summarize_customers(rk.load_cdnow_sample(), as_of="1997-09-30")
    >>> rk.fit_pipeline(summary).score(summary)
    <CustomerScores: 2,357 customers; next: .to_frame()>
    """

    history: CustomerSummary
    value: ValueTable
    rfm: RfmTable
    lifecycle: LifecycleTable
    tiers: TierTable
    states: StateTable
    churn: ChurnTable
    potential: PotentialTable
    policy: DecisionTable
    forecast: ForecastTable | None = None
    p_alive: FloatArray | None = None
    lifetime_value: FloatArray | None = None
    future: FuturePotential | None = None
    facts: CustomerFacts | None = None

    _what: ClassVar[str] = "customers"

    def __len__(self) -> int:
        return len(self.tiers)

    @property
    def customer_id(self) -> pd.Index[Any]:
        """The customers, in order."""
        return self.tiers.customer_id

    @property
    def share_of_wallet(self) -> FloatArray | None:
        """Share of each customer's spending in the whole category; None where not measured."""
        return self.facts.wallet.share if self.facts and self.facts.wallet else None

    def to_frame(self, *, language: Language = "en") -> pd.DataFrame:
        """Return the single customer view: one row per customer, decisions first.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of the reason of the stance.

        Returns
        -------
        pandas.DataFrame
            customer_id; tier, standing, stance, rule, reason, action, measures; state with its
            reason and day; the tier that lost customers had; lifecycle stage;
            the forecast (`p_active`, `expected_value` with interval, next purchase, note), worth
            by criterion and score; churn probability; RFM cell; purchase history. NaN where not
            known.
        """
        decisions = self.policy.to_frame(language=language)
        value = self.value.to_frame()
        history = self.history.to_frame()
        columns: dict[str, Any] = {name: decisions[name] for name in ("customer_id", *_DECIDED)}
        told = self.states.to_frame(language=language)
        columns |= {name: told[name] for name in ("state", "state_reason", "state_since")}
        graded = self.tiers.to_frame()
        columns["tier"] = graded["tier"]
        columns["value_tier"] = decisions["tier"]
        columns["former_tier"] = decisions["tier"].where(self.states.is_lost)
        columns["margin_to_cut"] = self.tiers.margin
        columns |= {name: graded[name] for name in ("borderline", "confidence") if name in graded}
        columns["potential"] = decisions["potential"]
        columns["stage"] = self.lifecycle.to_frame()["stage"]
        if self.forecast is not None:
            foreseen = self.forecast.to_frame(language=language).drop(columns="customer_id")
            columns |= {name: foreseen[name] for name in foreseen}
        else:
            columns["expected_value"] = self.value.future_potential
        columns["lifetime_value"] = self.lifetime_value
        columns["p_alive"] = self.p_alive
        if self.future is not None:
            columns["growth"] = self.future.growth
            columns["growth_error"] = self.future.growth_error
        columns |= {name: value[name] for name in _WORTH}
        columns["p_churned"] = self.churn.p_churned
        columns["churned"] = self.churn.churned
        columns["rfm"] = self.rfm.to_frame()["cell"]
        columns |= {name: history[name] for name in _HISTORY}
        for name in ("profit", "cost_to_serve"):
            if name in history:
                columns[name] = history[name]
        columns |= _known_facts(self.facts)
        return pd.DataFrame(columns)

    def summary(self) -> pd.DataFrame:
        """Return customers and their future value by tier and stance.

        Returns
        -------
        pandas.DataFrame
            One row per tier and stance that occur.
        """
        return self.policy.summary()


def _known_facts(facts: CustomerFacts | None) -> dict[str, Any]:
    """Return the columns of rhythm, preference, trend, wallet and contract, as far as known."""
    columns: dict[str, Any] = {}
    if facts is None:
        return columns
    if facts.behavior is not None:
        described = facts.behavior.to_frame()
        columns |= {name: described[name] for name in _RHYTHM if name in described}
        columns["trend_beyond_base"] = facts.behavior.trend_beyond_base
    if facts.wallet is not None:
        wallet = facts.wallet.to_frame()
        columns["share_of_wallet"] = wallet["share"]
        columns["wallet_reason"] = wallet["reason"]
    if facts.contracts is not None:
        columns["price"] = facts.contracts.price
        columns["term_months"] = facts.contracts.term_months
        columns["charges"] = facts.contracts.charged
    return columns


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CustomerView(ResultTable):
    """The single customer view: one row per customer that joins everything known about it.

    Parameters
    ----------
    scores : CustomerScores
        Every row-wise result.
    bases : SegmentBases or None
        Use intensity, benefit sought, loyalty, attitude.
    contract_churn : ChurnTable or None
        Observed ends of contracts, of the customers who have any.
    causes : CauseTable or None
        Why customers left, of those who left.
    answers : pandas.DataFrame or None
        Latest survey answers, one row per customer who answered.

    Examples
    --------
    >>> import retainkit as rk
    >>> result = rk.RetentionPipeline().run(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> result.customers
    <CustomerView: 2,357 customers; next: .to_frame()>
    """

    scores: CustomerScores
    bases: SegmentBases | None = None
    contract_churn: ChurnTable | None = None
    causes: CauseTable | None = None
    answers: pd.DataFrame | None = None

    _what: ClassVar[str] = "customers"

    def __len__(self) -> int:
        return len(self.scores)

    def to_frame(self, *, language: Language = "en") -> pd.DataFrame:
        """Return one row per customer: decisions first, then what they rest on.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of texts (reasons, causes).

        Returns
        -------
        pandas.DataFrame
            In the order of first appearance; columns of tables that were not given are absent.
        """
        frame = self.scores.to_frame(language=language)
        facts = self.scores.facts
        if facts is not None and facts.loss_reason is not None:
            names = pd.Index(LOSS_REASONS)
            frame["loss_reason"] = pd.Categorical.from_codes(facts.loss_reason, categories=names)
        if self.bases is not None:
            bases = self.bases.to_frame().drop(columns="customer_id")
            frame[list(bases.columns)] = bases
        if self.contract_churn is not None:
            ended = self.contract_churn.to_frame()[["customer_id", "churned"]]
            _join(frame, ended.rename(columns={"churned": "contract_ended"}))
        if self.causes is not None:
            causes = self.causes.to_frame(language=language)
            _join(frame, causes[["customer_id", "cause", "sub_reason"]])
        if self.answers is not None:
            _join(frame, self.answers)
        return frame

    def summary(self) -> pd.DataFrame:
        """Return customers and their future value by tier and stance.

        Returns
        -------
        pandas.DataFrame
            One row per tier and stance that occur.
        """
        return self.scores.summary()


def _join(frame: pd.DataFrame, other: pd.DataFrame) -> None:
    """Add the columns of `other` to `frame` by customer, in place; absent customers are empty."""
    rows = align_customer_ids(frame["customer_id"], pd.Index(other["customer_id"]))
    for name in other.columns.drop("customer_id"):
        frame[name] = other[name].reset_index(drop=True).reindex(rows).to_numpy()
