"""What customers are graded by: the four criteria, and the money among them."""

from __future__ import annotations

from retainkit._pipeline._config import TierBasis
from retainkit._pipeline._facts import CustomerFacts
from retainkit._pipeline._models import Predictions
from retainkit.typing import FloatArray
from retainkit.value import CustomerSummary, ValueScheme, ValueTable, score_value

FEW_ACCOUNTS = 200
"""Customers below which one goes by reasons and a call list rather than by tiers [count]."""


def graded_value(value: ValueTable, basis: TierBasis) -> FloatArray:
    """Return what customers are graded by [money]."""
    if basis == "expected_value":
        return value.future_potential
    return value.contribution if basis == "contribution" else value.historical_contribution


def score_criteria(
    summary: CustomerSummary,
    scheme: ValueScheme,
    predictions: Predictions,
    facts: CustomerFacts | None,
) -> ValueTable:
    """Score the four criteria of each customer."""
    return score_value(
        summary,
        scheme,
        future_value=predictions.future_value,
        background=facts.background if facts else None,
        business_breadth=breadth_of(facts),
        is_business=facts.is_business if facts else None,
    )


def settle_basis(wanted: TierBasis, predictions: Predictions) -> tuple[TierBasis, tuple[str, ...]]:
    """Return the basis that can be used, and a note where it is not the one asked for."""
    if wanted == "expected_value" and predictions.future_value is None:
        note = "customers are graded by yearly contribution: there is no forecast of money"
        return "historical_contribution", (note,)
    forecast = predictions.forecast
    why = ""
    if wanted == "expected_value" and forecast is not None:
        if len(forecast) < FEW_ACCOUNTS:
            why = f"fewer than {FEW_ACCOUNTS} accounts are too few for tiers by forecast"
        elif forecast.ranks == "no":
            why = "the forecast does not rank them"
    if why:
        note = f"customers are graded by what they brought (yearly contribution): {why}"
        return "historical_contribution", (note,)
    return wanted, ()


def breadth_of(facts: CustomerFacts | None) -> FloatArray | None:
    """Return the effective number of business lines where behaviour was described, else None."""
    behavior = facts.behavior if facts else None
    return behavior.lines.effective if behavior is not None and behavior.lines else None
