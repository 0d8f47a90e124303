"""The envelope of one metric: its value, what it was made of, and why it may be missing."""

from __future__ import annotations

import html
from typing import Any, Literal, NamedTuple, get_args

from retainkit._core.intervals import Interval
from retainkit.metrics._convention import DEFAULT_CONVENTION, MetricConvention
from retainkit.metrics._period import Period

Reason = Literal[
    "zero_denominator",
    "not_observed",
    "insufficient_history",
    "incomplete_period",
    "no_losses",
    "negative_values",
    "non_positive_total",
    "non_finite_values",
    "no_control_group",
    "category_unknown",
    "no_churn",
]
"""Why a metric has no value."""

REASONS: tuple[Reason, ...] = get_args(Reason)

REASON_TEXT: dict[Reason, str] = {
    "zero_denominator": "nothing to divide by",
    "not_observed": "the period lies outside the observed days",
    "insufficient_history": "the window before the period starts before the data do",
    "incomplete_period": "the period ends after the last observed day",
    "no_losses": "nothing was lost, so the ratio is unbounded",
    "negative_values": "undefined for negative values",
    "non_positive_total": "shares of a total that is not positive mean nothing",
    "non_finite_values": "infinite values have no share",
    "no_control_group": "without customers held out nobody knows what would have happened",
    "category_unknown": "no category spending is known",
    "no_churn": "at no churn a lifetime has no end",
}


class MetricValue(NamedTuple):
    """One metric with everything needed to check it.

    Attributes
    ----------
    name : str
        Metric.
    value : float or None
        The number, or None when it cannot be computed; never 0 in place of "unknown".
    numerator, denominator : float or None
        What `value` divides; the denominator is None for a count. For `churn_rate` and every
        other rate they are heads, for revenue metrics money.
    n : int
        Customers the value rests on.
    reason : str or None
        Why `value` is None; None when there is a value.
    interval : Interval or None
        Uncertainty; None for a count (nothing is estimated), for few customers, or without value.
    convention : MetricConvention
        What the words meant.
    period : Period or None
        Days measured; None for a metric of an array of values.
    notes : tuple of str
        Remarks that do not stop the value, for example that the period was incomplete.

    Examples
    --------
    >>> from retainkit.metrics import top_share
    >>> result = top_share([50.0, 30.0, 15.0, 5.0], share=0.25)
    >>> result
    top_share = 50 / 100 = 0.5 (n = 4)
    >>> result.computable, result.reason
    (True, None)
    """

    name: str
    value: float | None
    numerator: float | None
    denominator: float | None
    n: int
    reason: Reason | None = None
    interval: Interval[float] | None = None
    convention: MetricConvention = DEFAULT_CONVENTION
    period: Period | None = None
    notes: tuple[str, ...] = ()

    @property
    def computable(self) -> bool:
        """Whether there is a value."""
        return self.value is not None

    def to_dict(self) -> dict[str, Any]:
        """Return plain, JSON-ready data: None stays None, convention and period become dicts."""
        return {
            "name": self.name,
            "value": self.value,
            "numerator": self.numerator,
            "denominator": self.denominator,
            "n": self.n,
            "computable": self.computable,
            "reason": self.reason,
            "interval": None if self.interval is None else self.interval._asdict(),
            "convention": self.convention.model_dump(mode="json"),
            "period": None if self.period is None else self.period.model_dump(mode="json"),
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        where = "" if self.period is None else f"; {self.period}"
        if self.value is None:
            why = "" if self.reason is None else f"{self.reason}: {REASON_TEXT[self.reason]}"
            return f"{self.name} = not computable ({why}; {_fraction(self)}; n = {self.n:,}{where})"
        formula = "" if self.denominator is None else f"{_fraction(self)} = "
        value = shown_value(self.value)
        return f"{self.name} = {formula}{value} ({_range(self)}n = {self.n:,}{where})"

    def _repr_html_(self) -> str:
        head, _, tail = repr(self).partition(" = ")
        marks = "".join(f"<br><small>{html.escape(note)}</small>" for note in self.notes)
        return f"<p><strong>{html.escape(head)}</strong> = {html.escape(tail)}{marks}</p>"


def _fraction(value: MetricValue) -> str:
    """Return numerator and denominator as text."""
    return f"{shown_number(value.numerator)} / {shown_number(value.denominator)}"


def shown_number(x: float | None) -> str:
    """Return a number of a formula, with thousands separated."""
    if x is None:
        return "–"
    return f"{x:,.0f}" if x == int(x) else f"{x:,.2f}"


def shown_value(x: float) -> str:
    """Return a value with four significant digits."""
    return f"{x:.4g}" if abs(x) < 1000.0 else shown_number(x)


def _range(value: MetricValue) -> str:
    """Return the interval as text."""
    if value.interval is None:
        return ""
    lower, upper, method, level = value.interval
    digits = 3 if abs(upper) < 10.0 else 2
    return f"{100 * level:g} % {method} {lower:.{digits}f} to {upper:.{digits}f}; "
