"""One standing per customer, with every reason for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.result import ResultTable
from retainkit._core.time import from_day_numbers
from retainkit.tiers._catalog import SEVERITY_STEPS, STANDING_REASONS, STANDINGS
from retainkit.tiers._standing_config import StandingConfig
from retainkit.typing import FloatArray

__all__ = ["SEVERITY", "StandingTable"]

_REASONS = tuple(STANDING_REASONS)
_STEPS = tuple(SEVERITY_STEPS)
_JUDGED_AS = {  # reason -> standing, step of severity
    "no_credit_record": ("good", "clear"),
    "credit_good": ("good", "clear"),
    "on_watch": ("watch", "attention"),
    "in_dispute": ("watch", "attention"),
    "disputes_often": ("watch", "attention"),
    "pays_late": ("watch", "attention"),
    "overdue": ("watch", "overdue"),
    "on_probation": ("bad", "bad_payer"),
    "chronically_late": ("bad", "bad_payer"),
    "overdue_beyond_limit": ("bad", "bad_payer"),
    "credit_default": ("bad", "default"),
    "fraud": ("bad", "fraud"),
}
SEVERITY = np.array([STANDINGS.index(_JUDGED_AS[one][0]) for one in _REASONS], dtype=np.int8)
"""Standing that each reason gives."""

_STEP = np.array([_STEPS.index(_JUDGED_AS[one][1]) for one in _REASONS], dtype=np.int8)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class StandingTable(ResultTable):
    """Hold one standing per customer with its reason and the evidence.

    Parameters
    ----------
    customer_id : pandas.Index
        The customers asked for, in their order.
    standing : ndarray of int8
        Position in `standings`: good, watch, bad.
    reason : ndarray of int8
        Position in `reasons`.
    overdue_amount, days_overdue : ndarray of float
        What the invoices, else the record, say [money], [day]; NaN: not known.
    config : StandingConfig
        The limits.
    evidence : ndarray of uint16
        Every reason that holds: the bit of its position in `reasons`.
    clear_since : ndarray of int32
        For customers on probation, the day (since 1970-01-01) of the first assessment without a
        bad sign; -1 for others.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tiers import assess_standing
    >>> customers = pd.DataFrame({"customer_id": [1, 2], "days_overdue": [0.0, 120.0]})
    >>> assess_standing(customers, customer_id=pd.Index([2, 1])).standing
    array([2, 0], dtype=int8)
    """

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = "assign_tiers(value, scheme, standing=...)"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customer_id"),
        Column("standing", categories=STANDINGS, ordered=True),
        Column("standing_reason", "reason", _REASONS),
        Column("severity", categories=_STEPS, ordered=True),
        Column("all_reasons", "_all_reasons"),
        *plain("overdue_amount", "days_overdue"),
        Column("clear_since", "_clear_since"),
    )
    standings: ClassVar[tuple[str, ...]] = STANDINGS
    reasons: ClassVar[tuple[str, ...]] = _REASONS

    customer_id: pd.Index[Any]
    standing: npt.NDArray[np.int8]
    reason: npt.NDArray[np.int8]
    overdue_amount: FloatArray
    days_overdue: FloatArray
    config: StandingConfig
    evidence: npt.NDArray[np.uint16]
    clear_since: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return self.standing.size

    @property
    def severity(self) -> npt.NDArray[np.int8]:
        """Step of severity, the position in `SEVERITY_STEPS`."""
        return _STEP[self.reason]

    @property
    def _clear_since(self) -> pd.Series[Any]:
        """First day without a bad sign; missing but on probation."""
        since = from_day_numbers(np.maximum(self.clear_since, 0))
        return pd.Series(since).where(self.clear_since >= 0)

    @property
    def _all_reasons(self) -> pd.Categorical[Any]:
        """Return the reasons that hold as one text; few combinations occur."""
        found, codes = np.unique(self.evidence, return_inverse=True)
        texts = [
            "; ".join(
                name for code, name in reversed(list(enumerate(_REASONS))) if bits >> code & 1
            )
            for bits in found.tolist()
        ]
        return pd.Categorical.from_codes(codes.reshape(-1), pd.Index(texts, dtype="str"))

    def summary(self) -> pd.DataFrame:
        """Return one row per reason that occurs: standing, both labels, customers.

        Returns
        -------
        pandas.DataFrame
            Most severe reason first.
        """
        counts = np.bincount(self.reason, minlength=len(self.reasons))
        rows = [
            {
                "standing": self.standings[SEVERITY[code]],
                "reason": reason,
                "label_en": STANDING_REASONS[reason].en,
                "label_zh": STANDING_REASONS[reason].zh,
                "customers": int(counts[code]),
            }
            for code, reason in reversed(list(enumerate(self.reasons)))
            if counts[code]
        ]
        return pd.DataFrame(
            rows, columns=["standing", "reason", "label_en", "label_zh", "customers"]
        )
