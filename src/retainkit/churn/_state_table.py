"""StateTable: the state of the relation with each customer, why, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.catalogue import read_labels
from retainkit._core.columns import Column
from retainkit._core.labels import Label
from retainkit._core.result import TranslatedTable
from retainkit._core.sentences import asked_for, fill, write_counts
from retainkit._core.time import from_day_numbers
from retainkit.churn import _kernel_state as _kernel
from retainkit.typing import BoolArray, Language

if TYPE_CHECKING:
    from retainkit.churn._state_scheme import HasActivity, StateScheme

STATES: Final = ("prospect", "new", "present", "quiet", "gone", "ended")
"""States of a relation, from before it to after it; the position is the code."""

STATE_LABELS: Final = read_labels("retainkit.churn", "states", "states")
"""Display names of the states."""

STATE_REASONS: Final = read_labels("retainkit.churn", "states", "reasons")
"""Why a customer is in its state; the position is the code."""

_NO_DAY = np.iinfo(np.int32).min


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class StateTable(TranslatedTable):
    """Hold the state of the relation with each customer, why, and since when.

    Parameters
    ----------
    customer_id : pandas.Index
        The customers, in the order they came in.
    as_of : datetime.date
        Last observed day.
    state : numpy.ndarray of int8
        Position in `states`.
    reason : numpy.ndarray of int8
        Position in `reasons`.
    since : numpy.ndarray of int32
        Day the state was reached [days since 1970-01-01]; int32 minimum: not known.
    activity : Activity
        What it was judged by.
    scheme : StateScheme
        Where the states begin.

    Examples
    --------
    >>> import retainkit as rk
    >>> result = rk.RetentionPipeline().run(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> result.scores.states
    <StateTable: 2,357 customers; next: .summary() or .to_frame()>
    """

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = ".summary() or .to_frame()"
    states: ClassVar[tuple[str, ...]] = STATES
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customer_id"),
        Column("state", categories="states", ordered=True),
        Column("state_reason", "sentences"),
        Column("state_code", "reason", "reasons"),
        Column("state_since", lambda t: _dates(t.since)),
        Column("p_state", "activity.p_state"),
        Column("kept", "activity.kept"),
    )

    customer_id: pd.Index[Any]
    as_of: date
    state: npt.NDArray[np.int8]
    reason: npt.NDArray[np.int8]
    since: npt.NDArray[np.int32]
    activity: HasActivity
    scheme: StateScheme

    def __len__(self) -> int:
        return self.state.size

    @property
    def is_current(self) -> BoolArray:
        """Who is there: new, present or quiet."""
        return np.isin(self.state, (_kernel.NEW, _kernel.PRESENT, _kernel.QUIET))

    @property
    def is_lost(self) -> BoolArray:
        """Who is gone or has ended."""
        return self.state >= _kernel.GONE

    @property
    def reasons(self) -> tuple[str, ...]:
        """Ids of the reasons; the position is the code."""
        return tuple(STATE_REASONS)

    def sentences(self, language: Language = "en") -> list[str]:
        """Return the reason of each state with the customer's own numbers.

        Parameters
        ----------
        language : {"en", "zh"}, default "en"
            Language.

        Returns
        -------
        list of str
            One per customer.
        """
        texts = [label.text(language) for label in STATE_REASONS.values()]
        told = self.activity
        columns = {
            "silent": told.silent,
            "age": told.age,
            "p": 100.0 * told.p_state,
            "kept": 100.0 * told.kept,
        }
        window = f"{self.scheme.window_days:,}"
        out = np.empty(len(self), dtype=object)
        for code in np.unique(self.reason).tolist():
            (rows,) = np.nonzero(self.reason == code)
            text = texts[code].replace("{window}", window)
            written = {name: write_counts(columns[name][rows]) for name in asked_for(text)}
            out[rows] = fill(text, len(rows), written)
        return list(out)

    def summary(self) -> pd.DataFrame:
        """Return one row per state: both labels, customers and their share.

        Returns
        -------
        pandas.DataFrame
            In the order of a relation; states without customers have 0.
        """
        heads = np.bincount(self.state, minlength=len(STATES))
        labels: list[Label] = [STATE_LABELS[name] for name in STATES]
        return pd.DataFrame(
            {
                "state": list(STATES),
                "label_en": [label.en for label in labels],
                "label_zh": [label.zh for label in labels],
                "customers": heads,
                "share": heads / len(self) if len(self) else np.nan,
            }
        )


def _dates(since: npt.NDArray[np.int32]) -> npt.NDArray[np.datetime64]:
    """Return days as dates; NaT where not known."""
    days = from_day_numbers(np.where(since == _NO_DAY, 0, since))
    days[since == _NO_DAY] = np.datetime64("NaT")
    return days
