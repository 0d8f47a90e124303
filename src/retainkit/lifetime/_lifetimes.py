"""The bridge to the lifetimes package, and the only file that imports it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from retainkit.errors import MissingDependencyError, NotComputableError, SchemaError, UnitError
from retainkit.lifetime import _kernel_beta_geometric
from retainkit.lifetime._compress import compress_histories, compress_rows, fingerprint_of
from retainkit.lifetime._histories import PurchaseHistories
from retainkit.lifetime._kernel_newton import Evaluation, log_covariance
from retainkit.lifetime._model import LikelihoodModel, as_count, to_tuples
from retainkit.lifetime.models import _kernel_bg_bb, _kernel_gamma_gamma, _kernel_pareto_nbd
from retainkit.lifetime.models._beta_geometric import BgNbdModel, MbgNbdModel
from retainkit.lifetime.models._bg_bb import BgBbModel
from retainkit.lifetime.models._gamma_gamma import GammaGammaModel
from retainkit.lifetime.models._pareto_nbd import ParetoNbdModel
from retainkit.typing import FloatArray, TimeUnit

LifetimesModel: TypeAlias = MbgNbdModel | BgNbdModel | ParetoNbdModel | GammaGammaModel | BgBbModel


class _Link(NamedTuple):
    """A fitter's model, and the fitter's names of its parameters."""

    model: type[LikelihoodModel]
    names: tuple[str, ...]
    columns: tuple[str, ...]
    """Columns of the data a fitter may still hold."""


_PURCHASES = ("frequency", "recency", "T", "weights")
_LINKS: dict[str, _Link] = {
    "ModifiedBetaGeoFitter": _Link(MbgNbdModel, ("r", "alpha", "a", "b"), _PURCHASES),
    "BetaGeoFitter": _Link(BgNbdModel, ("r", "alpha", "a", "b"), _PURCHASES),
    "ParetoNBDFitter": _Link(ParetoNbdModel, ("r", "alpha", "s", "beta"), _PURCHASES),
    "GammaGammaFitter": _Link(
        GammaGammaModel, ("p", "q", "v"), ("frequency", "monetary_value", "weights")
    ),
    "BetaGeoBetaBinomFitter": _Link(
        BgBbModel,
        ("alpha", "beta", "gamma", "delta"),
        ("frequency", "recency", "n_periods", "weights"),
    ),
}


def from_lifetimes(fitter: Any, *, unit: TimeUnit | None = None) -> LifetimesModel:
    """Turn a fitted lifetimes fitter into a model of this library.

    The parameters are taken over as they are. Where the fitter still holds its data, the
    log-likelihood and the covariance are computed anew at those parameters: lifetimes' own
    covariances between parameters are wrong, and its log-likelihood is a mean.

    Parameters
    ----------
    fitter : fitted lifetimes fitter
        A ModifiedBetaGeoFitter, BetaGeoFitter, ParetoNBDFitter, GammaGammaFitter or
        BetaGeoBetaBinomFitter, after `fit` or `load_model`.
    unit : {"day", "week", "month"}, optional
        Unit of time the fitter was fitted in; required for a model of purchases in continuous
        time, since the fitter does not know it. lifetimes' own default is the day.

    Returns
    -------
    MbgNbdModel, BgNbdModel, ParetoNbdModel, GammaGammaModel or BgBbModel
        The evidence is None where the fitter holds no data, and for a penalised fit.

    Raises
    ------
    SchemaError
        If the object is not one of these fitters.
    NotComputableError
        If it was not fitted.
    UnitError
        If the unit of a model of purchases is missing.

    Examples
    --------
    >>> from retainkit.lifetime import MbgNbdModel, from_lifetimes, to_lifetimes
    >>> model = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
    >>> from_lifetimes(to_lifetimes(model), unit="week") == model
    True
    """
    kind = _kind_of(fitter)
    link = _LINKS[kind]
    if not hasattr(fitter, "params_"):
        raise NotComputableError(
            f"the {kind} was not fitted", rule="only a fitted model has parameters", fix=".fit(...)"
        )
    values = [float(fitter.params_[name]) for name in link.names]
    fields: dict[str, Any] = dict(zip(link.model._names, values, strict=True))
    if "unit" in link.model.model_fields:
        if unit is None:
            raise UnitError(
                "the fitter does not know its unit of time",
                rule="every model of purchases names its unit",
                fix='from_lifetimes(fitter, unit="week"), or "day" if its summary used the default',
            )
        fields["unit"] = unit
    if _has_plain_data(fitter, link.columns):
        fields |= _evidence_of(kind, fitter.data, np.log(values), unit)
    model: Any = link.model.model_validate(fields)
    return model  # type: ignore[no-any-return]


def to_lifetimes(model: LikelihoodModel) -> Any:
    """Turn a model of this library into a lifetimes fitter with the same parameters.

    Parameters
    ----------
    model : MbgNbdModel, BgNbdModel, ParetoNbdModel, GammaGammaModel or BgBbModel
        Fitted or built by hand.

    Returns
    -------
    fitter of the lifetimes package
        With `params_`, and with `variance_matrix_` and `standard_errors_` where they are known;
        it predicts as after a fit, but holds no data.

    Raises
    ------
    MissingDependencyError
        If lifetimes is not installed.
    SchemaError
        If lifetimes has no such model.

    Examples
    --------
    >>> from retainkit.lifetime import GammaGammaModel, to_lifetimes
    >>> fitter = to_lifetimes(GammaGammaModel(p=6.25, q=3.74, gamma=15.44))
    >>> fitter.params_.to_dict()
    {'p': 6.25, 'q': 3.74, 'v': 15.44}
    """
    name = next((name for name, link in _LINKS.items() if isinstance(model, link.model)), None)
    if name is None:
        raise SchemaError(
            f"{type(model).__name__} has no counterpart",
            rule="one of " + ", ".join(link.model.__name__ for link in _LINKS.values()),
        )
    names = list(_LINKS[name].names)
    with _undisturbed():
        fitter = getattr(_import_lifetimes(), name)()
    fitter.params_ = pd.Series(list(model.parameters.values()), index=names)
    if model.log_covariance is not None:
        fitter.variance_matrix_ = pd.DataFrame(model.covariance, index=names, columns=names)
        fitter.standard_errors_ = np.sqrt(pd.Series(np.diag(model.covariance), index=names))
    if _LINKS[name].columns == _PURCHASES:
        fitter.predict = fitter.conditional_expected_number_of_purchases_up_to_time
    return fitter


def _kind_of(fitter: Any) -> str:
    """Name the fitter's class without importing lifetimes: who has a fitter has it loaded."""
    for kind in type(fitter).__mro__:
        module, name = kind.__module__, kind.__name__
        if module.split(".")[0] == "lifetimes":
            if name in _LINKS:
                return name
            break
    raise SchemaError(
        f"{type(fitter).__name__} cannot be taken over",
        rule="a lifetimes fitter: " + ", ".join(_LINKS),
        fix="fit_mbg_nbd(history) fits the data directly",
    )


