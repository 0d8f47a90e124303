"""Simulated firms of which everything is known: what each customer is, and what comes next.

Each firm is made from a seed: heterogeneous customers (gamma rates, lognormal spend, beta-geometric
dropout), a history up to `as_of`, and one horizon more. Time is counted in days from the first day
of a history of two years; `as_of` is day 729. Purchasers may have joined earlier, as in an extract
of a running firm; customers are those with a purchase in the history. Contracts start and end on
days of the calendar and are charged monthly in advance.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import factorial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import gammainc, ndtr

from retainkit.typing import BoolArray, FloatArray

IntArray = npt.NDArray[np.int64]
Intensity = Callable[[FloatArray], FloatArray]
"""How busy the whole firm is at each time [multiple of its usual level]."""

HISTORY = 730
YEAR = 365.0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Firm:
    """What a firm recorded, and what only its maker knows.

    `active` and `money` are what came in the horizon; `p_active` and `expected_money` what was to
    be expected of each customer from its hidden rate, dropout and state: no forecast can do better.
    `running` tells whose contract runs on `as_of`; who has none is active if it buys.
    """

    as_of: pd.Timestamp
    horizon_days: int
    active: BoolArray
    money: FloatArray
    p_active: FloatArray
    expected_money: FloatArray
    running: BoolArray
    transactions: pd.DataFrame | None = None
    contracts: pd.DataFrame | None = None
    recorded_from: pd.Timestamp | None = None

    def __len__(self) -> int:
        return len(self.active)


class Kind(NamedTuple):
    """How a firm is made, and what a forecast ought to say of it.

    Attributes
    ----------
    make : callable
        Draws the firm of a generator and a number of customers.
    customers : int
        Number of customers by default.
    breaks : bool or None
        Whether the horizon is unlike what the history lets one expect; None where it is not, but a
        note has its place: the total is unlike last year's by growth or age alone, customers or
        buyers are few, or nothing can rank them.
    cause : str
        Pattern of the words by which a note names what is special here.
    alike : bool
        Whether all customers are the same, so that nothing can rank them.
    """

    make: Callable[[np.random.Generator, int], Firm]
    customers: int
    breaks: bool | None
    cause: str
    alike: bool = False


# ---------------------------------------------------------------- purchases
class _Buyers(NamedTuple):
    """Hidden traits of customers: purchases per day, chance to drop out after each, mean spend."""

    joined: FloatArray
    rate: FloatArray
    dropout: FloatArray
    spend: FloatArray


def _buyers(g: np.random.Generator, joined: FloatArray, yearly: float = 6.0) -> _Buyers:
    """Draw heterogeneous traits for customers who joined on these days."""
    size = len(joined)
    return _Buyers(
        joined,
        g.gamma(1.0, yearly / YEAR, size),
        g.beta(2.0, 10.0, size),
        g.lognormal(3.0, 0.6, size),
    )


def _always(time: FloatArray) -> FloatArray:
    return np.ones_like(time)


class _Log(NamedTuple):
    """Purchases in order of customer and time, and what is ahead of each customer on `as_of`."""

    customer: IntArray
    time: FloatArray
    p_active: FloatArray
    purchases: FloatArray


def _purchase(
    g: np.random.Generator,
    buyers: _Buyers,
    *,
    horizon: int,
    intensity: Intensity = _always,
    stages: int = 1,
) -> _Log:
    """Let customers buy until the end of the horizon.

    Gaps follow Erlang's law with `stages` stages (one: chance alone; more: a regular rhythm) on a
    clock that runs as fast as the firm is busy; after each purchase, the first too, a customer
    drops out with its own probability.
    """
    size, until = len(buyers.rate), HISTORY + horizon
    days = np.arange(np.floor(buyers.joined.min()), until + 1)
    clock = np.r_[0.0, np.cumsum(intensity(days[:-1] + 0.5))]
    begun, today = np.interp(buyers.joined, days, clock), float(np.interp(HISTORY, days, clock))
    lives_for = g.geometric(buyers.dropout)
    mean = buyers.rate * (clock[-1] - begun)
    most = np.where(mean > 0, np.ceil(mean + 6 * np.sqrt(mean) + 10), 0)
    repeats = np.minimum(lives_for - 1, most).astype(np.int64)
    who = np.repeat(np.arange(size), repeats)
    total = np.r_[0.0, np.cumsum(g.gamma(stages, 1 / (stages * buyers.rate[who])))]
    before = total[np.cumsum(repeats) - repeats]
    at = begun[who] + total[1:] - before[who]
    who, at = who[at < clock[-1]], at[at < clock[-1]]
    past = at < today
    last = begun.copy()
    np.maximum.at(last, who[past], at[past])
    there = np.flatnonzero(lives_for > 1 + np.bincount(who[past], minlength=size))
    p_active, count = np.zeros(size), np.zeros(size)
    left = _Buyers(*(trait[there] for trait in buyers))
    p_active[there], count[there] = _ahead(left, clock[-1] - today, (today - last)[there], stages)
    return _Log(
        np.r_[np.arange(size), who],
        np.r_[buyers.joined, np.interp(at, clock, days)],
        p_active,
        count,
    )


def _ahead(
    buyers: _Buyers, ahead: float, silent: FloatArray, stages: int
) -> tuple[FloatArray, FloatArray]:
    """Return P(at least one purchase) and the expected number, for customers still there.

    The stages already passed since the last purchase are Poisson and fewer than `stages`; the j-th
    purchase needs j * stages less these, and j - 1 times staying on.
    """
    mean, passed = buyers.rate * stages * ahead, buyers.rate * stages * silent
    most = int(mean.max() / stages + 8 * np.sqrt(mean.max() / stages + 1) + 5)
    nth = np.arange(1, most + 1)[:, None]
    weight = np.array([passed**m / factorial(m) for m in range(stages)])
    weight /= weight.sum(axis=0)
    at_least = np.zeros((most, len(mean)))
    for m in range(stages):
        at_least += weight[m] * gammainc(nth * stages - m, mean)
    stayed = (1 - buyers.dropout) ** (nth - 1)
    return at_least[0], (at_least * stayed).sum(axis=0)


def _amounts(g: np.random.Generator, mean: FloatArray) -> FloatArray:
    """Draw what single purchases cost around each customer's mean."""
    return mean * g.lognormal(-0.125, 0.5, len(mean))


