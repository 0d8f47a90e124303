"""detect_churn: who probably left, where leaving is never observed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retainkit._core.arrays import check_shapes
from retainkit.churn._churn_table import REASON_CODE, ChurnReason, ChurnTable
from retainkit.churn._config import DetectionConfig
from retainkit.errors import AlignmentError, SchemaError
from retainkit.typing import ArrayLike1D, BoolArray, FloatArray


def detect_churn(
    p_alive: ArrayLike1D,
    *,
    customer_id: ArrayLike1D | pd.Index,
    never: ArrayLike1D | None = None,
    config: DetectionConfig = DetectionConfig(),  # noqa: B008 - frozen
) -> ChurnTable:
    """Judge who has left from each customer's probability of being alive.

    In business without contracts nobody sees a customer leave: the verdict is a probability with
    a threshold, and stays one.

    Parameters
    ----------
    p_alive : array_like, shape (n,)
        Probability of still being a customer [share]; NaN where no model can say.
    customer_id : array_like or pandas.Index, shape (n,)
        Customers, each once.
    never : array_like of bool, shape (n,), optional
        Who never purchased: it cannot have left, whatever `p_alive` says.
    config : DetectionConfig, optional
        The threshold.

    Returns
    -------
    ChurnTable
        In the order given. `p_churned` = 1 - p_alive float64, NaN where not observable; such a
        customer is not counted as gone, and its reason says why.

    Raises
    ------
    AlignmentError
        If lengths differ or a customer appears twice.
    SchemaError
        If a probability is outside [0, 1].

    Examples
    --------
    >>> from retainkit.churn import detect_churn
    >>> churn = detect_churn([0.9, 0.5, float("nan")], customer_id=[1, 2, 3])
    >>> churn.churned.tolist(), list(churn.reason)
    ([False, True, False], ['probably_alive', 'probably_gone', 'not_observable'])
    """
    ids = customer_id if isinstance(customer_id, pd.Index) else pd.Index(customer_id)
    alive = np.asarray(p_alive, dtype=np.float64)
    absent = np.zeros(len(ids), dtype=np.bool_) if never is None else np.asarray(never, np.bool_)
    _check(ids, alive, absent)
    p_churned = np.where(absent, np.nan, 1.0 - alive)
    known = ~np.isnan(p_churned)
    churned: BoolArray = known & (p_churned >= config.threshold)
    reason = np.full(len(ids), REASON_CODE[ChurnReason.NOT_OBSERVABLE], dtype=np.int8)
    reason[known] = REASON_CODE[ChurnReason.PROBABLY_ALIVE]
    reason[churned] = REASON_CODE[ChurnReason.PROBABLY_GONE]
    reason[absent] = REASON_CODE[ChurnReason.NEVER_PURCHASED]
    return ChurnTable(
        customer_id=ids, p_churned=p_churned, churned=churned, reason_code=reason, config=config
    )


def _check(ids: pd.Index, alive: FloatArray, never: BoolArray) -> None:
    """Refuse lengths that differ, customers twice, and probabilities outside [0, 1]."""
    check_shapes(len(ids), p_alive=alive, never=never)
    # asked of a series: an index would build a hash table for it, and keep it
    counted = isinstance(ids, pd.RangeIndex) or len(ids) < 2
    if not counted and not pd.Series(ids, copy=False).is_unique:
        doubled = ids[ids.duplicated()]
        raise AlignmentError(
            f"{len(doubled)} customers appear twice, for example {list(doubled[:3])}",
            rule="each customer once",
            where="customer_id",
        )
    outside = (alive < 0.0) | (alive > 1.0)
    if outside.any():
        raise SchemaError(
            f"{int(outside.sum())} of {len(alive)} probabilities lie outside [0, 1], "
            f"for example {alive[outside][:3].tolist()}",
            rule="p_alive is a probability, or NaN where it is not known",
            where="p_alive",
            fix="pass PurchaseModel.p_alive(summary)",
        )
