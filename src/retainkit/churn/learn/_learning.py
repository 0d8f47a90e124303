"""fit_cause_model: learn from the losses whose cause is known what the evidence is worth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.config import FrozenConfig, FrozenModel
from retainkit._core.kernels.glm import fit_softmax, softmax
from retainkit.churn._kernel import top_two
from retainkit.churn.causes._cause_table import CauseTable
from retainkit.churn.causes._taxonomy import (
    CAUSES,
    MECHANISMS,
    RULE_CODE,
    UNKNOWN_CODE,
    AttributionRule,
    ChurnCause,
)
from retainkit.churn.learn._calibration import cause_codes
from retainkit.churn.learn._records import first_places, keep_proven, spoken
from retainkit.errors import AlignmentError, ConvergenceError, NotComputableError, SchemaError
from retainkit.typing import ArrayLike1D, FloatArray, PositiveFloat, PositiveInt, Rate


class CauseModelConfig(FrozenConfig):
    """Say how a model of causes is learnt and when its verdict stands.

    Parameters
    ----------
    penalty : float, default 1
        Ridge penalty on the coefficients of standardised inputs.
    min_statements : int, default 10
        A statement enters if at least so many of the labelled customers carry it.
    min_probability : float, default 0.4
        The first leaf needs this probability, else the cause stays `unknown`.
    """

    penalty: PositiveFloat = 1.0
    min_statements: PositiveInt = 10
    min_probability: Rate = 0.4


class CauseModel(FrozenModel):
    """What labelled losses taught: the probability of each leaf given the evidence.

    Parameters
    ----------
    causes : tuple of ChurnCause
        Leaves that occur among the labels; the first is the reference.
    statements, features : tuple of str
        Statements and further columns that enter.
    means, scales : tuple of float
        Centre and spread of each input among the labelled.
    intercepts : tuple of float
        One per leaf after the first.
    coefficients : tuple of tuple of float
        One row per input, one entry per leaf after the first; of standardised inputs.
    labelled : int
        Customers it was learnt from.
    config : CauseModelConfig
        The settings used.
    """

    causes: tuple[ChurnCause, ...]
    statements: tuple[str, ...]
    features: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    intercepts: tuple[float, ...]
    coefficients: tuple[tuple[float, ...], ...]
    labelled: PositiveInt
    config: CauseModelConfig

    def posterior(
        self, causes: CauseTable, *, features: pd.DataFrame | None = None
    ) -> npt.NDArray[np.float64]:
        """Return the probability of each of the eight leaves, shape (n, 8).

        Rows sum to 1; 0 for leaves no label had. `features` holds the further columns the model was
        learnt with, one row per customer of `causes`.
        """
        inputs = _inputs(causes, self.statements, features, self.features)
        standard = (inputs - np.array(self.means)) / np.array(self.scales)
        x = np.column_stack([np.ones(len(causes)), standard])
        slopes = np.array(self.coefficients).reshape(len(self.means), len(self.causes) - 1)
        shares = softmax(x, np.vstack([np.array(self.intercepts), slopes]))
        out = np.zeros((len(causes), len(CAUSES)))
        out[:, [CAUSES.index(cause) for cause in self.causes]] = shares
        return out

    def apply(self, causes: CauseTable, *, features: pd.DataFrame | None = None) -> CauseTable:
        """Return the causes anew, judged by what the labels taught; no veto is broken.

        The first leaf that no veto forbids is named (rule `learnt`) where it reaches
        `config.min_probability`, else the cause is `unknown`. What was said is never renamed: of
        who stated a reason only the leaves that its reasons name may be, and a fact keeps its leaf.
        The sub-reason is what was said for the cause named.
        `features` as in `posterior`.
        """
        posterior = self.posterior(causes, features=features)
        likeliest, first, second = top_two(posterior, UNKNOWN_CODE)
        may = np.where(causes.permitted & causes.anchored, posterior, 0.0)
        best, reached, _ = top_two(may, UNKNOWN_CODE)
        weak = reached < self.config.min_probability
        rule = np.full(len(causes), RULE_CODE[AttributionRule.LEARNT], dtype=np.int8)
        rule[weak] = RULE_CODE[AttributionRule.TOO_UNCERTAIN]
        rule[weak & (best != likeliest)] = RULE_CODE[AttributionRule.ALL_SET_ASIDE]
        rule[first < self.config.min_probability] = RULE_CODE[AttributionRule.TOO_UNCERTAIN]
        code, rule = keep_proven(causes, np.where(weak, UNKNOWN_CODE, best).astype(np.int8), rule)
        return replace(
            causes,
            cause_code=code,
            posterior=posterior,
            margin=first - second,
            rule_code=rule,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return what each input speaks for.

        One row per input: input, and one column per leaf with the change of its log odds for
        the input's spread (over the mean of all leaves).
        """
        slopes = np.array(self.coefficients).reshape(len(self.means), len(self.causes) - 1)
        full = np.column_stack([np.zeros(len(slopes)), slopes])
        full -= full.mean(axis=1, keepdims=True)
        frame = pd.DataFrame(full, columns=[str(cause) for cause in self.causes])
        frame.insert(0, "input", _names(self.statements, self.features))
        return frame


