"""The escalation against debtors: one step at a time, none before it is due."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from retainkit._core.arrays import as_bools, as_floats
from retainkit.policy import _kernel
from retainkit.policy._measure_catalog import MeasureCatalog
from retainkit.typing import ArrayLike1D


def assign_debt_steps(
    days_overdue: ArrayLike1D,
    *,
    overdue_amount: ArrayLike1D | None = None,
    open_complaint: ArrayLike1D | None = None,
    catalog: MeasureCatalog | None = None,
) -> npt.NDArray[np.int8]:
    """Return the step of the escalation that is due for each debtor.

    Parameters
    ----------
    days_overdue : array_like of float, shape (n_debtors,)
        Days since the oldest open payment fell due [days]; NaN = unknown.
    overdue_amount : array_like of float, optional
        What is overdue [money]: steps with a `min_amount` above it are not taken; NaN = unknown,
        then none with a `min_amount` is.
    open_complaint : array_like of bool, optional
        Debtors with an unsettled complaint: they may withhold payment because of it (retaliatory
        churn), so nothing beyond the first step is due until it is settled.
    catalog : MeasureCatalog, optional
        Holds the steps; the default's days are placeholders for the firm's own terms.

    Returns
    -------
    ndarray of int8
        Position in `catalog.debt_steps`, in the order given; -1 where no step is due or the days
        are unknown. A step applies from its first day on.

    Examples
    --------
    >>> from retainkit.policy import assign_debt_steps
    >>> assign_debt_steps([0, 1, 45, 400, float("nan")])
    array([-1,  0,  1,  2, -1], dtype=int8)
    >>> assign_debt_steps([45, 400], open_complaint=[False, True])
    array([1, 0], dtype=int8)
    """
    steps = (catalog or MeasureCatalog()).debt_steps
    after = np.array([step.after_days_overdue for step in steps], dtype=np.float64)
    days = as_floats(days_overdue, "days_overdue")
    step = _kernel.debt_steps(days, after)
    if overdue_amount is not None:
        amount = as_floats(overdue_amount, "overdue_amount", n=days.size)
        least = np.array([0.0, *(one.min_amount for one in steps)])
        for _ in steps:
            needs = least[step + 1]
            with np.errstate(invalid="ignore"):
                step = np.where((needs > 0.0) & ~(amount >= needs), step - 1, step).astype(np.int8)
    if open_complaint is not None:
        waiting = as_bools(open_complaint, "open_complaint", n=days.size)
        step = np.where(waiting, np.minimum(step, np.int8(0)), step)
    return step
