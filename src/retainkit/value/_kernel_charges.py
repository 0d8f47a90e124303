"""Array kernel of the money that contracts are still to bring."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

DayArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


def future_charges(
    survival: FloatArray,
    charged: DayArray,
    term_months: DayArray,
    days_to_next: FloatArray,
    charges_left: FloatArray,
    *,
    horizon_days: float,
    annual_discount_rate: float,
    days_per_month: float,
) -> FloatArray:
    """Return the discounted number of charges expected within the horizon, per customer.

    The k-th charge from now (k = 0, 1, ...) is the customer's (charged + k + 1)-th; it lies in the
    term floor((charged + k) / term_months), and `survival[t]` is the share of customers who renew
    t times.
    """
    renewed = (charged - 1) // term_months
    now = survival[renewed]
    total = np.zeros(len(charged))
    for k in range(int(np.ceil(horizon_days / days_per_month)) + 1):
        day = days_to_next + k * days_per_month
        counts = (day <= horizon_days) & (k < charges_left)
        if not counts.any():
            break
        stays = survival[(charged + k) // term_months] / now
        total += np.where(counts, stays * (1.0 + annual_discount_rate) ** (-day / 365.25), 0.0)
    return total
