"""Who needs somebody today, and whom to win back, let go, develop, or spend less on."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.catalogue import read_labels
from retainkit._core.sentences import count
from retainkit._pipeline._reasons import write_reasons
from retainkit._pipeline._scores import Scores
from retainkit._pipeline._states import last_year
from retainkit.churn import ChurnCause, StateTable, default_catalog
from retainkit.contracts._spells import NO_DAY
from retainkit.policy import Stance
from retainkit.typing import BoolArray, FloatArray, Language

_WORDS = read_labels("retainkit._pipeline", "today", "triggers", "questions")
_QUIET, _ENDED = StateTable.states.index("quiet"), StateTable.states.index("ended")
_DUE = 60.0
_TRIGGERS = ("complaint_open", "key_and_quiet", "renewal_due")


class Answer(NamedTuple):
    """One answer of the first page.

    Attributes
    ----------
    question : str
        "today", "win_back", "let_go", "develop" or "overspend".
    customers : int
        How many it is about [count].
    worth : float
        What is at stake, expected, or lost with them [money]; NaN where not known.
    words : str
        The answer as a sentence.

    Examples
    --------
    >>> import retainkit as rk
    >>> result = rk.RetentionPipeline().run(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> [answer.question for answer in result.scores.answers()]
    ['today', 'win_back', 'let_go', 'develop', 'overspend']
    """

    question: str
    customers: int
    worth: float
    words: str


def worth_of(scores: Scores) -> FloatArray:
    """Return what is lost if nothing is done [money]; what was brought last where not forecast.

    At stake for who is quiet or gone, what is expected of the others.
    """
    outlook = scores.policy.outlook
    worth = scores.expected_value.copy()
    if outlook is not None:
        worth = np.where(np.isnan(outlook.at_stake), worth, outlook.at_stake)
    if scores.models is None:
        return worth
    year = scores.history.year_profit
    if year is None:
        year = last_year(scores.history, scores.models.margin)
    return np.where(np.isnan(worth), year, worth)


def triggers_of(scores: Scores) -> npt.NDArray[np.int8]:
    """Return why a customer needs somebody today, a position in the triggers; -1: it does not."""
    facts, state, policy = scores.facts, scores.states.state, scores.policy
    trigger = np.full(len(scores), -1, dtype=np.int8)
    key = scores.tiers.tier == 0
    key_and_quiet = key & (state == _QUIET)
    rules: list[tuple[int, BoolArray]] = [(1, key_and_quiet)]
    if facts is not None and facts.days_to_renewal is not None:
        with np.errstate(invalid="ignore"):
            due = (facts.days_to_renewal <= _DUE) & scores.states.is_current
        last = len(scores.tiers.scheme.names) - 1
        rules.insert(0, (2, due & (policy.value_tier < last)))
    if facts is not None and facts.complaint_since is not None:
        waits = (facts.complaint_since != NO_DAY) & (state != _ENDED)
        rules.append((0, waits))
    for code, met in rules:
        trigger[met] = code
    return trigger


def list_today(scores: Scores, language: Language = "en", most: int | None = None) -> pd.DataFrame:
    """Return who needs somebody today, most worth first."""
    trigger = triggers_of(scores)
    names = np.array([_WORDS[name].text(language) for name in _TRIGGERS], dtype=object)
    rows = _by_worth(scores, np.flatnonzero(trigger >= 0), most)
    return _listed(scores, rows, language, trigger=names[trigger[rows]])


def list_win_back(
    scores: Scores, language: Language = "en", most: int | None = None
) -> pd.DataFrame:
    """Return whom to win back, most at stake first, with the cause of leaving."""
    rows = _by_worth(scores, np.flatnonzero(_of(scores, Stance.WIN_BACK)), most)
    unknown = _WORDS["cause_not_known"].text(language)
    cause = np.full(len(rows), unknown, dtype=object)
    facts = scores.facts
    if facts is not None and facts.cause is not None:
        labels = [default_catalog().label(one, language=language) for one in ChurnCause]
        cause = np.array([*labels, unknown], dtype=object)[facts.cause[rows]]
    return _listed(scores, rows, language, cause=cause)


def answer_questions(scores: Scores, language: Language = "en") -> tuple[Answer, ...]:
    """Answer the questions of the first page: today, win back, let go, develop, overspend."""
    worth = worth_of(scores)
    grow = _of(scores, Stance.DEVELOP, Stance.NURTURE)
    groups: list[tuple[str, BoolArray, FloatArray]] = [
        ("today", triggers_of(scores) >= 0, worth),
        ("win_back", _of(scores, Stance.WIN_BACK), worth),
        ("let_go", _of(scores, Stance.LET_GO), scores.expected_value),
        ("develop", grow, scores.expected_value),
    ]
    answers = [_answer(scores, *group, language) for group in groups]
    return (*answers, _overspend(scores, language))


def _overspend(scores: Scores, language: Language) -> Answer:
    """Say on whom more is spent than comes back; without profit it cannot be said."""
    history = scores.history
    if history.profit is None:
        words = _WORDS["overspend_not_known"].text(language)
        return Answer("overspend", 0, float("nan"), words)
    loses = history.contribution < 0.0
    return _answer(scores, "overspend", loses, -history.contribution, language)


def _answer(
    scores: Scores, question: str, met: BoolArray, worth: FloatArray, language: Language
) -> Answer:
    customers, known = int(met.sum()), worth[met & ~np.isnan(worth)]
    total = math.fsum(known.tolist()) if len(known) else float("nan")
    if not customers:
        none = f"{question}_nobody"
        if question == "win_back" and not scores.states.is_lost.any():
            none = "nobody_is_gone"
        return Answer(question, 0, total, _WORDS[none].text(language))
    (rows,) = np.nonzero(met)
    first = rows[np.lexsort((_ids(scores, rows), -np.nan_to_num(worth[rows])))][:3]
    names = ", ".join(str(scores.customer_id[row]) for row in first.tolist())
    shown = "–" if math.isnan(total) else f"{total:,.0f}"
    told = f"{question}_by_year" if _is_past(scores, question, met) else question
    if question == "let_go" and shown in ("–", "0"):
        told = "let_go_plain"
    words = _WORDS[told].text(language).format(n=count(customers), worth=shown, names=names)
    return Answer(question, customers, total, words)


def _of(scores: Scores, *stances: Stance) -> BoolArray:
    policy = scores.policy
    met: BoolArray = np.isin(policy.stance, [policy.stances.index(one) for one in stances])
    return met


def _ids(scores: Scores, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.asarray(scores.customer_id[rows].astype(str))


def _by_worth(scores: Scores, rows: npt.NDArray[np.intp], most: int | None) -> npt.NDArray[np.intp]:
    """Return the rows, most worth first; of equals by id, so that no order of rows matters."""
    worth = np.nan_to_num(worth_of(scores)[rows])
    return rows[np.lexsort((_ids(scores, rows), -worth))][:most]


def _listed(
    scores: Scores, rows: npt.NDArray[np.intp], language: Language, **columns: Any
) -> pd.DataFrame:
    policy, states = scores.policy, scores.states
    names = [measure.name.text(language) for measure in policy.catalog.measures]
    return pd.DataFrame(
        {
            "customer_id": scores.customer_id[rows],
            "tier": [policy.tier_names[code] for code in policy.value_tier[rows].tolist()],
            "state": [states.states[code] for code in states.state[rows].tolist()],
            **columns,
            "worth": worth_of(scores)[rows],
            "action": [names[code] for code in policy.action[rows].tolist()],
            "reason": write_reasons(scores, language, rows),
        }
    )


def _is_past(scores: Scores, question: str, met: BoolArray) -> bool:
    """Return whether only the past tells what these customers are worth: nothing is forecast."""
    if question not in ("today", "win_back"):
        return False
    outlook = scores.policy.outlook
    ahead = scores.expected_value[met]
    stake = ahead if outlook is None else outlook.at_stake[met]
    return bool(np.isnan(ahead).all() and np.isnan(stake).all())
