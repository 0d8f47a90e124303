"""Covariates in a run: where they are read, what stands where one is unknown, and who has which."""

from __future__ import annotations

from typing import Any, TypeAlias, cast

import numpy as np
import pandas as pd

from retainkit._pipeline._config import PipelineConfig
from retainkit.errors import ConvergenceError, NotComputableError, SchemaError
from retainkit.lifetime import (
    BoundCovariateModel,
    CovariateModel,
    Covariates,
    PurchaseModelUnion,
    fit_with_covariates,
)
from retainkit.tables import align_customer_ids
from retainkit.tables._customers import COVARIATE_PREFIX
from retainkit.value import CustomerSummary

AnyPurchaseModel: TypeAlias = PurchaseModelUnion | BoundCovariateModel
CovariateMeans: TypeAlias = tuple[tuple[str, float], ...]
"""Each covariate, and the mean that stands where it is unknown."""


def read_covariates(
    customers: pd.DataFrame | None, customer_id: pd.Index[Any]
) -> Covariates | None:
    """Return the covariates of given customers from a valid table; None where it names none."""
    columns = [] if customers is None else [str(name) for name in customers.columns]
    columns = [name for name in columns if name.startswith(COVARIATE_PREFIX)]
    if customers is None or not columns:
        return None
    place = np.asarray(align_customer_ids(customer_id, pd.Index(customers["customer_id"])))
    values = customers[columns].to_numpy(dtype=np.float64)
    gap = np.full((1, len(columns)), np.nan)
    names = [name.removeprefix(COVARIATE_PREFIX) for name in columns]
    return Covariates(np.vstack([values, gap])[place], names=names)


def learn_means(covariates: Covariates | None) -> CovariateMeans:
    """Return the mean of each covariate over the customers it is known of.

    One that is known of nobody, or the same for everybody, tells nothing and is left out.
    """
    found: list[tuple[str, float]] = []
    if covariates is None:
        return ()
    for name, column in zip(covariates.names, covariates.values.T, strict=True):
        known = np.sort(column[~np.isnan(column)])  # sorted: the mean then depends on no order
        if len(known) and known[0] < known[-1]:
            found.append((name, float(known.mean())))
    return tuple(found)


def fill_covariates(means: CovariateMeans, covariates: Covariates | None) -> Covariates | None:
    """Return the covariates that were learnt with, the mean where one is unknown; None if none."""
    if not means:
        return None
    names = tuple(name for name, _ in means)
    if covariates is None:
        raise SchemaError(
            f"the model was learnt with the covariates {', '.join(names)}, and the facts hold none",
            rule="a customer is scored with the covariates the model was learnt with",
            where="facts.covariates",
            fix="pass CustomerFacts(customer_id=..., covariates=Covariates([[...]], names=[...]))",
        )
    values = covariates.columns(names)
    return Covariates(np.where(np.isnan(values), [mean for _, mean in means], values), names=names)


def fit_covariates(
    plain: PurchaseModelUnion | None,
    summary: CustomerSummary,
    covariates: Covariates | None,
    means: CovariateMeans,
    config: PipelineConfig,
) -> tuple[Covariates | None, AnyPurchaseModel | None, list[str]]:
    """Fit the model of buying with covariates; the plain one, and why, where that cannot be.

    The covariates come back without gaps, and the model bound to them.
    """
    if covariates is None:
        return None, plain, []
    known = fill_covariates(means, covariates)
    if known is None:
        return None, plain, ["no covariates: none is known of two customers who differ in it"]
    unknown = np.isnan(covariates.columns(known.names)).any(axis=1).sum()
    said = []
    if unknown:
        said.append(f"covariates of {unknown:,} customers are unknown: the mean stands in for them")
    if plain is None:
        return known, None, said
    if plain.kind == "nbd":
        return known, plain, [*said, "no covariates in the model of buying: NBD takes none"]
    law = config.covariates.replace(law=plain.kind)
    try:
        model = fit_with_covariates(summary, known, config=law)
    except (NotComputableError, ConvergenceError) as error:
        return known, plain, [*said, f"no covariates in the model of buying: {error.wrong}"]
    return known, model.bind(known), said


def bind(
    model: PurchaseModelUnion | CovariateModel | None, known: Covariates | None
) -> AnyPurchaseModel | None:
    """Return the model of the customers whose covariates are known; a plain one as it is."""
    if not isinstance(model, CovariateModel):
        return model
    assert known is not None
    return model.bind(known)


def unbind(model: AnyPurchaseModel | None) -> PurchaseModelUnion | CovariateModel | None:
    """Return what was learnt, without the customers."""
    return cast(CovariateModel, model.model) if isinstance(model, BoundCovariateModel) else model


def plain_of(model: AnyPurchaseModel | None) -> PurchaseModelUnion | None:
    """Return the model where it has no covariates; None where it has."""
    return None if isinstance(model, BoundCovariateModel) else model
