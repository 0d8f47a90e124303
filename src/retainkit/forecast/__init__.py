"""Who will still be there and what will they bring, and how far that can be trusted.

`fit_forecast` learns from windows of a base's own past and judges itself by walking forward;
`ForecastModel.apply` then forecasts each customer on its own. `judge_forecast` holds any forecast
against what came.
"""

from __future__ import annotations

from retainkit.forecast._config import ForecastConfig
from retainkit.forecast._evidence import Origin, Trust
from retainkit.forecast._fit import fit_forecast, forecast_by_lifetime
from retainkit.forecast._judge import ForecastMeasures, judge_forecast
from retainkit.forecast._model import ForecastModel
from retainkit.forecast._table import ForecastTable

__all__ = [
    "ForecastConfig",
    "ForecastMeasures",
    "ForecastModel",
    "ForecastTable",
    "Origin",
    "Trust",
    "fit_forecast",
    "forecast_by_lifetime",
    "judge_forecast",
]
