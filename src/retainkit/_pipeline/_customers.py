"""What is found of each customer: the row-wise scores, and the single view that joins all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from retainkit._core.columns import Column, taken
from retainkit._core.result import TranslatedTable
from retainkit._pipeline._attempts import Attempts
from retainkit._pipeline._config import PipelineConfig
from retainkit._pipeline._facts import CustomerFacts
from retainkit._pipeline._lifetime_notes import lifetime_notes, write_notes
from retainkit._pipeline._models import Models, value_to_the_end
from retainkit._pipeline._reasons import write_reasons
from retainkit._pipeline._today import Answer, answer_questions, list_today, list_win_back
from retainkit.churn import CauseTable, ChurnTable, StateTable
from retainkit.forecast import ForecastTable
from retainkit.policy import DecisionTable, PotentialTable
from retainkit.tables import align_customer_ids
from retainkit.tiers import LifecycleTable, TierTable
from retainkit.typing import BoolArray, FloatArray, Language
from retainkit.value import (
    LOSS_REASONS,
    CustomerSummary,
    FuturePotential,
    RfmTable,
    SegmentBases,
    ValueTable,
)


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
    models : Models or None
        What was learnt, for what is worked out when it is asked for.
    config : PipelineConfig or None
        What the user chose.
    future : FuturePotential or None
        What the future value is made of: expectation, growth, wallet; None without behaviour.
    facts : CustomerFacts or None
        What else was known: standing, rhythm, wallet, contracts.
    attempts : Attempts or None
        How often who fell quiet or left was asked since its last purchase.

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
    models: Models | None = None
    config: PipelineConfig | None = None
    future: FuturePotential | None = None
    facts: CustomerFacts | None = None
    attempts: Attempts | None = None

    _what: ClassVar[str] = "customers"
    _schema: ClassVar[tuple[Column, ...]] = (
        *taken("policy", "customer_id"),
        *taken("tiers", "tier"),
        *taken("policy", "standing", "contact", "stance", "rule"),
        Column("reason", "reasons"),
        *taken("policy", "action", "alternatives", "expected_gain", "break_even", "at_stake"),
        *taken("states", "state", "state_reason", "state_since"),
        Column("value_tier", "policy:tier"),
        Column(
            "former_tier",
            lambda t: np.where(t.states.is_lost, t.policy.value_tier, np.int8(-1)),
            "policy.tier_names",
            ordered=True,
        ),
        Column("margin_to_cut", "tiers.margin"),
        *taken("tiers", "borderline", "confidence"),
        *taken("policy", "potential"),
        *taken("lifecycle", "stage"),
        *taken("forecast", "p_active", "p_active_low", "p_active_high"),
        *taken("forecast", "active_score"),
        Column("expected_value", lambda scores: scores.expected_value),
        *taken("forecast", "expected_value_low", "expected_value_high"),
        *taken("forecast", "next_purchase", "next_purchase_low", "next_purchase_high"),
        *taken("forecast", "forecast_note"),
        Column("lifetime_value"),
        Column("lifetime_note", "explain_lifetime_value"),
        Column("p_alive"),
        Column("growth", "future.growth"),
        Column("growth_error", "future.growth_error"),
        *taken("value", "historical_contribution", "contribution", "score", "business_breadth"),
        *taken("value", "background"),
        Column("churned", "_seen_to_leave"),
        Column("rfm", "rfm:cell"),
        *taken("history", "frequency", "recency", "age", "inactive_for", "first_day", "last_day"),
        *taken("history", "monetary_value", "purchase_amount", "return_amount", "total_amount"),
        *taken("history", "profit", "cost_to_serve"),
        *taken("facts.behavior", "median_gap", "gap_variation", "last_gap", "top_line"),
        *taken("facts.behavior", "top_channel", "effective_lines"),
        Column("trend_beyond_base", "facts.behavior.trend_beyond_base"),
        Column("share_of_wallet"),
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

    @property
    def lifetime_value(self) -> FloatArray | None:
        """Discounted money to the long end of the relation [money]; NaN where it is not known.

        Worked out when it is asked for: ten years ahead take longer than the rest of a run.
        """
        if self.models is None or self.config is None:
            return None
        return value_to_the_end(self.history, self.models, self.config, self.facts)

    def explain_lifetime_value(self, language: Language = "en") -> pd.Categorical[Any] | None:
        """Return why each lifetime value is missing, as text; missing where it is known.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of the text.

        Returns
        -------
        pandas.Categorical or None
            In the order of the customers; None without models.
        """
        if self.models is None:
            return None
        return write_notes(lifetime_notes(self.history, self.models, self.facts), language)

    @property
    def expected_value(self) -> FloatArray:
        """Money within the horizon: what is forecast, without growth and wallet [money]."""
        if self.forecast is None:
            return self.value.future_potential
        return self.forecast.expected_value

    def reasons(self, language: Language = "en") -> list[str]:
        """Return why each customer gets its action, with its own numbers.

        Parameters
        ----------
        language : {"en", "zh"}, default "en"
            Language.

        Returns
        -------
        list of str
            One sentence or two per customer.
        """
        return list(write_reasons(self, language))

    def answers(self, language: Language = "en") -> tuple[Answer, ...]:
        """Answer the questions of the first page, each with customers, worth and names.

        Parameters
        ----------
        language : {"en", "zh"}, default "en"
            Language.

        Returns
        -------
        tuple of Answer
            Who needs somebody today; whom to win back, let go, develop; where too much is spent.
        """
        return answer_questions(self, language)

    def today(self, language: Language = "en", most: int | None = None) -> pd.DataFrame:
        """List who needs somebody today: open complaints, key and quiet, renewals.

        Parameters
        ----------
        language : {"en", "zh"}, default "en"
            Language of the texts.
        most : int, optional
            Rows at most.

        Returns
        -------
        pandas.DataFrame
            Most worth first: `customer_id`, `tier`, `state`, `trigger`, `worth` [money] (at stake
            for who is quiet or gone, what is expected of the others), `action`, `reason`.
        """
        return list_today(self, language, most)

    def win_back(self, language: Language = "en", most: int | None = None) -> pd.DataFrame:
        """List whom to win back.

        Parameters
        ----------
        language : {"en", "zh"}, default "en"
            Language of the texts.
        most : int, optional
            Rows at most.

        Returns
        -------
        pandas.DataFrame
            Most at stake first: as `today`, with the `cause` of leaving for the trigger; `tier` is
            the one a customer had.
        """
        return list_win_back(self, language, most)

    @property
    def _seen_to_leave(self) -> BoolArray | None:
        """Who has left as contracts show it; None where leaving is judged: the state says that."""
        seen = self.facts is not None and self.facts.contracts is not None
        return self.churn.churned if seen else None

    @property
    def share_of_wallet(self) -> FloatArray | None:
        """Share of each customer's spending in the whole category; None where not measured."""
        return self.facts.wallet.share if self.facts and self.facts.wallet else None

    def summary(self) -> pd.DataFrame:
        """Return customers and their future value by tier and stance.

        Returns
        -------
        pandas.DataFrame
            One row per tier and stance that occur.
        """
        return self.policy.summary()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CustomerView(TranslatedTable):
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
    _schema: ClassVar[tuple[Column, ...]] = (
        *taken("scores", *(column.name for column in CustomerScores._schema)),
        Column("loss_reason", "scores.facts.loss_reason", LOSS_REASONS),
        *taken("bases", "use_intensity", "benefit_sought", "loyalty", "attitude"),
        Column("contract_ended", "_ended:churned"),
        *taken("_causes", "cause", "sub_reason"),
        Column("cause_branch", "_causes:branch"),
        Column("recoverable", "_causes:recoverable", dtype="boolean"),
        *taken("_answers", "satisfaction", "perceived_value", "switching_cost"),
        *taken("_answers", "likelihood_to_recommend"),
    )

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def _ended(self) -> pd.DataFrame | None:
        ended = self.contract_churn
        return None if ended is None else self._aligned(ended.to_frame())

    def _causes(self, language: Language) -> pd.DataFrame | None:
        causes = self.causes
        return None if causes is None else self._aligned(causes.to_frame(language=language))

    @property
    def _answers(self) -> pd.DataFrame | None:
        return None if self.answers is None else self._aligned(self.answers)

    def _aligned(self, other: pd.DataFrame) -> pd.DataFrame:
        """Return the columns of `other` in the order of the customers; absent ones are empty."""
        rows = align_customer_ids(self.scores.customer_id, pd.Index(other["customer_id"]))
        found = other.drop(columns="customer_id").reset_index(drop=True).reindex(rows)
        return pd.DataFrame({name: found[name].to_numpy() for name in found})

    def summary(self) -> pd.DataFrame:
        """Return customers and their future value by tier and stance.

        Returns
        -------
        pandas.DataFrame
            One row per tier and stance that occur.
        """
        return self.scores.summary()
