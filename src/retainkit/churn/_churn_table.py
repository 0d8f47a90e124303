"""ChurnTable: who left, with what probability, and on what ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.result import ResultTable
from retainkit._core.time import from_day_numbers
from retainkit.churn._config import DetectionConfig
from retainkit.contracts import ContractConvention
from retainkit.contracts._spells import NO_DAY
from retainkit.typing import BoolArray, FloatArray

Int8Array: TypeAlias = npt.NDArray[np.int8]
Int32Array: TypeAlias = npt.NDArray[np.int32]


class ChurnReason(StrEnum):
    """The ground of a churn verdict.

    Examples
    --------
    >>> from retainkit.churn import ChurnReason
    >>> ChurnReason.IN_GRACE.value
    'in_grace'
    """

    PROBABLY_GONE = "probably_gone"
    PROBABLY_ALIVE = "probably_alive"
    NEVER_PURCHASED = "never_purchased"
    NOT_OBSERVABLE = "not_observable"
    CONTRACT_ENDED = "contract_ended"
    CONTRACT_RUNNING = "contract_running"
    IN_GRACE = "in_grace"
    NOT_STARTED = "not_started"
    PAUSED = "paused"


REASONS: tuple[ChurnReason, ...] = tuple(ChurnReason)
REASON_CODE: dict[ChurnReason, int] = {reason: code for code, reason in enumerate(REASONS)}


def to_categorical(
    codes: npt.NDArray[np.integer[Any]], names: Sequence[str]
) -> pd.Categorical[Any]:
    """Return codes as a categorical over all names, in their order; -1 = empty."""
    categories: pd.Index[Any] = pd.Index([str(name) for name in names])
    return pd.Categorical.from_codes(codes, categories=categories)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ChurnTable(ResultTable):
    """One row per customer: probability of having left, verdict and ground.

    Parameters
    ----------
    customer_id : pandas.Index
        Customers, each once.
    p_churned : numpy.ndarray of float64
        Probability of having left [share]; NaN where it cannot be known, `reason` says why.
    churned : numpy.ndarray of bool
        The verdict; False where `p_churned` is NaN.
    reason_code : numpy.ndarray of int8
        Position of the ground in `ChurnReason`.
    effective_day : numpy.ndarray of int32 or None
        First day without service of those who left [days since 1970-01-01]; int32 minimum where
        not known. None where leaving is never observed (non-contract business).
    spells : numpy.ndarray of int32 or None
        Times the customer joined; 2 or more = it came back. None without contracts.
    config : DetectionConfig or ContractConvention
        The settings used.

    Examples
    --------
    >>> from retainkit.churn import detect_churn
    >>> churn = detect_churn([0.9, 0.2], customer_id=["a", "b"])
    >>> churn
    <ChurnTable: 2 customers; next: attribute_causes(events, churn=churn)>
    >>> churn.to_frame()
      customer_id  p_churned  churned          reason
    0           a        0.1    False  probably_alive
    1           b        0.8     True   probably_gone
    """

    customer_id: pd.Index
    p_churned: FloatArray
    churned: BoolArray
    reason_code: Int8Array
    effective_day: Int32Array | None = None
    spells: Int32Array | None = None
    config: DetectionConfig | ContractConvention

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = "attribute_causes(events, churn=churn)"
    _schema: ClassVar[tuple[Column, ...]] = (
        *plain("customer_id", "p_churned", "churned", "reason"),
        Column("effective_at", "_effective_at"),
        Column("spells"),
    )

    def __len__(self) -> int:
        return len(self.customer_id)

    @property
    def p_active(self) -> FloatArray:
        """Probability of still being a customer: 1 - `p_churned`; NaN where that is not known."""
        return 1.0 - self.p_churned

    @property
    def reason(self) -> pd.Categorical[Any]:
        """The ground of each verdict, as an unordered categorical with all grounds."""
        return to_categorical(self.reason_code, REASONS)

    @property
    def _effective_at(self) -> npt.NDArray[np.datetime64] | None:
        """First day without service; NaT for who has not gone."""
        if self.effective_day is None:
            return None
        known = self.effective_day != NO_DAY
        days = from_day_numbers(np.where(known, self.effective_day, 0))
        return np.where(known, days, np.datetime64("NaT", "s"))

    def summary(self) -> pd.DataFrame:
        """Return customers and expected losses by ground.

        Returns
        -------
        pandas.DataFrame
            One row per ground that occurs: reason, customers, share, churned, expected_churned
            (sum of the known probabilities).
        """
        n, size = len(self), len(REASONS)
        counts = np.bincount(self.reason_code, minlength=size)
        gone = np.bincount(self.reason_code, weights=self.churned, minlength=size)
        known = np.nan_to_num(self.p_churned, nan=0.0)
        expected = np.bincount(self.reason_code, weights=known, minlength=size)
        frame = pd.DataFrame(
            {
                "reason": [str(reason) for reason in REASONS],
                "customers": counts,
                "share": counts / n if n else np.full(size, np.nan),
                "churned": gone.astype(np.int64),
                "expected_churned": expected,
            }
        )
        return frame[frame["customers"] > 0].reset_index(drop=True)
