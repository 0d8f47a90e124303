"""describe_trust: how far a forecast can be trusted, in words and numbers."""

from __future__ import annotations

import math

import numpy as np

from retainkit._core.catalogue import read_labels
from retainkit.forecast._evidence import NOT_RANKED
from retainkit.forecast._model import ForecastModel, discount_factor
from retainkit.forecast._table import ForecastTable
from retainkit.forecast._totals import follows_season
from retainkit.typing import Language

_TEXTS = read_labels("retainkit.forecast", "trust", "trust")


def describe_trust(
    table: ForecastTable,
    model: ForecastModel | None = None,
    *,
    annual_discount_rate: float = 0.0,
    horizon_days: int | None = None,
    last_span: float | None = None,
    language: Language = "en",
) -> tuple[str, ...]:
    """Say how far a forecast can be trusted: its total, its ranking, how earlier ones did.

    Parameters
    ----------
    table : ForecastTable
        What was forecast.
    model : ForecastModel, optional
        What it was learnt from, with the evidence; None for contracts alone.
    annual_discount_rate : float, default 0.0
        Yearly rate at which the table is discounted.
    horizon_days : int, optional
        Days ahead of the table, for contracts alone; a model knows them [day].
    last_span : float, optional
        Money of the base in as many days before, to compare with [money]; None or NaN takes the
        ratio that the model was learnt with.
    language : {"en", "zh"}, default "en"
        Language of the sentences; what the run itself noted stays in English.

    Returns
    -------
    tuple of str
        One sentence each, most important first.

    Examples
    --------
    >>> import retainkit as rk
    >>> from retainkit.forecast import describe_trust
    >>> result = rk.RetentionPipeline().run(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> words = describe_trust(result.forecast, result.model.forecast)
    >>> words[1].startswith("Earlier forecasts ordered customers better than chance")
    True
    """

    def say(name: str, **numbers: object) -> str:
        return _TEXTS[name].text(language).format(**numbers)

    total = math.fsum(table.expected_value[np.isfinite(table.expected_value)].tolist())
    money = f"{total:,.0f}"
    if annual_discount_rate > 0.0:
        money = say("discounted", total=money, rate=f"{100.0 * annual_discount_rate:g}")
    notes = [say("note", note=note) for note in table.notes if note != NOT_RANKED]
    ranks = table.ranks.replace(" ", "_")
    if model is None:
        known = bool(np.isfinite(table.expected_value).any())
        ahead = [say("no_total")] if not known else []
        if known and horizon_days is not None:
            ahead = [say("total_alone", horizon=f"{horizon_days:,}", total=money)]
        return (*ahead, say(f"contracts_{ranks}"), *notes)
    horizon, trust = f"{model.horizon_days:,}", model.trust
    ratio = model.total_ratio
    if last_span is not None and last_span > 0.0:
        ratio = total / discount_factor(model.horizon_days, annual_discount_rate) / last_span
    if ratio is None:
        said = [say("total_alone", horizon=horizon, total=money)]
    else:
        said = [say("total", horizon=horizon, total=money, ratio=f"{ratio:.2f}")]
    if follows_season(dict(model.totals)):
        said.append(say("season"))
    z = "–" if trust.z is None else f"{trust.z:.1f}"
    said.append(say(f"ranks_{ranks}", z=z, customers=f"{trust.customers:,}", origins=trust.origins))
    longest = [one for one in model.origins if one.share == model.origins[0].share]
    if longest:
        error = np.mean([one.calibration_error for one in longest])
        noise = np.mean([one.noise_floor for one in longest])
        levels = ", ".join(f"{one.expected / one.actual:.2f}" for one in longest)
        said.append(
            say(
                "levels",
                origins=len(longest),
                levels=levels,
                error=f"{error:.3f}",
                noise=f"{noise:.3f}",
            )
        )
    return (*said, *notes)
