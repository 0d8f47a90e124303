"""Purchases seen as contracts: each one keeps its customer for one window."""

from __future__ import annotations

import numpy as np

from retainkit.contracts._read import NO_DETAILS
from retainkit.metrics._contracts import ContractIndex
from retainkit.metrics._convention import MetricConvention
from retainkit.metrics._purchases import PurchaseIndex


def as_contracts(base: PurchaseIndex, *, convention: MetricConvention) -> ContractIndex:
    """Return purchases as contracts over [day, day + window).

    Then a customer is active exactly while the window holds a purchase, and the recurring amount
    is the revenue of the last `window_days`: movements, departures and stays get one definition
    for both kinds of business.

    Parameters
    ----------
    base : PurchaseIndex
        From `index_purchases`.
    convention : MetricConvention
        `window_days`; `refunds` says whether returns lower the amount. Returns make nobody
        active.

    Returns
    -------
    ContractIndex
        One row per purchase row.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import MetricConvention, as_contracts, index_purchases
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> seen = as_contracts(base, convention=MetricConvention())
    >>> bool((seen.active_before(10_000, convention=MetricConvention())
    ...       == base.active_before(10_000, convention=MetricConvention())).all())
    True
    """
    customer, day, amount = base.row_customer, base.row_day, base.row_amount
    details = NO_DETAILS
    returned = amount < 0.0
    if returned.any():
        if convention.refunds == "ignore":
            kept = ~returned
            customer, day, amount = customer[kept], day[kept], amount[kept]
        else:
            details = details._replace(makes_active=~returned)
    return ContractIndex(
        customer_id=base.customer_id,
        as_of=base.as_of,
        observed_from=base.observed_from,
        first_day=base.first_day,
        row_customer=customer,
        row_start=day,
        row_end=(day + convention.window_days).astype(np.int32),
        row_amount=amount,
        rows_after_as_of=base.rows_after_as_of,
        details=details,
    )
