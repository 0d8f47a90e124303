"""fit_forecast, forecast_by_lifetime: learn from transactions, or from a summary alone."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.codes import number_ids
from retainkit._core.time import day_number, parse_as_of, to_day_numbers
from retainkit.errors import AlignmentError, AsOfError, SchemaError
from retainkit.forecast._activity import PastActivity, fit_activity
from retainkit.forecast._config import ForecastConfig
from retainkit.forecast._draw import by_content, hashed_order, sample_log
from retainkit.forecast._estimator import ValueEstimator
from retainkit.forecast._evidence import Trust
from retainkit.forecast._fit import PRIOR_DRIFT, USUAL_RHYTHM, fit_log, share_base
from retainkit.forecast._kernel_features import measure_scales
from retainkit.forecast._kernel_log import PurchaseLog
from retainkit.forecast._learn import FitPurchases
from retainkit.forecast._model import ForecastModel
from retainkit.forecast._past_values import PastValue, recall_values
from retainkit.forecast._purchase_facts import PurchaseFacts, covariate_columns, known_of
from retainkit.lifetime import Covariates, PurchaseModelUnion, fit_mbg_nbd
from retainkit.typing import AsOf, FloatArray

_REQUIRED = ("customer_id", "timestamp", "amount")
_FIX = "pass the frame that tables.validate_transactions returns"


def fit_forecast(
    transactions: pd.DataFrame,
    *,
    as_of: AsOf,
    horizon_days: int = 365,
    customer_id: pd.Index[Any] | None = None,
    fit: FitPurchases | None = fit_mbg_nbd,
    lifetime: PurchaseModelUnion | None = None,
    estimator: ValueEstimator | None = None,
    covariates: Covariates | None = None,
    config: ForecastConfig | None = None,
) -> ForecastModel:
    """Learn who will buy within the horizon and for how much, and judge that on the past.

    The regressions learn from windows of the observed time that have ended; the same learning is
    repeated on earlier days and held against what came (`origins`, `trust`). Nothing after `as_of`
    is seen. A base that supports no forecast gives a model whose `notes` say why, not an error.

    Parameters
    ----------
    transactions : pandas.DataFrame
        Valid transactions (see `tables.validate_transactions`): `customer_id`, `timestamp`
        (naive datetime), `amount` [money].
    as_of : str, date or datetime
        Last observed day, inclusive. Later rows are left out.
    horizon_days : int, default 365
        Days ahead that the forecast speaks of [day].
    customer_id : pandas.Index, optional
        Names of the customers where `transactions` numbers them 0, 1, ...; customers to learn
        from are drawn by their name.
    fit : callable, optional
        Fits the lifetime model that is one of the columns, on each day that is learnt from;
        default `fit_mbg_nbd`. None does without.
    lifetime : MbgNbdModel, BgNbdModel, ParetoNbdModel or NbdModel, optional
        The lifetime model of the whole base, where it has been fitted already [week]; None fits
        one with `fit` on the customers learnt from.
    estimator : ValueEstimator, optional
        An estimator of your own that competes with the built-in ranking of expected value. Copies
        of it are fitted on earlier days, the object itself for `as_of`: keep it to score with.
    covariates : Covariates, optional
        What does not change about the customers named by `customer_id`, one row each, without
        gaps: further columns of the regressions. `.apply` then needs them too.
    config : ForecastConfig, optional
        How to learn; default `ForecastConfig()`.

    Returns
    -------
    ForecastModel
        The learnt model; `.apply(summary)` forecasts customers. Row order changes nothing, to the
        last bit.

    Raises
    ------
    SchemaError
        If a column is missing, is not of the valid type, or holds an undefined value, or
        `horizon_days` is not a positive whole number.
    AlignmentError
        If `customer_id` names fewer customers than `transactions` numbers.
    AsOfError
        If `as_of` is no calendar day, or all rows lie after it.

    Notes
    -----
    *Who buys*: logistic regression with a ridge penalty on what is known of a customer: age,
    silence (also in the customer's own rhythm), purchases and money in all and in recent
    windows, and the log-odds of a lifetime model; times in units of the window, money in mean
    baskets. Where gaps are more even than chance (`estimate_regularity`) the lifetime model is
    MBG/CNBD-k. *What it brings*: three ways to expect it, their square roots averaged: a
    regression of log(1 + money), the lifetime model times own spend, and past spend; the weights
    make where the money went on earlier days likeliest (EM). *The total*: a weighted
    geometric mean of up to four ways to tell it (regression, lifetime model, what each age brought
    in the last span, last year's season), the weights from how far each was off on earlier days.
    *Intervals*: what held `level` of the
    customers of each predicted size who were left out of the learning, widened by how far earlier
    totals were off: split conformal prediction within groups of predicted size. *Trust*: the
    rank correlation of forecast and outcome over earlier days, in standard errors.

    References
    ----------
    Platzer, M. & Reutterer, T. (2016). Ticking away the moments: timing regularity helps to
    better predict customer activity. Marketing Science 35(5), 779-799.

    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). "Counting your customers" the easy way.
    Marketing Science 24(2), 275-284; here in the form of Batislam, E. P., Denizel, M. &
    Filiztekin, A. (2007), Int. J. of Research in Marketing 24(3), 201-209.

    Reutterer, T., Platzer, M. & Schroeder, N. (2021). Leveraging purchase regularity for predicting
    customer behavior the easy way. Int. J. of Research in Marketing 38(1), 194-215.

    Lei, J., G'Sell, M., Rinaldo, A., Tibshirani, R. J. & Wasserman, L. (2018). Distribution-free
    predictive inference for regression. JASA 113(523), 1094-1111.

    Examples
    --------
    >>> import retainkit as rk
    >>> rows = rk.load_cdnow_sample()
    >>> model = rk.fit_forecast(rows, as_of="1998-06-30", horizon_days=180)
    >>> model.trust.ranks
    'yes'
    >>> forecast = model.apply(rk.summarize_customers(rows, as_of="1998-06-30"))
    >>> bool(forecast.p_active.min() >= 0.0 and forecast.p_active.max() <= 1.0)
    True
    """
    return learn_forecast(
        transactions,
        as_of=as_of,
        horizon_days=horizon_days,
        customer_id=customer_id,
        fit=fit,
        lifetime=lifetime,
        estimator=estimator,
        covariates=covariates,
        config=config,
    )[0]


class LearntForecast(NamedTuple):
    """The forecast, and what earlier days said of states and of money, with what came."""

    model: ForecastModel
    activity: tuple[PastActivity, ...]
    values: tuple[PastValue, ...]


def learn_forecast(
    transactions: pd.DataFrame,
    *,
    as_of: AsOf,
    horizon_days: int = 365,
    customer_id: pd.Index[Any] | None = None,
    fit: FitPurchases | None = fit_mbg_nbd,
    lifetime: PurchaseModelUnion | None = None,
    estimator: ValueEstimator | None = None,
    covariates: Covariates | None = None,
    config: ForecastConfig | None = None,
    recall_days: float | None = None,
) -> LearntForecast:
    """Learn the forecast, and what was known and expected of customers on earlier days."""
    last, config = parse_as_of(as_of), config or ForecastConfig()
    if isinstance(horizon_days, bool) or horizon_days != int(horizon_days) or horizon_days < 1:
        raise SchemaError(
            f"horizon_days is {horizon_days!r}",
            rule="a positive whole number of days",
            where="horizon_days",
        )
    log = _read_log(transactions, last, customer_id, covariates, config)
    base, judged = share_base(log, fit, config.judged_customers)
    model = fit_log(
        log,
        as_of=last,
        horizon_days=int(horizon_days),
        fit=fit,
        lifetime=lifetime,
        estimator=estimator,
        config=config,
        bases=(base, judged),
    )
    today = day_number(last)
    activity, past = fit_activity(base, today, model.lifetime, config.ridge)
    values: tuple[PastValue, ...] = ()
    if activity is not None and model.regressions is not None:
        ahead = round(recall_days or model.horizon_days)
        values = recall_values(judged, today, ahead, config.ridge, activity.window_days, model.mix)
    names = () if covariates is None else covariates.names
    return LearntForecast(model.replace(activity=activity, covariates=names), past, values)


def _read_log(
    transactions: pd.DataFrame,
    last: date,
    customer_id: pd.Index[Any] | None,
    covariates: Covariates | None,
    config: ForecastConfig,
) -> PurchaseLog:
    """Return the log of the customers learnt from, up to the last day."""
    days, amounts = _check_rows(transactions)
    seen = days <= day_number(last)
    if not seen.any():
        first = date.fromordinal(int(days.min()) + date(1970, 1, 1).toordinal()) if len(days) else 0
        raise AsOfError(
            f"as_of is {last}, the first transaction is on {first}" if first else "no transaction",
            rule="as_of is the last observed day: at least one row is not after it",
            where="as_of",
            fix="pass the last day the data cover",
        )
    codes, ids = number_ids(transactions["customer_id"][seen])
    if codes.min() < 0:
        raise _undefined("customer_id", int(np.count_nonzero(codes < 0)))
    names = ids if customer_id is None else _name(ids, customer_id)
    order = hashed_order(names, config.max_customers)
    log = sample_log(codes, days[seen], amounts[seen], order)
    if covariates is not None:
        log = log._replace(covariates=_covariates_of(ids, customer_id, covariates)[order])
    return by_content(log, config.judged_customers)


def _covariates_of(
    numbers: pd.Index[Any], customer_id: pd.Index[Any] | None, covariates: Covariates
) -> FloatArray:
    """Return the covariates of numbered customers."""
    if customer_id is None:
        raise SchemaError(
            "covariates are given without customer_id",
            rule="row i of the covariates belongs to customer_id[i], numbered i in transactions",
            where="covariates",
            fix="number the customers and pass customer_id, or run RetentionPipeline",
        )
    known = covariate_columns(covariates.names, covariates, len(customer_id))
    assert known is not None
    return np.asarray(known[numbers.to_numpy()])


def _check_rows(transactions: Any) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """Return day and amount of each row; SchemaError unless the columns are valid."""
    if not isinstance(transactions, pd.DataFrame):
        raise SchemaError(
            f"transactions is a {type(transactions).__name__}",
            rule="transactions is a valid pandas frame",
            where="transactions",
            fix=_FIX,
        )
    missing = [name for name in _REQUIRED if name not in transactions]
    if missing:
        raise SchemaError(
            f"no column {missing[0]!r} among {list(transactions.columns)[:12]}",
            rule=f"valid transactions have {', '.join(_REQUIRED)}",
            where="transactions",
            fix=_FIX,
        )
    stamps, amount = transactions["timestamp"].to_numpy(), transactions["amount"]
    for name, kind, kinds in (
        ("timestamp", stamps.dtype.kind, "M"),
        ("amount", amount.dtype.kind, "iuf"),
    ):
        if kind not in kinds:
            raise SchemaError(
                f"{name} has type {transactions[name].dtype}",
                rule="timestamps are datetimes without time zone, amounts are numbers",
                where=f"transactions[{name!r}]",
                fix=_FIX,
            )
    amounts = amount.to_numpy(dtype=np.float64)
    for name, wrong in (("timestamp", np.isnat(stamps)), ("amount", ~np.isfinite(amounts))):
        if wrong.any():
            raise _undefined(name, int(np.count_nonzero(wrong)))
    return to_day_numbers(stamps), amounts


def _undefined(column: str, count: int) -> SchemaError:
    return SchemaError(
        f"{count:,} rows have no defined {column}",
        rule=f"{column} is defined and finite in every valid row",
        where=f"transactions[{column!r}]",
        fix=_FIX,
    )


def _name(numbers: pd.Index[Any], names: pd.Index[Any]) -> pd.Index[Any]:
    """Return the names of numbered customers."""
    most = int(numbers.max())
    if most >= len(names):
        raise AlignmentError(
            f"transactions number {most + 1:,} customers, customer_id names {len(names):,}",
            rule="customer_id names each number in transactions",
            where="customer_id",
            fix="pass the index the customers were numbered by, or leave customer_id out",
        )
    return names[numbers]


def forecast_by_lifetime(
    model: PurchaseModelUnion | None,
    summary: PurchaseFacts,
    *,
    horizon_days: int = 365,
    config: ForecastConfig | None = None,
) -> ForecastModel:
    """Forecast by a lifetime model alone, where only a summary of the base is at hand.

    Parameters
    ----------
    model : MbgNbdModel, BgNbdModel, ParetoNbdModel, NbdModel or None
        Model of buying and dropout; None gives a model that forecasts nothing and says so.
    summary : CustomerSummary
        The base.
    horizon_days : int, default 365
        Days ahead [day].
    config : ForecastConfig, optional
        What to learn.

    Returns
    -------
    ForecastModel
        Without intervals and not judged: `trust.ranks` is "not known".

    Examples
    --------
    >>> import retainkit as rk
    >>> summary = rk.summarize_customers(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> forecast_by_lifetime(rk.fit_mbg_nbd(summary), summary).trust.ranks
    'not known'
    """
    bought = summary.occasions > 0
    scales = measure_scales(known_of(summary, np.flatnonzero(bought)))
    return ForecastModel(
        config=config or ForecastConfig(),
        as_of=summary.as_of,
        horizon_days=horizon_days,
        tested_days=0,
        base_gap=scales.gap,
        basket=scales.basket,
        regressions=None,
        lifetime=model,
        factor=1.0,
        interval=None,
        drift=PRIOR_DRIFT,
        rhythm=USUAL_RHYTHM,
        totals=(),
        weights=(),
        total_ratio=None,
        trust=Trust(ranks="not known", z=None, customers=0, origins=0, window_days=0),
        origins=(),
        notes=("forecast by the lifetime model alone: earlier forecasts were not judged",),
    )