def _evidence_of(
    kind: str, data: pd.DataFrame, theta: FloatArray, unit: TimeUnit | None
) -> dict[str, Any]:
    """Return likelihood, covariance and identity of the data at the fitter's parameters."""
    if kind == "GammaGammaFitter":
        columns = _compressed(data, ("frequency", "monetary_value"))
        at = _kernel_gamma_gamma.evaluate(theta, _kernel_gamma_gamma.prepare(*columns))
        return _evidence(at, columns, "money")
    if kind == "BetaGeoBetaBinomFitter":
        columns = _compressed(data, ("frequency", "recency", "n_periods"))
        x, t, n = (column.astype(np.int64) for column in columns[:3])
        at = _kernel_bg_bb.evaluate(theta, _kernel_bg_bb.BgBbData(x, t, n, columns[3]))
        return _evidence(at, columns, "opportunity")
    assert unit is not None
    history = PurchaseHistories(
        frequency=data["frequency"], recency=data["recency"], age=data["T"], unit=unit
    )
    rows = compress_histories(history, weights=data["weights"].to_numpy())
    columns = (rows.frequency, rows.recency, rows.age, rows.weights)
    if kind == "ParetoNBDFitter":
        at = _kernel_pareto_nbd.evaluate(theta, _kernel_pareto_nbd.prepare(*columns))
    else:
        first = float(kind == "ModifiedBetaGeoFitter")
        prepared = _kernel_beta_geometric.prepare(*columns, first=first)
        at = _kernel_beta_geometric.evaluate(theta, prepared)
    return _evidence(at, columns, unit)


def _compressed(data: pd.DataFrame, names: tuple[str, ...]) -> tuple[FloatArray, ...]:
    columns = tuple(data[name].to_numpy(dtype=np.float64) for name in names)
    weights = data["weights"].to_numpy(dtype=np.float64)
    keep = np.ones(len(weights), dtype=np.bool_)
    distinct, totals, _ = compress_rows(columns, weights=weights, keep=keep)
    return (*distinct, totals)


def _has_plain_data(fitter: Any, columns: tuple[str, ...]) -> bool:
    """Tell whether the fitter holds its data and its parameters maximise their likelihood."""
    data = getattr(fitter, "data", None)
    penalised = bool(getattr(fitter, "penalizer_coef", 0.0))
    return data is not None and not penalised and all(name in data for name in columns)


def _evidence(at: Evaluation, columns: tuple[FloatArray, ...], label: str) -> dict[str, Any]:
    return {
        "log_likelihood": at.value,
        "n": as_count(float(columns[-1].sum())),
        "log_covariance": to_tuples(log_covariance(-at.hessian)),
        "fingerprint": fingerprint_of(columns, label),
    }


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Undo what importing and building fitters does to the process.

    lifetimes silences FutureWarning everywhere and sets pandas' `mode.chained_assignment`.
    """
    option = "mode.chained_assignment"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = pd.get_option(option)
        try:
            yield
        finally:
            pd.set_option(option, before)


def _import_lifetimes() -> Any:
    try:
        import lifetimes
    except ImportError:
        raise MissingDependencyError(
            "the lifetimes package is not installed", fix="python -m pip install lifetimes"
        ) from None
    return lifetimes