def _days(time: FloatArray, as_of: pd.Timestamp) -> npt.NDArray[np.datetime64]:
    """Return the calendar days of times counted from the first day of the history."""
    first = np.datetime64(as_of.date(), "D") - np.timedelta64(HISTORY - 1, "D")
    days: npt.NDArray[np.datetime64] = first + np.floor(time).astype("timedelta64[D]")
    return days


def _shop(
    g: np.random.Generator,
    size: int,
    buyers: _Buyers,
    log: _Log,
    *,
    horizon: int,
    as_of: str = "2024-12-31",
    returned: float = 0.0,
) -> Firm:
    """Record the purchases of the first `size` customers who bought within the history."""
    day = pd.Timestamp(as_of)
    inside = (log.time >= 0) & (log.time < HISTORY)
    seen = np.unique(log.customer[inside])[:size]
    if len(seen) < size:
        raise ValueError(f"only {len(seen)} customers were seen, {size} wanted")
    code = np.full(len(buyers.rate), -1)
    code[seen] = np.arange(size)
    rows = np.flatnonzero((code[log.customer] >= 0) & (log.time >= 0))
    who, when = code[log.customer[rows]], log.time[rows]
    amount = _amounts(g, buyers.spend[log.customer[rows]])
    back = g.random(len(who)) < returned
    who, when = np.r_[who, who[back]], np.r_[when, when[back] + g.integers(0, 21, int(back.sum()))]
    amount = np.r_[amount, -amount[back]]
    past, next_ = when < HISTORY, (when >= HISTORY) & (when < HISTORY + horizon)
    order = np.argsort(when[past], kind="stable")
    table = pd.DataFrame(
        {
            "customer_id": who[past][order],
            "timestamp": _days(when[past][order], day).astype("datetime64[s]"),
            "amount": amount[past][order].round(2),
        }
    )
    expected = log.purchases * buyers.spend * (1 - returned)
    return Firm(
        as_of=day,
        horizon_days=horizon,
        active=np.bincount(who[next_ & (amount > 0)], minlength=size) > 0,
        money=np.bincount(who[next_], amount[next_], minlength=size).astype(np.float64),
        p_active=log.p_active[seen],
        expected_money=expected[seen],
        running=np.zeros(size, dtype=np.bool_),
        transactions=table,
    )


