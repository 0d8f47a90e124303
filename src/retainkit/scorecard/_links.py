"""Cause and effect between objectives: what makes a strategy map more than a list."""

from __future__ import annotations

from collections.abc import Sequence

from retainkit.scorecard._measures import Link, Objective, Perspective

_ORDER = tuple(reversed(Perspective))


def check_links(objectives: Sequence[Objective], links: Sequence[Link]) -> None:
    """Raise ValueError unless links name objectives, point upwards and form no circle."""
    place = {one.id: _ORDER.index(one.perspective) for one in objectives}
    names = [name for link in links for name in (link.cause, link.effect)]
    unknown = sorted(set(names) - set(place))
    if unknown:
        raise ValueError(f"links name objectives that are not there: {unknown}")
    if len(set(links)) < len(links):
        raise ValueError("links appear more than once")
    downwards = [link for link in links if place[link.cause] > place[link.effect]]
    if downwards:
        first = downwards[0]
        raise ValueError(f"{first.cause} -> {first.effect} points from result to root")
    if (circle := _in_circle(links)) is not None:
        raise ValueError(f"links go in a circle through {circle}")


def _in_circle(links: Sequence[Link]) -> str | None:
    """Return an objective that would cause itself, if any: take away what nothing leads to."""
    left = list(links)
    while left:
        effects = {link.effect for link in left}
        rest = [link for link in left if link.cause in effects]
        if len(rest) == len(left):
            return left[0].cause
        left = rest
    return None


def without_effect(objectives: Sequence[Objective], links: Sequence[Link]) -> list[Objective]:
    """Return objectives below the financial ones that lead to nothing."""
    causes = {link.cause for link in links}
    return [
        one
        for one in objectives
        if one.perspective is not Perspective.FINANCIAL and one.id not in causes
    ]