def fit_cause_model(
    causes: CauseTable,
    *,
    labels: ArrayLike1D,
    features: pd.DataFrame | None = None,
    config: CauseModelConfig = CauseModelConfig(),  # noqa: B008 - frozen
) -> CauseModel:
    """Learn from losses whose cause is known how to judge the others.

    The rules of `attribute_causes` weigh evidence by what sources are worth in general. Where the
    causes of some losses are known (a sample of leavers was interviewed, cases were audited), this
    learns what the evidence is worth here, so that probabilities mean what they say.

    Parameters
    ----------
    causes : CauseTable
        Attributed causes, with their evidence.
    labels : array_like of cause names, shape (n,)
        The known cause, in the order of `causes`; missing or `unknown` where it is not known. The
        labelled should be a random sample of those who left, not the talkative ones.
    features : pandas.DataFrame, optional
        Further numeric columns, one row per customer of `causes`, such as the last satisfaction; a
        missing value is a value of its own. Check them with `find_leaks`.
    config : CauseModelConfig, optional
        The settings.

    Returns
    -------
    CauseModel
        `.apply(causes)` judges all losses anew.

    Raises
    ------
    AlignmentError
        If lengths differ.
    NotComputableError
        If fewer than two leaves occur among the labels.
    ConvergenceError
        If the optimum was not reached.

    Notes
    -----
    Ridge-penalised multinomial logistic regression on: the logarithm of the weighed evidence for
    each leaf, the mechanism, which statements are on record, and the features.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import attribute_causes, detect_churn, fit_cause_model
    >>> ids = list(range(60))
    >>> churn = detect_churn([0.0] * 60, customer_id=ids)
    >>> events = pd.DataFrame({"customer_id": ids, "timestamp": pd.Timestamp("2026-03-01"),
    ...                        "kind": ["complaint", "relocation"] * 30})
    >>> causes = attribute_causes(events, churn=churn)
    >>> labels = ["active.competitive", "active.natural"] * 20 + [None] * 20
    >>> model = fit_cause_model(causes, labels=labels)
    >>> model.apply(causes).cause[-2]
    'active.competitive'
    """
    codes = cause_codes(labels, where="labels").astype(np.int64)
    if len(codes) != len(causes):
        raise AlignmentError(
            f"{len(causes)} losses, {len(codes)} labels",
            rule="one label per customer who left, missing where it is not known",
            where="labels",
        )
    rows = np.flatnonzero((codes >= 0) & (codes != UNKNOWN_CODE))
    found = np.unique(codes[rows])
    if len(found) < 2:
        raise NotComputableError(
            f"{len(rows)} labels of {len(found)} leaves",
            rule="a model of causes is learnt from two leaves or more",
            where="labels",
            fix="ask a random sample of those who left",
        )
    statements = _frequent(causes, rows, config.min_statements)
    names = () if features is None else tuple(str(name) for name in features.columns)
    inputs = _inputs(causes, statements, features, names)[rows]
    means, scales = inputs.mean(axis=0), inputs.std(axis=0)
    scales = np.where(scales > 1e-12, scales, 1.0)
    x = np.column_stack([np.ones(len(rows)), (inputs - means) / scales])
    counts = (codes[rows][:, None] == found[None, :]).astype(np.float64)
    penalty = np.full(x.shape[1], config.penalty)
    penalty[0] = 1e-6
    fit = fit_softmax(x, counts, penalty=penalty)
    if not fit.converged:
        raise ConvergenceError(
            f"gradient {fit.gradient:.1e} after {fit.iterations} steps", rule="gradient near 0"
        )
    return CauseModel(
        causes=tuple(CAUSES[code] for code in found),
        statements=statements,
        features=names,
        means=tuple(means.tolist()),
        scales=tuple(scales.tolist()),
        intercepts=tuple(fit.coefficients[0].tolist()),
        coefficients=tuple(tuple(row) for row in fit.coefficients[1:].tolist()),
        labelled=len(rows),
        config=config,
    )


