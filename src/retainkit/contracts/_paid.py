"""Until when a contract that has ended is paid for: a charge up to that day brings nobody back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from retainkit._core.frame_columns import NEVER
from retainkit.contracts._convention import ContractConvention
from retainkit.contracts._dates import paid_until
from retainkit.contracts._read import Contracts

_Int32 = npt.NDArray[np.int32]


def last_paid_day(rows: Contracts, dated: _Int32, convention: ContractConvention) -> _Int32:
    """Return the last day that charges of each contract can fall on, if it ended on day `dated`.

    The day of the loss, or what is on record and later: the end of service, the end of the billing
    period. Where a notice leaves the end open, the term that runs on that day is paid for, up to
    the day before the next one would be charged. What is known to be unpaid is paid no further.
    """
    details, known = rows.details, rows.end != NEVER
    through = np.where(known, rows.end, dated).astype(np.int64)
    if details.cancel_requested is not None:
        noticed = ~known & (details.cancel_requested != NEVER)
        day = np.where(noticed, np.maximum(details.cancel_requested, rows.start), rows.start)
        months = np.maximum(rows.term_months, convention.billing_months or 1)
        renewal = paid_until(rows.start, day.astype(np.int64) + 1, months)
        through = np.where(noticed, renewal - 1, through)
    if details.billing_end is not None:
        billed = np.where(details.billing_end == NEVER, dated, details.billing_end)
        through = np.maximum(through, billed)
    if details.unpaid is not None:
        through = np.where(details.unpaid, dated, through)
    return np.maximum(through, dated).astype(np.int32)
