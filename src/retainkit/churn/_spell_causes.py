"""label_spells, share_spells: the cause of each spell's end, whole or in parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit.churn._cause_table import CauseTable, cause_categorical
from retainkit.churn._causes import CAUSES, UNKNOWN_CODE
from retainkit.churn._spells import SpellTable
from retainkit.tables import align_customer_ids
from retainkit.typing import FloatArray


def label_spells(spells: SpellTable, *, causes: CauseTable | None) -> pd.Categorical[Any]:
    """Name the cause of each spell's end, for `cumulative_incidence`.

    Parameters
    ----------
    spells : SpellTable
        From `list_contract_spells`.
    causes : CauseTable or None
        Why customers left. It is the cause of a customer's last loss; earlier ones are `unknown`,
        and so is every loss without it.

    Returns
    -------
    pandas.Categorical
        One cause per spell, all eight leaves as categories; missing where the spell runs on, or
        ended in a pause.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import (
    ...     attribute_causes, cumulative_incidence, detect_contract_churn, label_spells,
    ...     list_contract_spells)
    >>> contracts = pd.DataFrame({"customer_id": ["a", "a", "b"],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-02-01", "2026-01-01"]),
    ...     "end": pd.to_datetime(["2026-01-11", "2026-03-01", None])})
    >>> events = pd.DataFrame({"customer_id": ["a"], "kind": ["relocation"],
    ...                        "timestamp": pd.to_datetime(["2026-02-27"])})
    >>> churn = detect_contract_churn(contracts, as_of="2026-03-31")
    >>> spells = list_contract_spells(contracts, as_of="2026-03-31")
    >>> labels = label_spells(spells, causes=attribute_causes(events, churn=churn))
    >>> labels.tolist()
    ['unknown', 'active.natural', nan]
    >>> cumulative_incidence(spells.duration, cause=labels).causes
    ('active.natural', 'unknown')
    """
    place = _last_losses(spells, causes)
    code = np.where(spells.ended, UNKNOWN_CODE, -1).astype(np.int8)
    if causes is not None:
        code[place >= 0] = causes.cause_code[place[place >= 0]]
    return cause_categorical(code)


def share_spells(spells: SpellTable, *, causes: CauseTable | None) -> FloatArray:
    """Share each spell's end among the causes by probability, for `share_incidence`.

    Parameters
    ----------
    spells, causes
        As in `label_spells`; probabilities from `EvidenceModel.apply` or `CauseModel.apply`.

    Returns
    -------
    numpy.ndarray of float64, shape (spells, 8)
        Rows sum to 1 where the spell ended in a loss and are 0 where it did not; losses without a
        cause are all `unknown`.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import list_contract_spells, share_spells
    >>> contracts = pd.DataFrame({"customer_id": ["a", "b"],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-01-01"]),
    ...     "end": pd.to_datetime(["2026-01-11", None])})
    >>> spells = list_contract_spells(contracts, as_of="2026-03-31")
    >>> share_spells(spells, causes=None).sum(axis=1).tolist()
    [1.0, 0.0]
    """
    place = _last_losses(spells, causes)
    shares = np.zeros((len(spells), len(CAUSES)))
    shares[spells.ended, UNKNOWN_CODE] = 1.0
    if causes is not None:
        shares[place >= 0] = causes.posterior[place[place >= 0]]
    return shares


def _last_losses(spells: SpellTable, causes: CauseTable | None) -> npt.NDArray[np.int64]:
    """Return the place among the causes of each spell that is its customer's last loss; else -1."""
    if causes is None or not len(causes):
        return np.full(len(spells), -1, dtype=np.int64)
    ids = pd.Series(causes.customer_id)
    found = align_customer_ids(ids, spells.customer_id)
    of_customer = np.full(len(spells.customer_id) + 1, -1, dtype=np.int64)
    of_customer[found] = np.arange(len(causes))
    of_customer[-1] = -1
    return np.where(spells.ended & ~spells.returned, of_customer[spells.customer], -1)