def _frequent(causes: CauseTable, rows: npt.NDArray[np.int64], least: int) -> tuple[str, ...]:
    """Return the statements that enough of the labelled customers carry, sorted."""
    customer, statement = spoken(causes)
    labelled = np.zeros(len(causes), dtype=np.bool_)
    labelled[rows] = True
    own = labelled[customer]
    names = causes.evidence.statements
    places = first_places(names)
    if not len(names):
        return ()
    pair = np.unique(customer[own] * len(names) + places[statement[own]])
    count = np.bincount(pair % len(names), minlength=1)
    return tuple(sorted(names[i] for i in np.flatnonzero(count >= least)))


def _inputs(
    causes: CauseTable,
    statements: tuple[str, ...],
    features: pd.DataFrame | None,
    names: tuple[str, ...],
) -> FloatArray:
    """Return the inputs: evidence per leaf, mechanism, statements, features and their gaps."""
    n = len(causes)
    weight = causes.config.abstain_weight
    shares = causes.posterior / np.maximum(causes.posterior[:, [UNKNOWN_CODE]], 1e-12)
    evidence = np.log1p(np.delete(shares, UNKNOWN_CODE, axis=1) * weight / 0.1)
    mechanism = causes.mechanism_code[:, None] == np.arange(len(MECHANISMS))[None, :]
    place = {name: number for number, name in enumerate(statements)}
    column = np.array([place.get(name, -1) for name in causes.evidence.statements], dtype=np.int64)
    said = np.zeros((n, len(statements)))
    customer, statement = spoken(causes)
    at = column[statement] if len(column) else statement
    said[customer[at >= 0], at[at >= 0]] = 1.0
    more = _feature_inputs(n, features, names)
    return np.column_stack([evidence, mechanism.astype(np.float64), said, more])


def _feature_inputs(n: int, features: pd.DataFrame | None, names: tuple[str, ...]) -> FloatArray:
    """Return each feature, 0 where missing, and beside it whether it is missing."""
    if not names:
        return np.zeros((n, 0))
    if features is None or len(features) != n or [str(c) for c in features.columns] != list(names):
        raise SchemaError(
            f"features do not have the columns {list(names)} for {n} customers",
            rule="the same columns in the same order as learnt, one row per customer of `causes`",
            where="features",
        )
    parts: list[Any] = []
    for name in features.columns:
        values = pd.to_numeric(features[name]).to_numpy(dtype=np.float64, na_value=np.nan)
        missing = np.isnan(values)
        parts += [np.where(missing, 0.0, values), missing.astype(np.float64)]
    return np.column_stack(parts)


def _names(statements: tuple[str, ...], features: tuple[str, ...]) -> list[str]:
    """Return the names of the inputs, in the order of the columns."""
    leaves = [f"evidence for {cause}" for cause in CAUSES if cause != ChurnCause.UNKNOWN]
    gaps = [text for name in features for text in (name, f"{name} is missing")]
    return [*leaves, *(f"ended by {m}" for m in MECHANISMS), *statements, *gaps]
