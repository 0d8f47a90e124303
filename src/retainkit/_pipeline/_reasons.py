"""The reason of each decision as a sentence with the customer's own numbers, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from retainkit._core.catalogue import read_labels
from retainkit._core.sentences import (
    Texts,
    fill,
    join,
    write_amounts,
    write_counts,
    write_days,
)
from retainkit._pipeline._scores import Scores
from retainkit.churn import ChurnCause, StateTable, default_catalog
from retainkit.contracts._spells import NO_DAY
from retainkit.policy import Stance
from retainkit.policy._vocabulary import STANCES
from retainkit.typing import BoolArray, FloatArray, Language
from retainkit.value import LOSS_REASONS

_PARTS = read_labels("retainkit._pipeline", "reasons", "parts")
_LOSSES = read_labels("retainkit._pipeline", "reasons", "losses")
_QUIET = StateTable.states.index("quiet")
_LOST = [STANCES.index(Stance.LET_GO), STANCES.index(Stance.NO_CONTACT)]
_RENEWAL_SAID = 60.0
_MARKS: dict[Language, tuple[str, str, str]] = {"en": ("; ", ". ", "."), "zh": ("；", "。", "。")}
"""What stands between two parts, before the first one, and at the end."""

_Part = tuple[str, BoolArray, dict[str, Any]]


def write_reasons(
    scores: Scores,
    language: Language = "en",
    rows: npt.NDArray[np.integer[Any]] | None = None,
) -> Texts:
    """Return why each customer (or those at `rows`) gets its action: the rule and its numbers."""
    picked = np.arange(len(scores)) if rows is None else np.asarray(rows)
    policy = scores.policy
    rules = np.array([rule.reason.text(language) for rule in policy.config.rules], dtype=object)
    between, first, close = _MARKS[language]
    begun, said = np.zeros(len(picked), dtype=np.bool_), [rules[policy.rule[picked]]]
    for name, met, numbers in _parts(scores, picked, language):
        text, column = _PARTS[name].text(language), np.full(len(picked), "", dtype=object)
        for mark, sentence, whom in (
            (between, text, met & begun),
            (first, text[:1].upper() + text[1:], met & ~begun),
        ):
            (where,) = np.nonzero(whom)
            if len(where):
                columns = {key: write(where) for key, write in numbers.items()}
                column[where] = fill(mark + sentence, len(where), columns)
        begun = begun | met
        said.append(column)
    return join([*said, close], len(picked))


def _parts(
    scores: Scores, rows: npt.NDArray[np.integer[Any]], language: Language
) -> Iterator[_Part]:
    """Give each part: its name, of whom it is said, and what writes its numbers at some places."""
    history, states, policy = scores.history, scores.states, scores.policy
    occasions = history.occasions[rows]
    silent = states.activity.silent[rows]
    span = (history.last_day[rows] - history.first_day[rows]).astype(np.float64)
    facts = scores.facts
    contracts = None if facts is None else facts.contracts
    told = ~np.isnan(silent)
    if contracts is not None:
        runs, ended = contracts.price[rows], contracts.ended_on[rows]
        over = ended != NO_DAY
        again, owed = contracts.spells[rows] > 1, contracts.unpaid_price[rows]
        unpaid = ~over & (owed > 0.0)
        pays = ~over & ((runs > 0.0) | ((runs == 0.0) & ~unpaid))
        paid = {"price": _amounts(runs), "charged": _counts(contracts.charged[rows])}
        yield "contract", pays & ~again, paid
        yield "contract_again", pays & again, paid
        since = contracts.unpaid_since[rows]
        yield (
            "contract_unpaid",
            unpaid,
            {"owed": _amounts(owed), "since": lambda at: write_days(since[at], language)},
        )
        yield "contract_over", over, {"ended": lambda at: write_days(ended[at], language)}
    else:
        again = told & (occasions > 1)
        numbers = {"times": occasions, "span": span + 1.0, "silent": silent}
        yield "rhythm", again, {name: _counts(column) for name, column in numbers.items()}
        yield "once", told & ~again & (occasions > 0), {"silent": _counts(silent)}
        yield "never", occasions == 0, {}
    year, profit = history.year_amount, history.year_profit
    name = "charges" if contracts is not None else "year"
    if profit is not None:
        year, name = profit, f"{name}_profit"
    if year is not None:
        tells = (occasions > 0) & ~_costs(scores, rows)
        yield name, tells, {"year": _amounts(year[rows])}
    yield from _facts(scores, rows, language)
    stake = None if policy.outlook is None else policy.outlook.at_stake[rows]
    if stake is not None:
        lost = np.isin(policy.stance[rows], _LOST)  # nothing is done about it any more
        yield "at_stake", (stake > 0.0) & ~lost, {"stake": _amounts(stake)}
    expected = scores.expected_value[rows]
    there = states.is_current[rows] & (states.state[rows] != _QUIET) & np.isfinite(expected)
    yield "expected", there, {"expected": _amounts(expected)}
    even = policy.take(rows).break_even
    chosen = policy.catalog.measures
    keeps = np.array(["retention" in one.changes for one in chosen])[policy.action[rows]]
    known = np.isfinite(even)
    yield "brings_back", known & keeps, {"even": _shares(even)}
    yield "raises", known & ~keeps, {"even": _shares(even)}


def _costs(scores: Scores, rows: npt.NDArray[np.integer[Any]]) -> BoolArray:
    """Return who costs more than it brings: what such a customer brought is no merit to tell."""
    reason = None if scores.facts is None else scores.facts.loss_reason
    return np.zeros(len(rows), dtype=np.bool_) if reason is None else reason[rows] >= 0


def _facts(
    scores: Scores, rows: npt.NDArray[np.integer[Any]], language: Language
) -> Iterator[_Part]:
    facts = scores.facts
    if facts is None:
        return
    if facts.cause is not None:
        cause = facts.cause[rows]
        labels = [default_catalog().label(one, language=language) for one in ChurnCause]
        yield "cause", cause >= 0, {"cause": _words(cause, labels)}
    if facts.loss_reason is not None:
        loss = facts.loss_reason[rows]
        names = [_LOSSES[name].text(language) for name in LOSS_REASONS]
        yield "loss", loss >= 0, {"loss": _words(loss, names)}
    if facts.standing is not None:
        debt, days = facts.standing.overdue_amount[rows], facts.standing.days_overdue[rows]
        owes = (debt > 0.0) & (days > 0.0)
        yield "overdue", owes, {"debt": _amounts(debt), "days": _counts(days)}
    if facts.days_to_renewal is not None:
        left = facts.days_to_renewal[rows]
        yield "renewal", left <= _RENEWAL_SAID, {"renewal": _counts(left)}
    if facts.complaint_since is not None:
        since = facts.complaint_since[rows]
        yield (
            "complaint",
            since != NO_DAY,
            {"complaint": lambda at: write_days(since[at], language)},
        )


def _counts(values: npt.NDArray[Any]) -> Any:
    return lambda at: write_counts(values[at])


def _amounts(values: FloatArray) -> Any:
    return lambda at: write_amounts(values[at])


def _shares(values: FloatArray) -> Any:
    return lambda at: write_amounts(np.maximum(np.round(100.0 * values[at], 1), 0.1))


def _words(codes: npt.NDArray[np.int8], words: list[str]) -> Any:
    return lambda at: np.array(words, dtype=object)[codes[at]]
