"""Probability models of buying, dropout and spend.

Fit a small frozen model from purchase histories (`fit_mbg_nbd`, `fit_gamma_gamma`), then ask it
about any customer: `p_alive`, `expected_purchases`, `expected_spend`. Histories come from
`retainkit.value.summarize_customers` or, by hand, from `PurchaseHistories`.
"""

from __future__ import annotations

from retainkit.lifetime._bg_nbd import BgNbdModel, fit_bg_nbd
from retainkit.lifetime._compress import CompressedHistories, compress_histories
from retainkit.lifetime._config import FitConfig, HistoryColumns
from retainkit.lifetime._gamma_gamma import GammaGammaModel, fit_gamma_gamma
from retainkit.lifetime._histories import PurchaseHistories
from retainkit.lifetime._lifetimes import from_lifetimes, to_lifetimes
from retainkit.lifetime._mbg_nbd import MbgNbdModel, fit_mbg_nbd
from retainkit.lifetime._nbd import NbdModel, fit_nbd
from retainkit.lifetime._pareto_nbd import ParetoNbdModel, fit_pareto_nbd
from retainkit.lifetime._protocols import PurchaseHistory, PurchaseModel, SpendModel

__all__ = [
    "BgNbdModel",
    "CompressedHistories",
    "FitConfig",
    "GammaGammaModel",
    "HistoryColumns",
    "MbgNbdModel",
    "NbdModel",
    "ParetoNbdModel",
    "PurchaseHistories",
    "PurchaseHistory",
    "PurchaseModel",
    "SpendModel",
    "compress_histories",
    "fit_bg_nbd",
    "fit_gamma_gamma",
    "fit_mbg_nbd",
    "fit_nbd",
    "fit_pareto_nbd",
    "from_lifetimes",
    "to_lifetimes",
]
