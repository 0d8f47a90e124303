"""The bridge to the lifetimes package, and the only file that imports it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd

from retainkit.errors import MissingDependencyError, NotComputableError, SchemaError, UnitError
from retainkit.lifetime import _kernel_beta_geometric, _kernel_gamma_gamma
from retainkit.lifetime._compress import compress_histories, compress_rows, fingerprint_of
from retainkit.lifetime._gamma_gamma import GammaGammaModel
from retainkit.lifetime._histories import PurchaseHistories
from retainkit.lifetime._kernel_newton import Evaluation, log_covariance
from retainkit.lifetime._mbg_nbd import MbgNbdModel
from retainkit.lifetime._model import LikelihoodModel, as_count, to_tuples
from retainkit.typing import FloatArray, TimeUnit


def from_lifetimes(fitter: Any, *, unit: TimeUnit | None = None) -> MbgNbdModel | GammaGammaModel:
    """Turn a fitted lifetimes fitter into a model of this library.

    The parameters are taken over as they are. Where the fitter still holds its data, the
    log-likelihood and the covariance are computed anew at those parameters: lifetimes' own
    covariances between parameters are wrong, and its log-likelihood is a mean.

    Parameters
    ----------
    fitter : lifetimes.ModifiedBetaGeoFitter or lifetimes.GammaGammaFitter
        After `fit` or `load_model`.
    unit : {"day", "week", "month"}, optional
        Unit of time the fitter was fitted in; required for a model of purchases, since the
        fitter does not know it. lifetimes' own default is the day.

    Returns
    -------
    MbgNbdModel or GammaGammaModel
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
    if not hasattr(fitter, "params_"):
        raise NotComputableError(
            f"the {kind} was not fitted", rule="only a fitted model has parameters", fix=".fit(...)"
        )
    parameters = {str(name): float(value) for name, value in dict(fitter.params_).items()}
    if kind == "GammaGammaFitter":
        parameters["gamma"] = parameters.pop("v")
        return GammaGammaModel.model_validate({**parameters, **_spend_evidence(fitter, parameters)})
    if unit is None:
        raise UnitError(
            "the fitter does not know its unit of time",
            rule="every model of purchases names its unit",
            fix='from_lifetimes(fitter, unit="week"), or "day" if its summary used the default',
        )
    evidence = _purchase_evidence(fitter, parameters, unit)
    return MbgNbdModel.model_validate({**parameters, "unit": unit, **evidence})


def to_lifetimes(model: LikelihoodModel) -> Any:
    """Turn a model of this library into a lifetimes fitter with the same parameters.

    Parameters
    ----------
    model : MbgNbdModel or GammaGammaModel
        Fitted or built by hand.

    Returns
    -------
    lifetimes.ModifiedBetaGeoFitter or lifetimes.GammaGammaFitter
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
    if isinstance(model, MbgNbdModel):
        name, names = "ModifiedBetaGeoFitter", ["r", "alpha", "a", "b"]
    elif isinstance(model, GammaGammaModel):
        name, names = "GammaGammaFitter", ["p", "q", "v"]
    else:
        raise SchemaError(
            f"{type(model).__name__} has no counterpart", rule="MbgNbdModel or GammaGammaModel"
        )
    with _undisturbed():
        fitter = getattr(_import_lifetimes(), name)()
    fitter.params_ = pd.Series(list(model.parameters.values()), index=names)
    if model.log_covariance is not None:
        fitter.variance_matrix_ = pd.DataFrame(model.covariance, index=names, columns=names)
        fitter.standard_errors_ = np.sqrt(pd.Series(np.diag(model.covariance), index=names))
    if isinstance(model, MbgNbdModel):
        fitter.predict = fitter.conditional_expected_number_of_purchases_up_to_time
    return fitter


def _kind_of(fitter: Any) -> str:
    """Name the fitter's class without importing lifetimes: who has a fitter has it loaded."""
    for kind in type(fitter).__mro__:
        module, name = kind.__module__, kind.__name__
        if module.split(".")[0] == "lifetimes":
            if name in ("ModifiedBetaGeoFitter", "GammaGammaFitter"):
                return name
            break
    raise SchemaError(
        f"{type(fitter).__name__} cannot be taken over",
        rule="a lifetimes ModifiedBetaGeoFitter or GammaGammaFitter",
        fix="fit_mbg_nbd(history) fits the data directly",
    )


def _purchase_evidence(fitter: Any, parameters: dict[str, float], unit: TimeUnit) -> dict[str, Any]:
    if not _has_plain_data(fitter, ("frequency", "recency", "T", "weights")):
        return {}
    data = fitter.data
    history = PurchaseHistories(
        frequency=data["frequency"], recency=data["recency"], age=data["T"], unit=unit
    )
    rows = compress_histories(history, weights=data["weights"].to_numpy())
    columns = (rows.frequency, rows.recency, rows.age, rows.weights)
    theta = np.log([parameters[name] for name in ("r", "alpha", "a", "b")])
    at = _kernel_beta_geometric.evaluate(theta, _kernel_beta_geometric.prepare(*columns, first=1.0))
    return _evidence(at, columns, unit)


def _spend_evidence(fitter: Any, parameters: dict[str, float]) -> dict[str, Any]:
    if not _has_plain_data(fitter, ("frequency", "monetary_value", "weights")):
        return {}
    data = fitter.data
    x, m, w = (
        data[name].to_numpy(dtype=np.float64) for name in ("frequency", "monetary_value", "weights")
    )
    (x, m), totals, _ = compress_rows((x, m), weights=w, keep=np.ones(len(x), dtype=np.bool_))
    theta = np.log([parameters[name] for name in ("p", "q", "gamma")])
    at = _kernel_gamma_gamma.evaluate(theta, _kernel_gamma_gamma.prepare(x, m, totals))
    return _evidence(at, (x, m, totals), "money")


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
