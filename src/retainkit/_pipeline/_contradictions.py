"""Where the sources of a run contradict each other: contract against event, fact against act."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.catalogue import read_catalogue
from retainkit._core.time import to_day_numbers
from retainkit._pipeline._gaps import Gap, make_gap
from retainkit.churn import CauseTable, default_catalog
from retainkit.churn.causes._evidence import PRICE_LEAVES
from retainkit.churn.learn._records import LEAVES, has_fact
from retainkit.contracts import Contracts
from retainkit.contracts._spells import NO_DAY
from retainkit.tables import align_customer_ids
from retainkit.typing import BoolArray, Language
from retainkit.value import CustomerSummary

_FINAL = ("death", "business_closed")
_ENDS = (*_FINAL, "service_ended", "port_out")
_MANY = 0.1
"""Share that contradicts above which nobody can say who has left."""
_NEVER = np.iinfo(np.int32).max


class Contradiction(NamedTuple):
    """Customers of whom two sources say what cannot both be so.

    Attributes
    ----------
    id : str
        Its name in the catalogue: "cancelled_but_running", "ended_but_running",
        "gone_but_bought", "facts_in_doubt" or "statements_disagree".
    customers : int
        How many.
    of : int
        Among how many it could have been seen.
    customer_id : pandas.Index
        Who, in the order of the source.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.pipeline import Contradiction
    >>> Contradiction("gone_but_bought", 1, 4, pd.Index(["a"])).words()
    '1 of 4 customers recorded as dead or closed down bought after that day: check the record.'
    """

    id: str
    customers: int
    of: int
    customer_id: pd.Index[Any]

    def words(self, language: Language = "en") -> str:
        """Return what the sources say, as a sentence.

        Parameters
        ----------
        language : {"en", "zh"}, default "en"
            Display language.

        Returns
        -------
        str
            One sentence or two.
        """
        catalogue = read_catalogue("retainkit._pipeline", "contradictions")
        says: str = catalogue[self.id]["says"][language]
        return says.format(customers=f"{self.customers:,}", of=f"{self.of:,}")


def find_contradictions(
    events: pd.DataFrame | None,
    contracts: Contracts | None,
    purchases: CustomerSummary | None,
    causes: CauseTable | None,
) -> tuple[Contradiction, ...]:
    """List where contracts, events, purchases and stated reasons contradict each other.

    `purchases` is None where the history is made of contracts: a charge is no act of the customer.
    """
    found: list[Contradiction] = []
    if events is not None and len(events):
        dated = _Dated.read(events)
        if contracts is not None and len(contracts):
            found.extend(_against_contracts(dated, contracts))
        if purchases is not None:
            found.append(_bought_after(dated, purchases))
    if causes is not None and len(causes):
        found.extend(_among_causes(causes))
    return tuple(one for one in found if one.customers)


def find_doubts(found: tuple[Contradiction, ...]) -> tuple[Gap, ...]:
    """Return what a run cannot say because events and contracts contradict each other."""
    open_ends = ("cancelled_but_running", "ended_but_running")
    many = (one.id in open_ends and one.customers > _MANY * one.of for one in found)
    return (make_gap("ends_of_contracts"),) if any(many) else ()


class _Dated(NamedTuple):
    """Events as kinds of the catalogue and days since 1970."""

    customer_id: pd.Series[Any]
    kind: npt.NDArray[np.object_]
    day: npt.NDArray[np.int64]

    @classmethod
    def read(cls, events: pd.DataFrame) -> _Dated:
        codes, spellings = pd.factorize(events["kind"].astype("str"))
        names = [default_catalog().event_kind(text).kind for text in spellings]
        days = to_day_numbers(events["timestamp"].to_numpy()).astype(np.int64)
        return cls(events["customer_id"], np.array([*names, ""], dtype=object)[codes], days)

    def latest(self, kinds: tuple[str, ...], ids: pd.Index[Any]) -> npt.NDArray[np.int64]:
        """Return the last day of such an event of each customer; `NO_DAY` where there is none."""
        place = np.asarray(align_customer_ids(self.customer_id, ids))
        rows = np.isin(self.kind, kinds) & (place >= 0)
        last = np.full(len(ids), NO_DAY, dtype=np.int64)
        np.maximum.at(last, place[rows], self.day[rows])
        return last


def _against_contracts(dated: _Dated, contracts: Contracts) -> Iterator[Contradiction]:
    """Give who is said to have cancelled or ended while a contract runs that began before."""
    ids = contracts.customer_id
    since = np.full(len(ids), _NEVER, dtype=np.int64)
    runs = contracts.end == _NEVER
    if contracts.details.cancel_requested is not None:  # the contract knows of the request
        runs = runs & (contracts.details.cancel_requested == _NEVER)
    np.minimum.at(since, contracts.customer[runs], contracts.start[runs].astype(np.int64))
    for name, kinds in (
        ("cancelled_but_running", ("cancellation_request",)),
        ("ended_but_running", _ENDS),
    ):
        said = dated.latest(kinds, ids)
        yield _tell(name, (said != NO_DAY) & (said > since), int((said != NO_DAY).sum()), ids)


def _bought_after(dated: _Dated, purchases: CustomerSummary) -> Contradiction:
    """Return who bought after its recorded death or closure."""
    ended = dated.latest(_FINAL, purchases.customer_id)
    known = ended != NO_DAY
    bought = known & (purchases.occasions > 0) & (purchases.last_day.astype(np.int64) > ended)
    return _tell("gone_but_bought", bought, int(known.sum()), purchases.customer_id)


def _among_causes(causes: CauseTable) -> Iterator[Contradiction]:
    """Give whose facts are in doubt, and who stated different reasons.

    A stated reason beside another sign (dissatisfied, and gone to a rival) is no contradiction, nor
    is a price, which may stand for several causes.
    """
    fact, ids = has_fact(causes), causes.customer_id
    named = causes.anchored[:, LEAVES].sum(axis=1)
    price = (causes.anchored[:, LEAVES] == PRICE_LEAVES[LEAVES]).all(axis=1)
    yield _tell("facts_in_doubt", fact & (named > 1), int(fact.sum()), ids)
    stated = named < len(LEAVES)  # who stated nothing may have left for any of them
    yield _tell("statements_disagree", ~fact & stated & ~price & (named > 1), len(causes), ids)


def _tell(name: str, who: BoolArray, of: int, ids: pd.Index[Any]) -> Contradiction:
    """Return one contradiction."""
    return Contradiction(name, int(who.sum()), of, ids[np.flatnonzero(who)])