def _over_years(g: np.random.Generator, size: int, before: int = 3000) -> FloatArray:
    """Draw joining days of a firm that has existed for long: more than will be seen."""
    return g.uniform(-before, HISTORY, 4 * size)


def _steady(
    g: np.random.Generator,
    size: int,
    *,
    horizon: int = 182,
    as_of: str = "2024-12-31",
    intensity: Intensity = _always,
    stages: int = 1,
    returned: float = 0.0,
) -> Firm:
    """Make a firm that wins as many customers as it loses."""
    buyers = _buyers(g, _over_years(g, size))
    log = _purchase(g, buyers, horizon=horizon, intensity=intensity, stages=stages)
    return _shop(g, size, buyers, log, horizon=horizon, as_of=as_of, returned=returned)


def steady(g: np.random.Generator, size: int) -> Firm:
    """Nothing special: the firm against which the others are read."""
    return _steady(g, size)


def one_cohort(g: np.random.Generator, size: int) -> Firm:
    """All customers joined in the first two weeks."""
    buyers = _buyers(g, g.uniform(0, 14, size))
    return _shop(g, size, buyers, _purchase(g, buyers, horizon=182), horizon=182)


def growth(g: np.random.Generator, size: int) -> Firm:
    """Three times as many customers join a day at the end as two years before."""
    share, early = g.random(2 * size), 3.0**-1.5
    joined = HISTORY * np.log(early + share * (3.0 - early)) / np.log(3.0)
    buyers = _buyers(g, joined)
    return _shop(g, size, buyers, _purchase(g, buyers, horizon=182), horizon=182)


def _december(g: np.random.Generator, size: int, as_of: str) -> Firm:
    def intensity(time: FloatArray) -> FloatArray:
        months = _days(time, pd.Timestamp(as_of)).astype("datetime64[M]").astype(np.int64)
        return np.where(months % 12 == 11, 4.0, 1.0)

    return _steady(g, size, horizon=91, as_of=as_of, intensity=intensity)


def before_december(g: np.random.Generator, size: int) -> Firm:
    """Four times as much is bought in December, which lies in the horizon."""
    return _december(g, size, "2024-11-30")


def after_december(g: np.random.Generator, size: int) -> Firm:
    """Four times as much is bought in December, which has just gone."""
    return _december(g, size, "2025-01-31")


def launch(g: np.random.Generator, size: int) -> Firm:
    """Everybody bought once before a product came out 91 days ago; some now buy repeatedly."""
    start = HISTORY - 91
    buyers = _buyers(g, g.uniform(0, start, size), yearly=18.0)
    buyers = buyers._replace(rate=buyers.rate * (g.random(size) < 0.35))

    def intensity(time: FloatArray) -> FloatArray:
        return (time >= start).astype(np.float64)

    log = _purchase(g, buyers, horizon=182, intensity=intensity)
    return _shop(g, size, buyers, log, horizon=182)


def collapse(g: np.random.Generator, size: int) -> Firm:
    """Since the last quarter everybody buys a third as often."""

    def intensity(time: FloatArray) -> FloatArray:
        return np.where(time >= HISTORY - 91, 1 / 3, 1.0)

    return _steady(g, size, intensity=intensity)


def one_time(g: np.random.Generator, size: int) -> Firm:
    """Ninety-seven in a hundred never come back; who does stays for long."""
    buyers = _buyers(g, g.uniform(0, HISTORY, size))
    repeats = g.random(size) < 0.03
    buyers = buyers._replace(rate=buyers.rate * repeats, dropout=g.beta(1.0, 20.0, size))
    return _shop(g, size, buyers, _purchase(g, buyers, horizon=182), horizon=182)


