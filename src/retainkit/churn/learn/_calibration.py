"""Agreement of labels, and calibration of probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import check_shapes
from retainkit._core.columns import Column, plain
from retainkit._core.config import FrozenModel
from retainkit._core.kernels.intervals import normal_bounds, wilson
from retainkit._core.result import ResultTable
from retainkit.churn.causes._cause_table import CauseTable
from retainkit.churn.causes._taxonomy import CAUSES, UNKNOWN_CODE
from retainkit.errors import AlignmentError, NotComputableError, SchemaError
from retainkit.typing import ArrayLike1D, BoolArray, FloatArray, PositiveInt

Codes = npt.NDArray[np.int8]


class Agreement(NamedTuple):
    """Agreement of two readings of the causes, beyond what chance gives.

    Attributes
    ----------
    customers : int
        Customers both readings judge.
    agreed : float
        Share with the same cause; NaN without customers.
    kappa : float
        Cohen's kappa: (agreed - by chance) / (1 - by chance); NaN where chance alone agrees fully.
    standard_error : float
        Large-sample standard error of kappa (Fleiss, Cohen & Everitt 1969); NaN with kappa.
    low, high : float
        95 % bounds of kappa.
    confusion : pandas.DataFrame
        Counts: rows the first reading, columns the second, all eight leaves.
    """

    customers: int
    agreed: float
    kappa: float
    standard_error: float
    low: float
    high: float
    confusion: pd.DataFrame


def measure_agreement(
    one: object, other: object, *, known_only: bool = False, level: float = 0.95
) -> Agreement:
    """Measure how far two readings of the same losses agree: model and human, human and human."""
    first, second = cause_codes(one, where="one"), cause_codes(other, where="other")
    if first.shape != second.shape:
        raise AlignmentError(
            f"{len(first)} causes and {len(second)} causes",
            rule="both readings judge the same customers, in the same order",
            where="measure_agreement",
        )
    both = (first >= 0) & (second >= 0)
    if known_only:
        both &= (first != UNKNOWN_CODE) & (second != UNKNOWN_CODE)
    size = len(CAUSES)
    flat = first[both].astype(np.int64) * size + second[both]
    counts = np.bincount(flat, minlength=size**2).reshape(size, size)
    names = pd.Index([str(cause) for cause in CAUSES])
    confusion = pd.DataFrame(counts, index=names.rename("one"), columns=names.rename("other"))
    n = int(counts.sum())
    if n == 0:
        return Agreement(0, np.nan, np.nan, np.nan, np.nan, np.nan, confusion)
    agreed, kappa, error = _kappa(counts / n, n)
    low, high = normal_bounds(kappa, error, level)
    return Agreement(n, agreed, kappa, error, low, high, confusion)


def _kappa(p: FloatArray, n: int) -> tuple[float, float, float]:
    """Return agreement, kappa and its standard error from a table of shares."""
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    agreed, chance = float(np.trace(p)), float(rows @ columns)
    if chance >= 1.0:
        return agreed, np.nan, np.nan
    kappa = (agreed - chance) / (1.0 - chance)
    lean = columns[:, None] + rows[None, :]  # p.i + pj. for the pair (i, j)
    on = np.diagonal(p) @ (1.0 - (rows + columns) * (1.0 - kappa)) ** 2
    off_pairs = p * lean**2
    off = (1.0 - kappa) ** 2 * (off_pairs.sum() - np.trace(off_pairs))
    rest = (kappa - chance * (1.0 - kappa)) ** 2
    variance = max(float(on + off - rest), 0.0) / (n * (1.0 - chance) ** 2)
    return agreed, float(kappa), variance**0.5


def cause_codes(causes: object, *, where: str) -> Codes:
    """Return leaf names as codes, -1 where missing; refuse other names."""
    given: Any = causes
    values: pd.Series[Any] = pd.Series(given, dtype="object")
    missing = values.isna().to_numpy(dtype=np.bool_)
    texts = values.astype("str")
    codes = pd.Index([str(cause) for cause in CAUSES]).get_indexer(pd.Index(texts))
    wrong = (codes < 0) & ~missing
    if wrong.any():
        raise SchemaError(
            f"{int(wrong.sum())} causes are no leaves, for example {sorted(set(texts[wrong]))[:3]}",
            rule=f"a cause is one of {', '.join(CAUSES)}",
            where=where,
            fix="map other names with a CodeBook",
        )
    return np.where(missing, -1, codes).astype(np.int8)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CalibrationTable(ResultTable):
    """One row per bin of the reliability diagram, equally wide bins from 0 to 1.

    Parameters
    ----------
    count : numpy.ndarray of int64, shape (bins,)
        Cases in each bin.
    predicted, observed : numpy.ndarray of float64, shape (bins,)
        Mean probability and share of outcomes; NaN in an empty bin.
    low, high : numpy.ndarray of float64, shape (bins,)
        95 % Wilson bounds of the share observed; NaN in an empty bin.
    log_loss, brier : float
        Mean -log of the probability given to what happened, and mean squared error; NaN without
        cases.
    """

    count: npt.NDArray[np.int64]
    predicted: FloatArray
    observed: FloatArray
    low: FloatArray
    high: FloatArray
    log_loss: float
    brier: float

    _what: ClassVar[str] = "bins"
    _next_step: ClassVar[str] = ".expected_error"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("from", lambda t: np.linspace(0.0, 1.0, len(t) + 1)[:-1]),
        Column("to", lambda t: np.linspace(0.0, 1.0, len(t) + 1)[1:]),
        *plain("count", "predicted", "observed", "low", "high"),
    )

    def __len__(self) -> int:
        return len(self.count)

    @property
    def expected_error(self) -> float:
        """Expected calibration error: mean distance of observed from predicted; NaN without."""
        total = int(self.count.sum())
        if not total:
            return float("nan")
        gap = np.abs(np.nan_to_num(self.observed) - np.nan_to_num(self.predicted))
        return float((self.count * gap).sum() / total)

    def summary(self) -> pd.DataFrame:
        """Return the figures of the whole.

        One row: cases, expected_error, log_loss, brier.
        """
        return pd.DataFrame(
            {
                "cases": [int(self.count.sum())],
                "expected_error": [self.expected_error],
                "log_loss": [self.log_loss],
                "brier": [self.brier],
            }
        )


def assess_calibration(
    probability: ArrayLike1D, *, outcome: ArrayLike1D, bins: int = 10
) -> CalibrationTable:
    """Hold probabilities against what happened.

    Parameters
    ----------
    probability : array_like, shape (n,)
        Probabilities given beforehand [share]; NaN is left out.
    outcome : array_like of bool, shape (n,)
        What happened.
    bins : int, default 10
        Bins of the diagram.

    Returns
    -------
    CalibrationTable
        The reliability diagram, expected calibration error, log loss and Brier score.

    Raises
    ------
    AlignmentError
        If lengths differ.
    SchemaError
        If a probability is outside [0, 1] or there is no bin.

    Examples
    --------
    >>> from retainkit.churn import assess_calibration
    >>> table = assess_calibration([0.25] * 4, outcome=[True, False, False, False])
    >>> table.expected_error, round(table.log_loss, 3)
    (0.0, 0.562)
    """
    p, y = np.asarray(probability, dtype=np.float64), np.asarray(outcome, dtype=np.bool_)
    _check(p, y, bins)
    known = ~np.isnan(p)
    p, y = p[known], y[known]
    happened = np.where(y, p, 1.0 - p)
    return _tabulate(p, y, bins, happened, float(((p - y) ** 2).mean()) if len(p) else np.nan)


def assess_causes(causes: CauseTable, *, truth: ArrayLike1D, bins: int = 10) -> CalibrationTable:
    """Hold the posterior of the causes against causes known from elsewhere.

    Parameters
    ----------
    causes : CauseTable
        Attributed causes.
    truth : array_like of cause names, shape (n,)
        The cause found otherwise (an interview, a verdict), in the order of `causes`; missing or
        `unknown` where it is not known: such customers are left out.
    bins : int, default 10
        Bins of the diagram.

    Returns
    -------
    CalibrationTable
        The diagram of the first leaf: its probability against how often it is right. Log loss and
        Brier score are those of the whole posterior; its share of `unknown` counts as wrong.

    Raises
    ------
    AlignmentError
        If lengths differ.
    SchemaError
        If a name is no leaf.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import assess_causes, attribute_causes, detect_churn
    >>> churn = detect_churn([0.1], customer_id=["a"])
    >>> events = pd.DataFrame({"customer_id": ["a"], "kind": ["relocation"],
    ...                        "timestamp": pd.to_datetime(["2026-03-01"])})
    >>> causes = attribute_causes(events, churn=churn)
    >>> round(assess_causes(causes, truth=["active.natural"]).expected_error, 3)
    0.091
    """
    codes = cause_codes(truth, where="truth").astype(np.int64)
    if len(codes) != len(causes):
        raise AlignmentError(
            f"{len(causes)} causes, {len(codes)} truths", rule="one per customer who left"
        )
    unknown = causes.posterior.shape[1] - 2
    rows = np.flatnonzero((codes >= 0) & (codes != unknown))
    posterior, real = causes.posterior[rows], codes[rows]
    named = posterior.copy()
    named[:, unknown] = -1.0
    best = named.argmax(axis=1) if len(rows) else real
    top = posterior[np.arange(len(rows)), best]
    target = np.zeros_like(posterior)
    target[np.arange(len(rows)), real] = 1.0
    brier = float(((posterior - target) ** 2).sum(axis=1).mean()) if len(rows) else np.nan
    given = posterior[np.arange(len(rows)), real]
    return _tabulate(top, best == real, bins, given, brier)


def _check(p: FloatArray, y: BoolArray, bins: int) -> None:
    """Refuse lengths that differ, probabilities outside [0, 1], and no bin."""
    check_shapes(p.size, probability=p, outcome=y)
    if bins < 1 or ((p < 0.0) | (p > 1.0)).any():
        raise SchemaError(
            "a probability lies outside [0, 1], or there is no bin", rule="probabilities, bins >= 1"
        )


def _tabulate(
    p: FloatArray, y: BoolArray, bins: int, happened: FloatArray, brier: float
) -> CalibrationTable:
    """Return the reliability diagram with Wilson bounds."""
    place = np.minimum((p * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    some = np.maximum(count, 1)
    empty = count == 0
    predicted = np.where(empty, np.nan, np.bincount(place, weights=p, minlength=bins) / some)
    hits = np.bincount(place, weights=y, minlength=bins)
    low, high = wilson(hits, count, 0.95)
    loss = float(-np.log(np.maximum(happened, 1e-15)).mean()) if len(p) else np.nan
    return CalibrationTable(
        count=count.astype(np.int64),
        predicted=predicted,
        observed=np.where(empty, np.nan, hits / some),
        low=low,
        high=high,
        log_loss=loss,
        brier=brier,
    )


class CalibrationMap(FrozenModel):
    """A rising step-and-line map from a score to the probability it turned out to mean.

    Parameters
    ----------
    scores, probabilities : tuple of float
        Corners of the map, both rising.
    cases : int
        Cases it was learnt from.
    """

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]
    cases: PositiveInt

    def apply(self, score: ArrayLike1D) -> FloatArray:
        """Return the probability each score means, rising with it; NaN where the score is."""
        values = np.asarray(score, dtype=np.float64)
        return np.interp(values, self.scores, self.probabilities).astype(np.float64)


def fit_calibration(score: ArrayLike1D, *, outcome: ArrayLike1D) -> CalibrationMap:
    """Learn what a score means, on a hold-out period in which the outcome was seen.

    Isotonic regression: of all maps that never fall, the one closest to the outcomes. It knows
    nothing of the form of the score; it needs some hundreds of cases. One case against the grain
    is added at either end, so that no probability is 0 or 1.

    Parameters
    ----------
    score : array_like, shape (n,)
        A higher score means a likelier outcome, such as `ChurnTable.p_churned`; NaN is left out.
    outcome : array_like of bool, shape (n,)
        What was seen afterwards, such as "did not buy again in the hold-out period".

    Returns
    -------
    CalibrationMap
        The learnt map.

    Raises
    ------
    AlignmentError
        If lengths differ.
    NotComputableError
        If there is no case.

    References
    ----------
    Zadrozny, B. & Elkan, C. (2002). Transforming classifier scores into accurate multiclass
    probability estimates. KDD.

    Examples
    --------
    >>> from retainkit.churn import fit_calibration
    >>> fit_calibration([0.9] * 3 + [0.1] * 3, outcome=[True] * 3 + [False] * 3).probabilities
    (0.25, 0.75)
    """
    x, y = np.asarray(score, dtype=np.float64), np.asarray(outcome, dtype=np.bool_)
    check_shapes(x.size, score=x, outcome=y)
    known = ~np.isnan(x)
    if not known.any():
        raise NotComputableError("no score is known", rule="a map is learnt from cases")
    x, y = x[known], y[known].astype(np.float64)
    ends = np.array([x.min(), x.max()])
    corners, fitted = _rising_corners(np.append(x, ends), np.append(y, [1.0, 0.0]))
    return CalibrationMap(
        scores=tuple(corners.tolist()),
        probabilities=tuple(fitted.tolist()),
        cases=int(known.sum()),
    )


def _rising_corners(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the corners of the rising map closest to y in least squares: x and fitted value.

    Equal x share one value. A block of equal values is given by its first and last x.
    """
    from scipy.optimize import isotonic_regression

    points, place = np.unique(x, return_inverse=True)
    weight = np.bincount(place)
    level = isotonic_regression(np.bincount(place, weights=y) / weight, weights=weight).x
    rises = np.diff(level) > 0.0
    corner = np.append(True, rises) | np.append(rises, True)
    return points[corner], level[corner]
