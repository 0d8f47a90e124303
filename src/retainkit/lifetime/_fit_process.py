"""From purchase histories to a fitted model of purchases: the steps all of them share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from retainkit.errors import InvalidTableError, NotComputableError
from retainkit.lifetime._compress import CompressedHistories, compress_histories, fingerprint_of
from retainkit.lifetime._config import FitConfig
from retainkit.lifetime._histories import PurchaseHistory
from retainkit.lifetime._kernel_newton import Evaluation
from retainkit.lifetime._model import as_count, fit_by_likelihood
from retainkit.lifetime._process import ProcessModel
from retainkit.typing import ArrayLike1D, FloatArray

_MOST_PURCHASES = 10_000_000

Model = TypeVar("Model", bound=ProcessModel)


class Law(NamedTuple):
    """How one model is fitted: its data, its likelihood, where to start and how it can end."""

    name: str
    prepare: Callable[[CompressedHistories], Any]
    evaluate: Callable[[FloatArray, Any], Evaluation]
    starts: Callable[[float], tuple[FloatArray, ...]]
    """Starting points on the log scale, given the observed time per purchase."""
    limits: Callable[[FloatArray, float], dict[str, bool]]
    """Limits the parameters may have run to, given them and the largest age."""


def fit_process(
    kind: type[Model],
    law: Law,
    history: PurchaseHistory,
    weights: ArrayLike1D | None,
    config: FitConfig | None,
    **given: int,
) -> Model:
    """Compress, check, climb, and wrap the optimum with its evidence."""
    config = FitConfig() if config is None else config
    if isinstance(history, CompressedHistories) and weights is None:
        rows, excluded = history, history.n_excluded
    else:
        rows = compress_histories(history, weights=weights)
        excluded = rows.n_excluded
    rows = _positive_weight(rows)
    _check_base(rows, law.name, len(kind._names))
    data = law.prepare(rows)
    longest = float(rows.age.max())
    exposure, purchases = (float(np.sum(rows.weights * c)) for c in (rows.age, rows.frequency))

    def boundary_of(parameters: FloatArray) -> tuple[str, ...]:
        limits = law.limits(parameters, longest)
        return tuple(name for name, reached in limits.items() if reached)

    fit = fit_by_likelihood(
        lambda theta: law.evaluate(theta, data),
        law.starts(exposure / purchases),
        name=law.name,
        config=config,
        boundary_of=boundary_of,
        stacklevel=6,
    )
    columns = (rows.frequency, rows.recency, rows.age, rows.weights)
    return kind.model_validate(
        {
            **dict(zip(kind._names, fit.parameters.tolist(), strict=True)),
            **given,
            "unit": rows.unit,
            "n": as_count(rows.weights.sum()),
            "n_excluded": as_count(excluded),
            "fingerprint": fingerprint_of(columns, rows.unit),
            **fit.evidence,
        }
    )


def _positive_weight(rows: CompressedHistories) -> CompressedHistories:
    """Leave out histories of weight zero: nobody has them."""
    if (rows.weights > 0).all():
        return rows
    keep = rows.weights > 0
    return CompressedHistories(
        frequency=rows.frequency[keep],
        recency=rows.recency[keep],
        age=rows.age[keep],
        unit=rows.unit,
        weights=rows.weights[keep],
        inverse=rows.inverse[:0],
    )


def _check_base(rows: CompressedHistories, name: str, parameters: int) -> None:
    """Refuse bases that no setting could make sense of."""
    n = float(rows.weights.sum())
    if n < parameters:
        raise NotComputableError(
            f"{n:g} customers with a purchase",
            rule=f"{name} has {parameters} parameters: at least {parameters} customers are "
            "needed, and hundreds for useful precision",
            fix="pool more customers, or apply a model fitted on a larger base",
        )
    if not rows.frequency.any():
        raise NotComputableError(
            f"none of the {n:g} customers bought again",
            rule=f"{name} learns the rate of buying from repeat purchases",
            fix="observe longer (a later as_of), check that repeat purchases are not collapsed "
            "into one occasion, or apply a model fitted on another base",
        )
    if rows.frequency.max() > _MOST_PURCHASES:
        raise InvalidTableError(
            f"a frequency of {rows.frequency.max():g}",
            rule=f"a frequency is a count of purchase occasions, at most {_MOST_PURCHASES:,}",
            where="frequency",
        )
