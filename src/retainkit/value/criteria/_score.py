"""Four criteria of value: the scheme learnt, the table, and the score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import check_shapes
from retainkit._core.columns import Column, plain
from retainkit._core.config import FrozenModel
from retainkit._core.result import ResultTable
from retainkit.errors import AlignmentError, SchemaError
from retainkit.typing import BoolArray, FloatArray, Language, NonNegativeFloat
from retainkit.value._config import (
    CRITERION_LABELS,
    SCORED,
    VALUE_REASONS,
    CriterionConfig,
    ValueConfig,
    ValueCriterion,
)
from retainkit.value._kernel import add_parts, score_parts, yearly_contribution
from retainkit.value._summary import Basis, CustomerSummary

_YEAR_DAYS = 365.25


class ValueScheme(FrozenModel):
    """Thresholds of the four criteria: what `score_value` needs besides the customers.

    Parameters
    ----------
    config : ValueConfig
        What was chosen.
    basis : {"profit", "revenue"}
        What contributions were counted in when the scheme was learnt.
    historical_contribution, business_breadth, future_potential, background : float or None
        Threshold of each criterion; None where the base gave no value to learn a quantile from: the
        criterion is then not scored.
    n : int
        Customers it was learnt from.
    """

    config: ValueConfig
    basis: Basis
    historical_contribution: NonNegativeFloat | None
    business_breadth: NonNegativeFloat | None
    future_potential: NonNegativeFloat | None
    background: NonNegativeFloat | None
    n: int

    def threshold(self, criterion: ValueCriterion) -> float | None:
        """Return the amount a customer must exceed to pass `criterion` [unit of the criterion]."""
        amount: float | None = getattr(self, criterion.value)
        return amount

    def weight(self, criterion: ValueCriterion) -> float:
        """Return the configured weight of `criterion`, not below 0, before it is shared out."""
        config: CriterionConfig = getattr(self.config, criterion.value)
        return config.weight


def fit_value_scheme(
    summary: CustomerSummary,
    *,
    future_value: FloatArray | None = None,
    background: FloatArray | None = None,
    business_breadth: FloatArray | None = None,
    config: ValueConfig | None = None,
) -> ValueScheme:
    """Learn the threshold of each criterion from a base of customers.

    Parameters
    ----------
    summary : CustomerSummary
        The base.
    future_value : numpy.ndarray of float64, shape (n,), optional
        Expected future value [money], for example `expected_lifetime_value`.
    background : numpy.ndarray of float64, shape (n,), optional
        Strategic facts per customer (NaN = not known); needed only for a quantile of them.
    business_breadth : numpy.ndarray of float64, shape (n,), optional
        Breadth to judge instead of the number of lines, for example the effective number
        `behavior.lines.effective`, in which a line bought from once in passing hardly counts.
    config : ValueConfig, optional
        What was chosen; the defaults of `ValueConfig` when None.

    Returns
    -------
    ValueScheme
        Absolute thresholds as given; quantiles as the customer's value at that share of the base
        (inverse of the empirical distribution), or 0 if that is negative.

    Raises
    ------
    AlignmentError
        If an array does not have one value per customer.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.value import fit_value_scheme, summarize_customers
    >>> summary = summarize_customers(load_cdnow_sample(), as_of="1997-09-30")
    >>> scheme = fit_value_scheme(summary)
    >>> scheme.historical_contribution, scheme.business_breadth, scheme.future_potential
    (93.76, 1.0, None)
    """
    config = ValueConfig() if config is None else config
    check_shapes(
        len(summary),
        future_value=future_value,
        background=background,
        business_breadth=business_breadth,
    )
    past = historical_contribution(summary, config)
    breadth = known_breadth(summary) if business_breadth is None else business_breadth
    return ValueScheme(
        config=config,
        basis=summary.basis,
        historical_contribution=_learn(config.historical_contribution, past),
        business_breadth=_learn(config.business_breadth, breadth),
        future_potential=_learn(config.future_potential, future_value),
        background=_learn(config.background, background),
        n=len(summary),
    )


def historical_contribution(summary: CustomerSummary, config: ValueConfig) -> FloatArray:
    """Return the yearly contribution so far [money/year]."""
    years = summary.with_unit("day").age
    years /= _YEAR_DAYS
    return yearly_contribution(summary.contribution, years, config.min_relation_days / _YEAR_DAYS)


def known_breadth(summary: CustomerSummary) -> FloatArray | None:
    """Return distinct business lines, NaN where none is known; None without the column."""
    if summary.breadth is None:
        return None
    return np.where(summary.breadth > 0, summary.breadth, np.nan)


def or_unknown(values: FloatArray | None, n: int) -> FloatArray:
    """Return `values`; for None one NaN seen n times, which takes no memory."""
    return np.broadcast_to(np.float64(np.nan), (n,)) if values is None else values


def _learn(criterion: CriterionConfig, values: npt.NDArray[Any] | None) -> float | None:
    """Return the threshold of a criterion; None where the base gives no quantile."""
    if criterion.quantile is None:
        return criterion.threshold
    if values is None:
        return None
    known = values[~np.isnan(values)]
    if not known.size:
        return None
    # inverted_cdf returns a value of the base: no interpolation noise between tied customers.
    return max(float(np.quantile(known, criterion.quantile, method="inverted_cdf")), 0.0)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ValueTable(ResultTable):
    """What each customer is worth by the four criteria, one row per customer.

    What follows from the history and the scheme (contributions, thresholds, passes, parts) is
    computed when asked for and takes no memory.

    Parameters
    ----------
    history : CustomerSummary
        Customers, their order and their past.
    scheme : ValueScheme
        The thresholds and weights applied.
    future_potential : numpy.ndarray of float64
        Expected future value [money]; NaN where not known.
    background : numpy.ndarray of float64
        Strategic facts of business customers; NaN for persons and where not known.
    is_business : numpy.ndarray of bool or None
        Which customers are businesses, as far as given.
    score : numpy.ndarray of float64
        Sum of the parts, in [0, 1]; NaN where no criterion could be judged.
    breadth : numpy.ndarray of float64 or None
        The breadth judged, where it is not the number of lines of `history`.
    """

    history: CustomerSummary
    scheme: ValueScheme
    future_potential: FloatArray
    background: FloatArray
    is_business: BoolArray | None
    score: FloatArray
    breadth: FloatArray | None = None

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = ".explain(customer)"
    _schema: ClassVar[tuple[Column, ...]] = (
        *plain("customer_id", "score", "contribution"),
        *(
            Column(name if part == "value" else f"{name}_{part}")
            for name in ValueCriterion
            for part in ("value", "passes", "part", "reason")
        ),
    )

    def __len__(self) -> int:
        return len(self.history)

    @property
    def customer_id(self) -> pd.Index[Any]:
        """Customers, in the order of the summary."""
        return self.history.customer_id

    @property
    def basis(self) -> Basis:
        """What contributions are counted in."""
        return self.scheme.basis

    @property
    def contribution(self) -> FloatArray:
        """Money brought so far [money], in `basis`."""
        return self.history.contribution

    @property
    def historical_contribution(self) -> FloatArray:
        """`contribution` per year of relation [money/year]."""
        return historical_contribution(self.history, self.scheme.config)

    @property
    def business_breadth(self) -> FloatArray:
        """Distinct (or effective) business lines; NaN where none is known."""
        if self.breadth is not None:
            return self.breadth
        return or_unknown(known_breadth(self.history), len(self))

    def values(self, criterion: ValueCriterion) -> FloatArray:
        """Return each customer's value of one criterion, in the unit of the criterion.

        NaN where it is not known; `reasons` says why.
        """
        column: FloatArray = getattr(self, ValueCriterion(criterion).value)
        return column

    def passes(self, criterion: ValueCriterion) -> BoolArray:
        """Return who exceeds the threshold of one criterion.

        False also where the value is not known or there is no threshold.
        """
        threshold = self.scheme.threshold(ValueCriterion(criterion))
        return self.values(criterion) > (np.nan if threshold is None else threshold)

    def parts(self) -> dict[ValueCriterion, FloatArray]:
        """Return what each criterion adds to the score; NaN where a criterion does not apply.

        Added up from first to last, NaN left out, the parts are the score bit for bit.
        """
        parts = score_parts(
            tuple(map(self.values, ValueCriterion)),
            tuple(map(self.scheme.threshold, ValueCriterion)),
            tuple(map(self.scheme.weight, ValueCriterion)),
        )
        return {
            criterion: or_unknown(part, len(self))
            for criterion, part in zip(ValueCriterion, parts, strict=True)
        }

    def reasons(self, criterion: ValueCriterion) -> npt.NDArray[np.int8]:
        """Return why one criterion is or is not scored, as positions in `VALUE_REASONS`.

        0 is "scored".
        """
        criterion = ValueCriterion(criterion)
        unknown = np.isnan(self.values(criterion))
        reason = SCORED
        if self.scheme.threshold(criterion) is None:
            reason = "no_threshold"
        if not self.scheme.weight(criterion):
            reason = "no_weight"
        codes = np.full(len(self), VALUE_REASONS.index(reason), dtype=np.int8)
        for who, why in self._gaps(criterion, unknown):
            codes[unknown & who] = VALUE_REASONS.index(why)
        return codes

    def _gaps(
        self, criterion: ValueCriterion, unknown: BoolArray
    ) -> Iterator[tuple[BoolArray | bool, str]]:
        """Yield who may lack a value and why, the weakest reason first."""
        yield True, "not_supplied" if unknown.all() else "not_known"
        if criterion is ValueCriterion.BACKGROUND:
            if self.is_business is not None:
                yield ~self.is_business, "not_a_business"
        elif criterion is not ValueCriterion.BUSINESS_BREADTH:
            yield self.history.never_purchased, "never_purchased"
        elif self.breadth is not None or self.history.breadth is not None:
            yield True, "no_business_line"
            yield self.history.never_purchased, "never_purchased"

    def explain(self, customer: object, *, language: Language = "en") -> pd.DataFrame:
        """Return why one customer has its score: one row per criterion.

        Index `criterion`; columns label (in `language`), value, threshold, passes, part, reason.
        AlignmentError if the table has no such customer.

        Examples
        --------
        >>> from retainkit.datasets import load_cdnow_sample
        >>> from retainkit.value import fit_value_scheme, score_value, summarize_customers
        >>> summary = summarize_customers(load_cdnow_sample(), as_of="1997-09-30")
        >>> value = score_value(summary, fit_value_scheme(summary))
        >>> value.explain(1)["reason"].tolist()
        ['scored', 'not_supplied', 'not_supplied', 'not_supplied']
        """
        place = np.flatnonzero(self.customer_id == customer)
        if not place.size:
            raise AlignmentError(
                f"no customer {customer!r}",
                rule="customers are those of the summary",
                where="customer_id",
                fix="look the id up in .customer_id",
            )
        one = self._criteria_frames(place[:1])
        rows = {str(criterion): frame.iloc[0] for criterion, frame in one.items()}
        table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("criterion")
        table.insert(0, "label", [CRITERION_LABELS[c].text(language) for c in ValueCriterion])
        kinds = {"value": "float64", "threshold": "float64", "part": "float64", "passes": "boolean"}
        return table.astype({**kinds, "reason": "str"})

    def to_frame(self) -> pd.DataFrame:
        """Return one row per customer: score, contribution and every criterion."""
        columns: dict[str, Any] = {
            "customer_id": self.customer_id,
            "score": self.score,
            "contribution": self.contribution,
        }
        for name, frame in self._criteria_frames(np.arange(len(self))).items():
            columns[name] = frame["value"]
            columns |= {f"{name}_{c}": frame[c] for c in ("passes", "part", "reason")}
        return pd.DataFrame(columns)

    def summary(self) -> pd.DataFrame:
        """Return one row per criterion: weight, threshold, how many are scored and pass.

        Index `criterion`; `mean_part` is NaN where nobody is scored.
        """
        rows = {}
        for criterion, part in self.parts().items():
            known = part[~np.isnan(part)]
            rows[criterion.value] = {
                "weight": self.scheme.weight(criterion),
                "threshold": self.scheme.threshold(criterion),
                "scored": known.size,
                "passing": int(np.count_nonzero(self.passes(criterion))),
                "mean_part": float(known.mean()) if known.size else np.nan,
            }
        table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("criterion")
        return table.astype({"threshold": "float64"})

    def _criteria_frames(self, rows: npt.NDArray[np.intp]) -> dict[str, pd.DataFrame]:
        """Return value, threshold, pass, part and reason of some rows, per criterion."""
        parts = self.parts()
        frames = {}
        for criterion in ValueCriterion:
            reasons = pd.Categorical.from_codes(
                self.reasons(criterion)[rows], pd.Index(VALUE_REASONS)
            )
            passes = pd.array(self.passes(criterion)[rows], dtype="boolean")
            passes[np.asarray(reasons != SCORED)] = pd.NA
            frames[criterion.value] = pd.DataFrame(
                {
                    "value": self.values(criterion)[rows],
                    "threshold": self.scheme.threshold(criterion),
                    "passes": passes,
                    "part": parts[criterion][rows],
                    "reason": reasons,
                }
            )
        return frames


def score_value(
    summary: CustomerSummary,
    scheme: ValueScheme,
    *,
    future_value: FloatArray | None = None,
    background: FloatArray | None = None,
    is_business: BoolArray | None = None,
    business_breadth: FloatArray | None = None,
) -> ValueTable:
    """Judge each customer by history, breadth, future and background, and add the parts up.

    Parameters
    ----------
    summary : CustomerSummary
        Customers, counted on the basis (profit or revenue) the scheme was learnt on.
    scheme : ValueScheme
        What `fit_value_scheme` learnt.
    future_value : numpy.ndarray of float64, shape (n,), optional
        Expected future value [money] over the scheme's horizon; NaN where it is not known.
    background : numpy.ndarray of float64, shape (n,), optional
        Number (or weight) of strategic facts; NaN where not known. Counts for business customers
        only: a private person is never scored on it.
    is_business : numpy.ndarray of bool, shape (n,), optional
        Which customers are businesses; required with `background`.
    business_breadth : numpy.ndarray of float64, shape (n,), optional
        Breadth to judge instead of the number of lines, as given to `fit_value_scheme`; NaN where
        no line is known.

    Returns
    -------
    ValueTable
        One row per customer in the order of `summary`: per criterion value, threshold, pass and
        part, and their sum `score` in [0, 1]; NaN with a reason where nothing could be judged.

    Raises
    ------
    SchemaError
        If basis and scheme differ, or `background` comes without `is_business`.
    AlignmentError
        If an array does not have one value per customer.

    Notes
    -----
    With x the value and c the threshold of a criterion, s = x / (x + c) for x > 0, else 0: it
    rises with x, stays in [0, 1] and is 0.5 at the threshold, so that passing (x > c) and s > 0.5
    are the same. A criterion's part is its weight * s, the weights of the criteria that apply to
    the customer rescaled to sum to one; the score is the sum of the parts from first to last, bit
    for bit. Historical contribution is taken per year of a relation that counts at least
    `min_relation_days`: nobody's first weeks are multiplied up to a year.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from retainkit.value import fit_value_scheme, score_value, summarize_customers
    >>> rows = pd.DataFrame({
    ...     "customer_id": ["ann", "bob", "cho"], "amount": [300.0, 100.0, 50.0],
    ...     "timestamp": pd.to_datetime("2024-01-31"), "business_line": ["a", "a", "b"]})
    >>> summary = summarize_customers(rows, as_of="2024-01-31")
    >>> future = np.array([80.0, 20.0, 10.0])
    >>> scheme = fit_value_scheme(summary, future_value=future)
    >>> value = score_value(summary, scheme, future_value=future)
    >>> value.score.round(4).tolist()
    [0.5, 0.2694, 0.1883]
    >>> value.explain("bob")[["value", "threshold", "passes", "part"]].round(4)
                             value  threshold  passes    part
    criterion
    historical_contribution  100.0      300.0   False  0.0972
    business_breadth           1.0        1.0   False  0.0833
    future_potential          20.0       80.0   False  0.0889
    background                 NaN        0.0    <NA>     NaN
    """
    n = len(summary)
    check_shapes(
        n,
        future_value=future_value,
        background=background,
        is_business=is_business,
        business_breadth=business_breadth,
    )
    _require_same_basis(summary, scheme)
    if background is not None:
        background = _of_businesses(background, is_business)
    past = historical_contribution(summary, scheme.config)
    breadth = known_breadth(summary) if business_breadth is None else business_breadth
    values = (past, breadth, future_value, background)
    thresholds = tuple(map(scheme.threshold, ValueCriterion))
    weights = tuple(map(scheme.weight, ValueCriterion))
    return ValueTable(
        history=summary,
        scheme=scheme,
        future_potential=or_unknown(future_value, n),
        background=or_unknown(background, n),
        is_business=is_business,
        breadth=business_breadth,
        score=add_parts(score_parts(values, thresholds, weights), n),
    )


def _of_businesses(background: FloatArray, is_business: BoolArray | None) -> FloatArray:
    """Return the background of businesses, NaN for persons."""
    if is_business is None:
        raise SchemaError(
            "background is given without is_business",
            rule="background is judged for business customers only, never for a person",
            where="is_business",
            fix="pass one truth value per customer",
        )
    return np.where(is_business, background, np.nan)


def _require_same_basis(summary: Any, scheme: ValueScheme) -> None:
    """Raise SchemaError if one counts profit and the other revenue."""
    if summary.basis != scheme.basis:
        raise SchemaError(
            f"the summary counts {summary.basis}, the scheme was learnt on {scheme.basis}",
            rule="thresholds of profit do not judge revenue",
            where="scheme.basis",
            fix="learn the scheme on transactions with the same columns",
        )