def returns(g: np.random.Generator, size: int) -> Firm:
    """One purchase in five is sent back within three weeks, some on the same day."""
    return _steady(g, size, returned=0.2)


def regular(g: np.random.Generator, size: int) -> Firm:
    """Customers keep a rhythm: gaps of Erlang's law with six stages."""
    return _steady(g, size, stages=6)


def exchangeable(g: np.random.Generator, size: int) -> Firm:
    """All customers are alike: one rate, one mean spend, no dropout."""
    many = size + size // 10 + 20
    buyers = _Buyers(
        np.full(many, -365.0), np.full(many, 2.5 / YEAR), np.full(many, 1e-12), np.full(many, 20.0)
    )
    return _shop(g, size, buyers, _purchase(g, buyers, horizon=182), horizon=182)


def nearly_alike(g: np.random.Generator, size: int) -> Firm:
    """Customers differ a little in how often they buy, and in nothing else.

    What is to be expected of each is told by its purchases alone (gamma-Poisson): who knows the law
    of the firm, but not the customer, can rank no better.
    """
    shape, mean = 12.0, 2.5 / YEAR
    many = size + size // 10 + 20
    buyers = _Buyers(
        np.full(many, -365.0),
        g.gamma(shape, mean / shape, many),
        np.full(many, 1e-12),
        np.full(many, 20.0),
    )
    horizon = 182
    log = _purchase(g, buyers, horizon=horizon)
    inside = (log.time >= 0) & (log.time < HISTORY)
    count = np.bincount(log.customer[inside], minlength=many).astype(np.float64)
    known = shape / mean + HISTORY
    p_active = 1.0 - (known / (known + horizon)) ** (shape + count)
    expected = (shape + count) / known * horizon
    return _shop(
        g, size, buyers, log._replace(p_active=p_active, purchases=expected), horizon=horizon
    )


def insurance(g: np.random.Generator, size: int) -> Firm:
    """A premium is paid every 365 days, give or take ten, for as long as one stays."""
    buyers = _buyers(g, _over_years(g, size))
    gaps = g.normal(365.0, 10.0, (len(buyers.rate), 13))
    times = buyers.joined[:, None] + np.c_[np.zeros(len(gaps)), np.cumsum(gaps, axis=1)]
    lives_for = g.geometric(buyers.dropout)
    nth = np.arange(times.shape[1])
    paid = (nth[None, :] < lives_for[:, None]) & (times < HISTORY + 182)
    so_far = (times < HISTORY).sum(axis=1)
    last = times[np.arange(len(times)), so_far - 1]
    lower, upper = ndtr((HISTORY - last - 365) / 10), ndtr((HISTORY + 182 - last - 365) / 10)
    due = (upper - lower) / np.maximum(1 - lower, 1e-9) * (so_far < lives_for)
    customer, place = np.nonzero(paid)
    log = _Log(customer, times[customer, place], due, due)
    return _shop(g, size, buyers, log, horizon=182)


# ---------------------------------------------------------------- contracts
CONTRACT_DAY = "2024-12-15"
CONTRACT_HORIZON = 180


class _Terms(NamedTuple):
    """Terms on offer [month], how often each is taken, and the beta law of leaving at renewal."""

    months: tuple[int, ...]
    shares: tuple[float, ...]
    leave: tuple[tuple[float, float], ...]


_THREE = _Terms((1, 12, 24), (0.5, 0.25, 0.25), ((0.8, 10.0), (1.0, 5.0), (0.8, 8.0)))
_EARLY = _Terms((1, 12, 24), (0.6, 0.2, 0.2), ((1.5, 12.0), (1.0, 5.0), (0.8, 8.0)))
_TWO = _Terms((1, 12), (0.6, 0.4), ((0.8, 10.0), (1.0, 4.0)))


def _date(month: IntArray, day: IntArray) -> npt.NDArray[np.datetime64]:
    """Return days of the calendar from months counted since 1970 and days of the month."""
    first = month.astype("datetime64[M]").astype("datetime64[D]")
    dates: npt.NDArray[np.datetime64] = first + (day - 1).astype("timedelta64[D]")
    return dates


