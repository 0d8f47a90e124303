"""Why a lifetime value is not known, per customer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from retainkit._core.labels import Label
from retainkit._pipeline._facts import CustomerFacts
from retainkit._pipeline._models import Models
from retainkit.typing import IntArray, Language
from retainkit.value import CustomerSummary

LIFETIME_NOTES: tuple[Label, ...] = (
    Label(en="", zh=""),
    Label(en="no purchase yet", zh="尚无购买"),
    Label(en="the base supports no model of buying", zh="该客户群无法支持购买模型"),
    Label(
        en="dropout cannot be told from silence on this base",
        zh="在该客户群中无法区分流失与沉默",
    ),
    Label(en="no contract of this term was learnt from", zh="没有可供学习的同期限合同"),
)
"""Texts by code; 0 where the value is known."""

_NO_PURCHASE, _NO_MODEL, _NO_DROPOUT, _NO_TERM = range(1, len(LIFETIME_NOTES))


def lifetime_notes(
    summary: CustomerSummary, models: Models, facts: CustomerFacts | None
) -> IntArray:
    """Return why each lifetime value is missing, by code; 0 where it is known."""
    contracts = facts.contracts if facts else None
    if contracts is not None:
        learnt = np.isin(contracts.term_months, [one.term_months for one in models.contracts])
        known = (
            learnt | contracts.is_in("ended") | (contracts.charged == 0) & bool(models.contracts)
        )
        return np.where(known, 0, _NO_TERM)
    if models.purchase is None:
        return np.full(len(summary), _NO_MODEL)
    if not models.purchase.dropout_is_identified:
        return np.full(len(summary), _NO_DROPOUT)
    return np.where(summary.occasions > 0, 0, _NO_PURCHASE)


def write_notes(codes: IntArray, language: Language) -> pd.Categorical[Any]:
    """Return the notes as texts; missing where there is none."""
    texts = pd.Index([label.text(language) for label in LIFETIME_NOTES[1:]])
    return pd.Categorical.from_codes(codes - 1, categories=texts)
