"""Probability models of buying, dropout and spend.

Fit a small frozen model from purchase histories (`fit_mbg_nbd`, `fit_pareto_nbd`, `fit_bg_nbd`,
`fit_nbd`; spend: `fit_gamma_gamma`), then ask it about any customer: `p_alive`,
`expected_purchases`, `discounted_purchases`, `expected_spend`. Histories come from
`retainkit.value.summarize_customers` or, by hand, from `PurchaseHistories`. For purchases at fixed
opportunities there is `fit_bg_bb`; where more is known of customers than their purchases,
`fit_with_covariates`; for contracts, where leaving is seen, `fit_shifted_beta_geometric` and
`fit_beta_discrete_weibull`.
"""

from __future__ import annotations

from retainkit.lifetime._compress import CompressedHistories, compress_histories
from retainkit.lifetime._config import FitConfig, HistoryColumns
from retainkit.lifetime._future_value import probability_value_exceeds, probability_value_exceeds_at
from retainkit.lifetime._histories import (
    PurchaseHistories,
    PurchaseHistory,
    PurchaseModel,
    SpendModel,
    split_histories,
)
from retainkit.lifetime._judge import (
    ModelComparison,
    compare_frequencies,
    compare_models,
    measure_coverage,
)
from retainkit.lifetime._lifetimes import from_lifetimes, to_lifetimes
from retainkit.lifetime._uncertainty import (
    bootstrap_interval,
    bootstrap_models,
    delta_interval,
    draw_histories,
    predict_total,
)
from retainkit.lifetime.covariates._covariates import CovariateConfig, CovariateEffect, Covariates
from retainkit.lifetime.covariates._fit import fit_with_covariates
from retainkit.lifetime.covariates._model import BoundCovariateModel, CovariateModel
from retainkit.lifetime.models import ContractModelUnion, PurchaseModelUnion
from retainkit.lifetime.models._beta_geometric import (
    BgNbdModel,
    MbgNbdModel,
    fit_bg_nbd,
    fit_mbg_nbd,
)
from retainkit.lifetime.models._bg_bb import BgBbModel, fit_bg_bb
from retainkit.lifetime.models._contract import (
    BetaDiscreteWeibullModel,
    ContractTenures,
    ShiftedBetaGeometricModel,
    fit_beta_discrete_weibull,
    fit_shifted_beta_geometric,
    tenures_from_survivors,
)
from retainkit.lifetime.models._gamma_gamma import GammaGammaModel, fit_gamma_gamma
from retainkit.lifetime.models._pareto_nbd import NbdModel, ParetoNbdModel, fit_nbd, fit_pareto_nbd
from retainkit.lifetime.models._regular import MbgCnbdModel, estimate_regularity, fit_mbg_cnbd

__all__ = [
    "BetaDiscreteWeibullModel",
    "BgBbModel",
    "BgNbdModel",
    "BoundCovariateModel",
    "CompressedHistories",
    "ContractModelUnion",
    "ContractTenures",
    "CovariateConfig",
    "CovariateEffect",
    "CovariateModel",
    "Covariates",
    "FitConfig",
    "GammaGammaModel",
    "HistoryColumns",
    "MbgCnbdModel",
    "MbgNbdModel",
    "ModelComparison",
    "NbdModel",
    "ParetoNbdModel",
    "PurchaseHistories",
    "PurchaseHistory",
    "PurchaseModel",
    "PurchaseModelUnion",
    "ShiftedBetaGeometricModel",
    "SpendModel",
    "bootstrap_interval",
    "bootstrap_models",
    "compare_frequencies",
    "compare_models",
    "compress_histories",
    "delta_interval",
    "draw_histories",
    "estimate_regularity",
    "fit_beta_discrete_weibull",
    "fit_bg_bb",
    "fit_bg_nbd",
    "fit_gamma_gamma",
    "fit_mbg_cnbd",
    "fit_mbg_nbd",
    "fit_nbd",
    "fit_pareto_nbd",
    "fit_shifted_beta_geometric",
    "fit_with_covariates",
    "from_lifetimes",
    "measure_coverage",
    "predict_total",
    "probability_value_exceeds",
    "probability_value_exceeds_at",
    "split_histories",
    "tenures_from_survivors",
    "to_lifetimes",
]
