"""CustomerScores: every row-wise result about the same customers, and the view that joins them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from retainkit._core.columns import Column, taken
from retainkit._core.result import TranslatedTable
from retainkit._pipeline._facts import CustomerFacts
from retainkit.churn import ChurnTable
from retainkit.policy import DecisionTable, PotentialTable
from retainkit.tiers import LifecycleTable, TierTable
from retainkit.value import CustomerSummary, FuturePotential, RfmTable, ValueTable


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CustomerScores(TranslatedTable):
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
        Tier and standing.
    churn : ChurnTable
        Probability of having left.
    potential : PotentialTable
        Potential to rise.
    policy : DecisionTable
        Stance and measures.
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
    churn: ChurnTable
    potential: PotentialTable
    policy: DecisionTable
    future: FuturePotential | None = None
    facts: CustomerFacts | None = None

    _what: ClassVar[str] = "customers"
    _schema: ClassVar[tuple[Column, ...]] = (
        *taken("policy", "customer_id"),
        *taken("tiers", "tier"),
        *taken("policy", "standing", "stance", "rule", "reason", "measures"),
        Column("value_tier", "policy:tier"),
        Column("margin_to_cut", "tiers.margin"),
        *taken("tiers", "borderline", "confidence"),
        *taken("policy", "potential"),
        *taken("lifecycle", "stage"),
        Column("lifetime_value", "value.future_potential"),
        Column("growth", "future.growth"),
        Column("growth_error", "future.growth_error"),
        *taken("value", "historical_contribution", "contribution", "score", "business_breadth"),
        *taken("value", "background"),
        Column("p_churned", "churn.p_churned"),
        Column("churned", "churn.churned"),
        Column("rfm", "rfm:cell"),
        *taken("history", "frequency", "recency", "age", "inactive_for", "first_day", "last_day"),
        *taken("history", "monetary_value", "purchase_amount", "return_amount", "total_amount"),
        *taken("history", "profit", "cost_to_serve"),
        *taken("facts.behavior", "median_gap", "gap_variation", "last_gap", "top_line"),
        *taken("facts.behavior", "top_channel", "effective_lines"),
        Column("trend_beyond_base", "facts.behavior.trend_beyond_base"),
        Column("share_of_wallet", "facts.wallet:share"),
        Column("wallet_reason", "facts.wallet:reason"),
        Column("price", "facts.contracts.price"),
        Column("term_months", "facts.contracts.term_months"),
        Column("charges", "facts.contracts.charged"),
    )

    def __len__(self) -> int:
        return len(self.tiers)

    @property
    def customer_id(self) -> pd.Index[Any]:
        """The customers, in order."""
        return self.tiers.customer_id

    def summary(self) -> pd.DataFrame:
        """Return customers and their future value by tier and stance.

        Returns
        -------
        pandas.DataFrame
            One row per tier and stance that occur.
        """
        return self.policy.summary()
