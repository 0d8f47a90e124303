"""A plan: one measure per customer inside a budget."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.result import ResultTable
from retainkit.typing import FloatArray

NO_MEASURE = "do_nothing"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Allocation(ResultTable):
    """Hold one plan: which customer gets which measure, what it earns, and what more would.

    Attributes
    ----------
    customer_id : pandas.Index
        Customers, in the order given.
    measures : tuple of str
        Names of the measures; the position is the code.
    measure : ndarray of int16
        Code of each customer's measure; -1 = do nothing.
    expected_gain, expected_cost : ndarray of float64
        Of that measure [money]; 0 for doing nothing.
    budget : float
        What could be spent [money].
    shadow_price : float
        What the next unit of budget earns; 0 where more money would buy nothing.
    bound : float
        No plan within the limits gains more [money].
    limit_prices : tuple of (str, float)
        Shadow price of each further limit: what one unit more of it earns.
    limit_used : tuple of (str, float)
        What the plan takes of each further limit, in the unit it counts.

    Examples
    --------
    >>> from retainkit.policy import allocate_budget
    >>> plan = allocate_budget([[5.0], [3.0], [1.0]], [2.0], budget=4.0, measures=("letter",))
    >>> plan
    <Allocation: 3 customers; next: .summary() or .to_frame()>
    """

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = ".summary() or .to_frame()"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customer_id"),
        Column("measure", "_shown", "_shown_names"),
        *plain("expected_gain", "expected_cost"),
    )

    customer_id: pd.Index[Any]
    measures: tuple[str, ...]
    measure: npt.NDArray[np.int16]
    expected_gain: FloatArray
    expected_cost: FloatArray
    budget: float
    shadow_price: float
    bound: float
    limit_prices: tuple[tuple[str, float], ...] = ()
    limit_used: tuple[tuple[str, float], ...] = ()

    def __len__(self) -> int:
        return self.measure.size

    @property
    def gain(self) -> float:
        """Expected gain of the plan [money]."""
        return math.fsum(self.expected_gain.tolist())

    @property
    def cost(self) -> float:
        """Expected cost of the plan [money]."""
        return math.fsum(self.expected_cost.tolist())

    @property
    def gap(self) -> float:
        """Largest share of the bound that another plan could still add; 0 when none can."""
        return max(self.bound - self.gain, 0.0) / self.bound if self.bound > 0.0 else 0.0

    @property
    def next_unit(self) -> str:
        """What one more unit of budget earns, in words."""
        return f"the next unit of budget earns {self.shadow_price:.4g}"

    @property
    def _shown_names(self) -> list[str]:
        """Return the measures, "do_nothing" first and always."""
        return [NO_MEASURE, *(name for name in self.measures if name != NO_MEASURE)]

    @property
    def _shown(self) -> npt.NDArray[np.int16]:
        """Return the position of each customer's measure among those shown."""
        names = self._shown_names
        place = np.array([names.index(name) for name in self.measures] or [0], dtype=np.int16)
        return np.where(self.measure < 0, np.int16(0), place[self.measure])

    def summary(self) -> pd.DataFrame:
        """Return customers, gain and cost by measure, and what money earns at the margin.

        One row per measure, "do_nothing" first, and a last row "total" with `next_unit_earns`.

        Examples
        --------
        >>> from retainkit.policy import allocate_budget
        >>> plan = allocate_budget([[5.0], [3.0]], [2.0], budget=2.0, measures=("letter",))
        >>> plan.summary()
              measure  customers  gain  cost  next_unit_earns
        0  do_nothing          1   0.0   0.0              NaN
        1      letter          1   5.0   2.0              NaN
        2       total          2   5.0   2.0              1.5
        """
        rows = []
        for code in range(-1, len(self.measures)):
            if code >= 0 and self.measures[code] == NO_MEASURE:
                continue
            inside = self.measure == code
            rows.append(
                {
                    "measure": NO_MEASURE if code < 0 else self.measures[code],
                    "customers": int(inside.sum()),
                    "gain": math.fsum(self.expected_gain[inside].tolist()),
                    "cost": math.fsum(self.expected_cost[inside].tolist()),
                }
            )
        total = {"measure": "total", "customers": len(self), "gain": self.gain, "cost": self.cost}
        frame = pd.DataFrame([*rows, total])
        frame["next_unit_earns"] = [np.nan] * len(rows) + [self.shadow_price]
        return frame
