"""Who will still be there and what will they bring, and how far that can be trusted.

`fit_forecast` learns from windows of a base's own past and judges itself by walking forward;
`ForecastModel.apply` then forecasts each customer on its own. For contracts `fit_renewal_model`
and `predict_renewal` do the same. `judge_forecast` holds any forecast against what came.
"""

from __future__ import annotations

from retainkit.forecast._activity import Activity, ActivityModel
from retainkit.forecast._config import ForecastConfig
from retainkit.forecast._contracts import forecast_contracts, join_forecasts
from retainkit.forecast._estimator import EstimatorTrial, ValueEstimator
from retainkit.forecast._evidence import Origin, Trust
from retainkit.forecast._from_tables import fit_forecast, forecast_by_lifetime
from retainkit.forecast._judge import ForecastMeasures, judge_forecast
from retainkit.forecast._model import ForecastModel
from retainkit.forecast._renewal import fit_renewal_model
from retainkit.forecast._renewal_model import RenewalModel
from retainkit.forecast._renewal_predict import predict_renewal
from retainkit.forecast._table import ForecastTable
from retainkit.forecast._window import p_active_within
from retainkit.forecast._words import describe_trust

__all__ = [
    "Activity",
    "ActivityModel",
    "EstimatorTrial",
    "ForecastConfig",
    "ForecastMeasures",
    "ForecastModel",
    "ForecastTable",
    "Origin",
    "RenewalModel",
    "Trust",
    "ValueEstimator",
    "describe_trust",
    "fit_forecast",
    "fit_renewal_model",
    "forecast_by_lifetime",
    "forecast_contracts",
    "join_forecasts",
    "judge_forecast",
    "p_active_within",
    "predict_renewal",
]
