"""The events table: what is recorded around each true cause, and what misleads."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from retainkit._simulate._kernel import draw_days
from retainkit._simulate._population import (
    Population,
    Purchases,
    Stream,
    Traits,
    make_generator,
)
from retainkit._simulate._records import codes_of_cause, label_codes, label_days, yearly_spend
from retainkit.typing import IntArray


class _Trace(NamedTuple):
    """What a cause leaves behind: an event with its chance, and its days after the last buy."""

    cause: str
    kind: str
    code: str
    source: str
    chance: float
    first: int
    last: int


_BETTER_OFFER = "Competitor made better offer"
_TRACES = (
    _Trace("active.natural", "cancellation_request", "unused", "survey", 0.5, 1, 40),
    _Trace("active.natural", "relocation", "", "verified", 0.4, 1, 40),
    _Trace("active.natural", "death", "", "verified", 0.1, 1, 40),
    _Trace("active.natural", "business_closed", "", "verified", 0.1, 1, 40),
    _Trace("active.competitive", "cancellation_request", "switched_service", "survey", 0.6, 1, 30),
    _Trace("active.competitive", "cancellation_request", "too_expensive", "survey", 0.15, 1, 30),
    _Trace("active.competitive", "agent_note", _BETTER_OFFER, "agent", 0.5, -10, 20),
    _Trace("active.competitive", "port_out", "", "verified", 0.15, 1, 30),
    _Trace("active.fault", "complaint", "product_quality", "record", 0.5, -10, 10),
    _Trace("active.fault", "complaint", "staff_attitude", "record", 0.35, -10, 10),
    _Trace("active.fault", "cancellation_request", "customer_service", "survey", 0.25, 11, 40),
    _Trace("active.fault", "cancellation_request", "low_quality", "survey", 0.25, 11, 40),
    _Trace("passive.non_malicious", "payment_failed", "expired_card", "record", 0.7, 5, 40),
    _Trace("passive.non_malicious", "payment_failed", "insufficient_funds", "record", 0.4, 5, 40),
    _Trace("passive.non_malicious", "service_ended", "payment_failed", "record", 0.6, 45, 75),
    _Trace("passive.retaliatory", "complaint", "wrong_invoice", "record", 0.7, 0, 9),
    _Trace("passive.retaliatory", "dispute", "payment_disputed", "record", 0.5, 5, 14),
    _Trace("passive.retaliatory", "payment_failed", "stop_payment_order", "record", 0.6, 15, 40),
    _Trace("passive.retaliatory", "service_ended", "payment_disputed", "record", 0.4, 45, 75),
    _Trace("passive.malicious", "payment_failed", "fraudulent", "record", 0.5, 5, 30),
    _Trace("passive.malicious", "never_paid", "", "record", 0.3, 5, 40),
    _Trace("passive.malicious", "fraud", "", "verified", 0.45, 20, 60),
    _Trace("administrative", "product_retired", "", "verified", 0.7, 1, 30),
    _Trace("administrative", "service_ended", "canceled_by_retention_policy", "record", 0.5, 1, 30),
)
_NOISE = (
    _Trace("", "complaint", "product_quality", "record", 1.0, 0, 0),
    _Trace("", "complaint", "delivery_late", "record", 1.0, 0, 0),
    _Trace("", "payment_failed", "insufficient_funds", "record", 1.0, 0, 0),
    _Trace("", "payment_failed", "expired_card", "record", 1.0, 0, 0),
    _Trace("", "agent_note", _BETTER_OFFER, "agent", 1.0, 0, 0),
)
_RECOVERED = _Trace("", "payment_recovered", "", "record", 1.0, 0, 0)
_ALL = (*_TRACES, *_NOISE, _RECOVERED)
_NEVER = np.iinfo(np.int64).min
_MONEY_KINDS = ("payment_failed", "payment_recovered", "dispute", "never_paid")
_RESOLVABLE_KINDS = ("complaint", "payment_failed", "dispute")


class _Found(NamedTuple):
    """Events as arrays: whose, which trace, when, and when settled."""

    owner: IntArray
    trace: IntArray
    day: IntArray
    resolved: IntArray


def write_events(population: Population, purchases: Purchases, traits: Traits) -> pd.DataFrame:
    """Return the events known on `as_of`, in the order of the days."""
    rng = make_generator(population.seed, Stream.EVENTS)
    parts = (
        _evidence(rng, population, purchases, traits),
        _noise(rng, population, purchases),
    )
    whole = _Found(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    order = np.lexsort((whole.trace, whole.owner, whole.day))
    order = order[whole.day[order] <= population.as_of]
    return _write(population, _Found(*(column[order] for column in whole)))


def _evidence(
    rng: np.random.Generator, population: Population, purchases: Purchases, traits: Traits
) -> _Found:
    """Draw the traces of true causes; some leavers are silent, some traces mislead."""
    config, n = population.config, len(population)
    cause = codes_of_cause(population, traits)
    cause = np.where(rng.random(n) < config.silent_share, "", cause)
    owners, numbers, days = [], [], []
    for place, trace in enumerate(_TRACES):
        concerned = np.flatnonzero(cause == trace.cause)
        owner = concerned[rng.random(len(concerned)) < trace.chance]
        gone = purchases.dropout_day[owner]
        first = np.maximum(gone + trace.first, population.join_day[owner])
        owners.append(owner)
        numbers.append(np.full(len(owner), place))
        days.append(draw_days(rng, first=first, last=gone + trace.last))
    owner, day = np.concatenate(owners), np.concatenate(days)
    misleads = rng.random(len(owner)) < config.evidence_noise
    other = rng.integers(len(_TRACES), size=len(owner))
    number = np.where(misleads, other, np.concatenate(numbers))
    return _Found(owner, number, day, np.full(len(owner), _NEVER))


def _noise(rng: np.random.Generator, population: Population, purchases: Purchases) -> _Found:
    """Draw events that mean nothing, from joining to leaving; what can be settled is.

    A payment that failed is followed by its recovery.
    """
    last = np.minimum(purchases.dropout_day, population.as_of)
    years = np.maximum(last - population.join_day, 0) / 365.0
    count = rng.poisson(population.config.evidence_noise * years)
    owner = np.repeat(np.arange(len(population)), count)
    day = draw_days(rng, first=population.join_day[owner], last=last[owner])
    number = len(_TRACES) + rng.integers(len(_NOISE), size=len(owner))
    settled = day + rng.integers(1, 15, size=len(owner))
    paid = np.array([trace.kind == "payment_failed" for trace in _ALL])[number]
    return _Found(
        np.append(owner, owner[paid]),
        np.append(number, np.full(int(paid.sum()), len(_ALL) - 1)),
        np.append(day, settled[paid]),
        np.append(settled, np.full(int(paid.sum()), _NEVER)),
    )


def _write(population: Population, found: _Found) -> pd.DataFrame:
    kinds = tuple(trace.kind for trace in _ALL)
    texts = tuple(f"{trace.kind} {trace.code}".replace("_", " ").strip() for trace in _ALL)
    money = np.isin(np.array(kinds), _MONEY_KINDS)[found.trace]
    resolvable = np.isin(np.array(kinds), _RESOLVABLE_KINDS)[found.trace]
    settled = resolvable & (found.resolved != _NEVER) & (found.resolved <= population.as_of)
    monthly = np.round(np.maximum(yearly_spend(population) / 12.0, 1.0), 2)[found.owner]
    return pd.DataFrame(
        {
            "customer_id": found.owner + 1,
            "timestamp": label_days(found.day),
            "kind": label_codes(found.trace, names=kinds),
            "code": label_codes(found.trace, names=tuple(trace.code or None for trace in _ALL)),
            "source": label_codes(found.trace, names=tuple(trace.source for trace in _ALL)),
            "text": np.array(texts, dtype=object)[found.trace],
            "amount": np.where(money, monthly, np.nan),
            "resolved_at": label_days(found.resolved, known=settled),
        }
    )