def _elapsed(start: IntArray, day: IntArray, at: np.datetime64) -> IntArray:
    """Return the whole months from a start to a day; -1 the month before the start."""
    month = at.astype("datetime64[M]")
    inside = int((at - month.astype("datetime64[D]")).astype(np.int64)) + 1
    passed: IntArray = int(month.astype(np.int64)) - start - (day > inside)
    return passed


def _subscribe(
    g: np.random.Generator,
    size: int,
    terms: _Terms,
    *,
    back: int,
    whole_months: bool,
    recorded_months: int | None = None,
    alike: bool = False,
) -> Firm:
    """Make contracts that start within `back` months and may end at each renewal.

    Tenures are whole months where all start on the day of the month that `as_of` is. With
    `recorded_months` the firm knows of those alone who had not left before.
    """
    many = size if recorded_months is None else 4 * size
    today = np.datetime64(CONTRACT_DAY, "D")
    this_month = int(today.astype("datetime64[M]").astype(np.int64))
    kind = g.choice(len(terms.months), many, p=terms.shares)
    term = np.asarray(terms.months)[kind]
    law = np.asarray(terms.leave)[kind]
    leave = law[:, 0] / law.sum(axis=1) if alike else g.beta(law[:, 0], law[:, 1])
    start = this_month - g.integers(1, back + 1, many)
    day = np.full(many, 15) if whole_months else g.integers(1, 29, many)
    price = np.full(many, 30.0) if alike else g.lognormal(3.2, 0.5, many).round(2)
    lasts = term * np.minimum(g.geometric(np.maximum(leave, 1e-6)), 10_000)
    end = _date(start + lasts, day)
    known, since = np.arange(many), None
    if recorded_months is not None:
        since = _date(np.array([this_month - recorded_months]), np.array([15]))[0]
        known = np.flatnonzero(end > since)[:size]
        if len(known) < size:
            raise ValueError(f"only {len(known)} contracts are on record, {size} wanted")
    book = _Book(term[known], leave[known], start[known], day[known], price[known], lasts[known])
    return _charge(book, today, None if since is None else pd.Timestamp(since + 1))


class _Book(NamedTuple):
    term: IntArray
    leave: FloatArray
    start: IntArray
    day: IntArray
    price: FloatArray
    lasts: IntArray


