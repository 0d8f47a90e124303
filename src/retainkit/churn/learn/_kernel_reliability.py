"""Arrays in, arrays out: a latent-class model of what each cause leaves on record, by EM.

Rows are patterns of statements with how many losses show each; columns are statements. A loss has
a leaf (latent) and either speaks or is silent (latent). Who speaks makes statement j with
probability rate[j, leaf]; who is silent makes it with background[j], as anyone does by mistake.
Facts from tables kept for everybody (`kept`) are on record whether a customer speaks or not.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_Float = npt.NDArray[np.float64]
_Bool = npt.NDArray[np.bool_]


class Anchors(NamedTuple):
    """What is assumed before any loss is seen, as imagined losses added to the counts."""

    yes: _Float
    """Shape (statements, leaves): losses with the statement."""
    no: _Float
    """Shape (statements, leaves): losses without."""
    astray: _Bool
    """Shape (statements, leaves): leaves the statement does not point to."""
    background: tuple[float, float]
    """Losses with and without a statement made by mistake."""
    share: float
    """Losses per leaf."""
    speaks: tuple[float, float]
    """Losses that speak and that are silent."""


class Rates(NamedTuple):
    """What the losses taught."""

    share: _Float
    speaks: float
    rate: _Float
    background: _Float


class EmFit(NamedTuple):
    """The rates, the mean log-likelihood of a loss, the steps and the last change."""

    rates: Rates
    log_likelihood: float
    steps: int
    change: float


def log_joint(said: _Float, kept: _Bool, rates: Rates) -> _Float:
    """Return log P(pattern, leaf, speaks or silent), shape (patterns, 2 * leaves)."""
    quiet = np.where(kept[:, None], rates.rate, rates.background[:, None])
    parts = []
    for table, share in ((rates.rate, rates.speaks), (quiet, 1.0 - rates.speaks)):
        odds = np.log(table) - np.log1p(-table)
        nothing = np.log1p(-table).sum(axis=0)
        parts.append(said @ odds + nothing + np.log(rates.share * share))
    return np.hstack(parts)


def to_shares(joint: _Float) -> tuple[_Float, _Float]:
    """Return the probabilities of the columns, rows summing to 1, and the log of each row's sum."""
    highest = joint.max(axis=1, keepdims=True)
    parts = np.exp(joint - highest)
    total = parts.sum(axis=1, keepdims=True)
    return parts / total, (np.log(total) + highest)[:, 0]


def fit_rates(
    said: _Float,
    count: _Float,
    kept: _Bool,
    anchors: Anchors,
    *,
    start: _Float,
    open_to: _Bool,
    tolerance: float,
    max_steps: int,
) -> EmFit:
    """Find the rates by expectation-maximisation from the leaves in `start` (rows sum to 1).

    First with every loss in one of the leaves open to its pattern, so that each leaf is anchored to
    the reasons that name it; from there freely, so that a reason may turn out to be a mistake.
    """
    spoke = np.where(said.any(axis=1), 0.95, 0.4)[:, None]
    shares = np.hstack([start * spoke, start * (1.0 - spoke)])
    rates = _maximise(said, count, kept, anchors, shares)
    closed = np.where(np.hstack([open_to, open_to]), 0.0, -np.inf)
    step = 1
    for bound in (closed, np.zeros_like(closed)):
        change = np.inf
        while change >= tolerance and step < max_steps:
            shares, _ = to_shares(log_joint(said, kept, rates) + bound)
            before, rates = rates, _maximise(said, count, kept, anchors, shares)
            step, change = step + 1, _distance(before, rates)
    _, logs = to_shares(log_joint(said, kept, rates))
    return EmFit(rates, float(count @ logs) / float(count.sum()), step, change)


def _distance(one: Rates, other: Rates) -> float:
    """Return the greatest change of any share of all losses: of leaves, and of what they leave."""
    moved = [abs(one.speaks - other.speaks), float(np.abs(one.share - other.share).max())]
    left = np.abs(one.rate * one.share - other.rate * other.share)
    return max(*moved, float(left.max(initial=0.0)))


def _maximise(said: _Float, count: _Float, kept: _Bool, anchors: Anchors, shares: _Float) -> Rates:
    """Return the rates that fit the leaves believed in best, imagined losses included."""
    n, leaves = float(count.sum()), shares.shape[1] // 2
    weighted = shares * count[:, None]
    loud, quiet = weighted[:, :leaves], weighted[:, leaves:]
    both = loud + quiet
    share = (both.sum(axis=0) + anchors.share) / (n + anchors.share * leaves)
    speaking, silent = anchors.speaks
    speaks = (float(loud.sum()) + speaking) / (n + speaking + silent)
    made, among = said.T @ loud, loud.sum(axis=0)
    yes = np.where(kept[:, None], said.T @ both, made) + anchors.yes
    rate = yes / (np.where(kept[:, None], both.sum(axis=0), among) + anchors.yes + anchors.no)
    wrong, right = anchors.background
    astray = (made * anchors.astray).sum(axis=1) + (said.T @ quiet).sum(axis=1)
    chances = (among * anchors.astray).sum(axis=1) + float(quiet.sum())
    return Rates(share, speaks, rate, (astray + wrong) / (chances + wrong + right))


def choose_bar(probability: _Float, *, target: float, least: float) -> float:
    """Return the lowest probability from which on names are expected right in `target` of cases.

    Equal probabilities are named together; never under `least`; 1 where no bar is high enough.
    """
    falling = -np.sort(-probability[probability >= least])
    if not len(falling):
        return 1.0
    falling = np.round(falling, 9)
    mean = np.cumsum(falling) / np.arange(1, len(falling) + 1)
    closes = np.append(falling[1:] < falling[:-1], True)
    good = np.flatnonzero(closes & (mean >= target))
    return float(falling[good[-1]]) if len(good) else 1.0
