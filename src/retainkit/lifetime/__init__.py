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

from retainkit.lifetime._beta_geometric import BgNbdModel, MbgNbdModel, fit_bg_nbd, fit_mbg_nbd
from retainkit.lifetime._bg_bb import BgBbModel
from retainkit.lifetime._compare import ModelComparison, compare_models
from retainkit.lifetime._compress import CompressedHistories, compress_histories
from retainkit.lifetime._config import FitConfig, HistoryColumns
from retainkit.lifetime._contract import (
    BetaDiscreteWeibullModel,
    ContractTenures,
    ShiftedBetaGeometricModel,
    tenures_from_survivors,
)
from retainkit.lifetime._covariates import Covariates
from retainkit.lifetime._covariates_bound import BoundCovariateModel
from retainkit.lifetime._covariates_config import CovariateConfig, CovariateEffect
from retainkit.lifetime._covariates_fit import fit_with_covariates
from retainkit.lifetime._covariates_model import CovariateModel, LikelihoodRatio
from retainkit.lifetime._coverage import IntervalCoverage, measure_coverage
from retainkit.lifetime._fit_contract import (
    fit_beta_discrete_weibull,
    fit_shifted_beta_geometric,
)
from retainkit.lifetime._frequencies import compare_frequencies
from retainkit.lifetime._future_value import (
    probability_value_exceeds,
    probability_value_exceeds_at,
)
from retainkit.lifetime._gamma_gamma import GammaGammaModel, fit_gamma_gamma
from retainkit.lifetime._histories import PurchaseHistories
from retainkit.lifetime._lifetimes import from_lifetimes, to_lifetimes
from retainkit.lifetime._nbd import NbdModel, fit_nbd
from retainkit.lifetime._opportunity_fit import fit_bg_bb
from retainkit.lifetime._pareto_nbd import ParetoNbdModel, fit_pareto_nbd
from retainkit.lifetime._protocols import PurchaseHistory, PurchaseModel, SpendModel
from retainkit.lifetime._regular import MbgCnbdModel, fit_mbg_cnbd
from retainkit.lifetime._regularity import estimate_regularity
from retainkit.lifetime._simulate import draw_histories
from retainkit.lifetime._split import HoldoutSplit, split_histories
from retainkit.lifetime._uncertainty import (
    Estimate,
    TotalInterval,
    bootstrap_interval,
    bootstrap_models,
    delta_interval,
    predict_total,
)
from retainkit.lifetime._unions import ContractModelUnion, PurchaseModelUnion

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
    "Estimate",
    "FitConfig",
    "GammaGammaModel",
    "HistoryColumns",
    "HoldoutSplit",
    "IntervalCoverage",
    "LikelihoodRatio",
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
    "TotalInterval",
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