def _charge(book: _Book, today: np.datetime64, recorded_from: pd.Timestamp | None) -> Firm:
    """Record contracts as known today; count the charges and renewals of the horizon."""
    until = today + np.timedelta64(CONTRACT_HORIZON, "D")
    end = _date(book.start + book.lasts, book.day)
    running = end > today
    now, then = (_elapsed(book.start, book.day, at) for at in (today, until))
    charges = np.minimum(then + 1, book.lasts) - np.minimum(now + 1, book.lasts)
    expected = np.zeros(len(end))
    for ahead in range(1, int((then - now).max()) + 1):
        renewals = (now + ahead) // book.term - now // book.term
        expected += (now + ahead <= then) * (1 - book.leave) ** renewals
    p_active = (1 - book.leave) ** (then // book.term - now // book.term)
    table = pd.DataFrame(
        {
            "customer_id": np.arange(len(end)),
            "start": _date(book.start, book.day).astype("datetime64[s]"),
            "end": pd.Series(end.astype("datetime64[s]")).where(~running),
            "amount": book.price,
            "term_months": book.term,
        }
    )
    return Firm(
        as_of=pd.Timestamp(today),
        horizon_days=CONTRACT_HORIZON,
        active=end > until,
        money=charges * book.price,
        p_active=running * p_active,
        expected_money=running * expected * book.price,
        running=running,
        contracts=table,
        recorded_from=recorded_from,
    )


def terms(g: np.random.Generator, size: int) -> Firm:
    """Contracts of 1, 12 and 24 months with tenures in whole months, over five years."""
    return _subscribe(g, size, _THREE, back=60, whole_months=True)


def late_entry(g: np.random.Generator, size: int) -> Firm:
    """Like terms, over six years; who left before the last quarter is not on record."""
    return _subscribe(g, size, _EARLY, back=72, whole_months=True, recorded_months=3)


def monthly_yearly(g: np.random.Generator, size: int) -> Firm:
    """Monthly and yearly contracts that start on any day, over three years."""
    return _subscribe(g, size, _TWO, back=36, whole_months=False)


def exchangeable_contracts(g: np.random.Generator, size: int) -> Firm:
    """Monthly contracts of one price; everybody leaves with the same chance each month."""
    alike = _Terms((1,), (1.0,), ((1.0, 24.0),))
    return _subscribe(g, size, alike, back=24, whole_months=True, alike=True)


def both(g: np.random.Generator, size: int) -> Firm:
    """Seven in ten customers have or had a contract, six in ten buy, three in ten do both."""
    under, buying = round(0.7 * size), round(0.6 * size)
    held = _subscribe(g, under, _TWO, back=36, whole_months=False)
    shop = _steady(g, buying, horizon=CONTRACT_HORIZON, as_of=CONTRACT_DAY)
    bought = np.arange(size) >= size - buying
    running = np.r_[held.running, np.zeros(size - under, dtype=np.bool_)]

    def of_all(contract: FloatArray, purchase: FloatArray) -> tuple[FloatArray, FloatArray]:
        whole, other = np.zeros(size), np.zeros(size)
        whole[:under], other[bought] = contract, purchase
        return whole, other

    stays, buys = of_all(held.active.astype(float), shop.active.astype(float))
    p_stays, p_buys = of_all(held.p_active, shop.p_active)
    assert shop.transactions is not None
    table = shop.transactions.assign(customer_id=shop.transactions["customer_id"] + size - buying)
    return replace(
        held,
        active=np.where(running, stays, buys) > 0,
        money=np.add(*of_all(held.money, shop.money)),
        p_active=np.where(running, p_stays, p_buys),
        expected_money=np.add(*of_all(held.expected_money, shop.expected_money)),
        running=running,
        transactions=table,
    )


# ---------------------------------------------------------------- all of them
_FALL = r"fall|fell|drop|declin|collaps|less than|below|regime|chang|break"
_RISE = r"grow|rise|rose|more than|above|joined|new customers|regime|chang|break"
_SEASON = r"season|december|same (months|span|days|window)|last year|year of history"

KINDS: dict[str, Kind] = {
    "steady": Kind(steady, 2_000, False, r"$^"),
    "one_cohort": Kind(one_cohort, 2_000, None, _FALL + "|cohort|last year"),
    "growth": Kind(growth, 2_000, None, _RISE + "|last year"),
    "before_december": Kind(before_december, 2_000, False, _SEASON),
    "after_december": Kind(after_december, 2_000, False, _SEASON),
    "launch": Kind(launch, 6_000, True, _RISE + "|launch|repeat|no earlier window|resembl"),
    "collapse": Kind(collapse, 2_000, True, _FALL),
    "exchangeable": Kind(exchangeable, 2_000, None, r"cannot be ranked|chance|alike", True),
    "nearly_alike": Kind(nearly_alike, 2_000, False, r"cannot be ranked|chance|alike"),
    "few": Kind(steady, 150, None, r"few|small|150"),
    "late_entry": Kind(late_entry, 2_000, True, r"record|late entry|at risk"),
    "one_time": Kind(one_time, 2_000, None, r"one-time|once|few|repeat"),
    "returns": Kind(returns, 2_000, False, r"return"),
    "regular": Kind(regular, 2_000, False, r"rhythm|regular"),
    "terms": Kind(terms, 2_000, False, r"term|renew"),
    "both": Kind(both, 2_000, False, r"contract"),
    "insurance": Kind(insurance, 2_000, False, r"rhythm|regular|year"),
    "monthly_yearly": Kind(monthly_yearly, 2_000, False, r"term|renew"),
    "exchangeable_contracts": Kind(
        exchangeable_contracts, 2_000, None, r"cannot be ranked|chance|alike", True
    ),
}
"""Every firm by its name."""


def make_firm(name: str, seed: int, customers: int | None = None) -> Firm:
    """Make one firm; the same name, seed and number of customers give the same firm."""
    kind = KINDS[name]
    draw = np.random.default_rng([seed, zlib.crc32(name.encode())])
    return kind.make(draw, customers or kind.customers)
