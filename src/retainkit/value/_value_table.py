"""ValueTable: four criteria per customer, what each adds to the score, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.result import ResultTable
from retainkit.errors import AlignmentError
from retainkit.typing import BoolArray, FloatArray, Language
from retainkit.value._catalog import CRITERION_LABELS, SCORED, VALUE_REASONS, ValueCriterion
from retainkit.value._kernel_score import score_parts
from retainkit.value._scheme import (
    ValueScheme,
    historical_contribution,
    known_breadth,
    or_unknown,
)
from retainkit.value._summary import Basis, CustomerSummary


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

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.value import fit_value_scheme, score_value, summarize_customers
    >>> summary = summarize_customers(load_cdnow_sample(), as_of="1997-09-30")
    >>> score_value(summary, fit_value_scheme(summary))
    <ValueTable: 2,357 customers; next: .explain(customer)>
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

        Returns
        -------
        pandas.DataFrame
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
