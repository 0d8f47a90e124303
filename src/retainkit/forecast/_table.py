"""ForecastTable: per customer, who will be there and what it will bring."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.result import TranslatedTable
from retainkit._core.time import from_day_numbers
from retainkit.forecast._evidence import Ranks
from retainkit.forecast._notes import NO_FORECAST, NO_PURCHASE, NOTES
from retainkit.forecast._value_notes import PastYear
from retainkit.typing import FloatArray, Language

_NEVER = np.iinfo(np.int32).min


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ForecastTable(TranslatedTable):
    """Who will be there and what each will bring within the horizon: one row per customer.

    Parameters
    ----------
    customer_id : pandas.Index
        The customers, in order.
    p_active : numpy.ndarray of float64
        Probability of at least one purchase within the horizon; for a contract, of still being
        under contract at its end. NaN where unknown (`note` says why).
    p_active_low, p_active_high : numpy.ndarray of float64
        Interval of that probability, from how far earlier forecasts were off.
    active_score : numpy.ndarray of float64
        Orders customers by being there (higher: likelier): `p_active`, or, where contracts can
        only be ranked (ends recorded for a short time), what a chance would be if it held.
    expected_value : numpy.ndarray of float64
        Money expected within the horizon [money], discounted and with the margin where given.
    expected_value_low, expected_value_high : numpy.ndarray of float64
        Predictive interval of the money the customer will bring [money].
    next_purchase, next_purchase_low, next_purchase_high : numpy.ndarray of int32
        Expected day of the next purchase with interval [days since 1970-01-01]; the smallest
        int32 where it is not expected within the horizon.
    days_overdue : numpy.ndarray of float64
        Days by which the silence exceeds the customer's usual gap [day]; 0 where it does not.
    note : numpy.ndarray of int8
        Position in the list of notes; 0 where there is nothing to say.
    level : float
        Share of customers the intervals are to cover.
    ranks : {"yes", "no", "not known"}
        Whether earlier forecasts ordered customers better than chance.
    notes : tuple of str
        What a reader must know before acting on the forecast.
    past : PastYear or None
        What each customer brought in the last 365 days, in the unit of the values, that the note
        compares with; None for contracts.

    Examples
    --------
    >>> import retainkit as rk
    >>> result = rk.RetentionPipeline().run(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> result.forecast
    <ForecastTable: 2,357 customers; next: .to_frame()>
    """

    customer_id: pd.Index[Any]
    p_active: FloatArray
    p_active_low: FloatArray
    p_active_high: FloatArray
    active_score: FloatArray
    expected_value: FloatArray
    expected_value_low: FloatArray
    expected_value_high: FloatArray
    next_purchase: npt.NDArray[np.int32]
    next_purchase_low: npt.NDArray[np.int32]
    next_purchase_high: npt.NDArray[np.int32]
    days_overdue: FloatArray
    note: npt.NDArray[np.int8]
    level: float
    ranks: Ranks = "not known"
    notes: tuple[str, ...] = ()
    past: PastYear | None = None

    _what: ClassVar[str] = "customers"
    _schema: ClassVar[tuple[Column, ...]] = (
        *plain("customer_id", "p_active", "p_active_low", "p_active_high", "active_score"),
        *plain("expected_value", "expected_value_low", "expected_value_high"),
        Column("next_purchase", lambda t: _dates(t.next_purchase)),
        Column("next_purchase_low", lambda t: _dates(t.next_purchase_low)),
        Column("next_purchase_high", lambda t: _dates(t.next_purchase_high)),
        Column("days_overdue"),
        Column("forecast_note", "explain"),
    )

    def __len__(self) -> int:
        return len(self.customer_id)

    def with_values(self, value: FloatArray, low: FloatArray, high: FloatArray) -> ForecastTable:
        """Return the same with other expected values and bounds, and the notes that hold of them.

        Parameters
        ----------
        value, low, high : numpy.ndarray of float64
            Money expected within the horizon, and its bounds [money].

        Returns
        -------
        ForecastTable
            Notes that do not compare with the past year stay.
        """
        told = replace(self, expected_value=value, expected_value_low=low, expected_value_high=high)
        if self.past is None:
            return told
        kept = np.isin(self.note, (NO_PURCHASE, NO_FORECAST))
        return replace(told, note=np.where(kept, self.note, self.past.explain(value)))

    def explain(self, language: Language = "en") -> pd.Categorical[Any]:
        """Return the note on each customer as text; missing where there is none.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of the text.

        Returns
        -------
        pandas.Categorical
            In the order of the customers.
        """
        texts = pd.Index([label.text(language) for label in NOTES[1:]])
        return pd.Categorical.from_codes(self.note - 1, categories=texts)

    def summary(self) -> pd.DataFrame:
        """Return the totals: customers, expected buyers and expected money.

        Returns
        -------
        pandas.DataFrame
            Index `fact`, column `value`.
        """
        facts = {
            "customers": float(len(self)),
            "customers with a forecast": float(np.isfinite(self.expected_value).sum()),
            "expected to be active": float(np.nansum(self.p_active)),
            "expected value": float(np.nansum(self.expected_value)),
        }
        return pd.DataFrame({"value": facts}).rename_axis("fact")


def _dates(days: npt.NDArray[np.int32]) -> npt.NDArray[np.datetime64]:
    """Return days as dates; NaT where there is none."""
    dates = from_day_numbers(days.astype(np.int64))
    dates[days == _NEVER] = np.datetime64("NaT", "s")
    return dates
