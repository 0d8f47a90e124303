"""Who moved between tiers: as published, on fixed cuts and relative to the base of each day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from retainkit.tiers import TierMovement, TierScheme, TierTable, assign_tiers, compare_tiers


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TierMoves:
    """Who moved between tiers since an earlier day, by cuts that stay and by cuts that move.

    Parameters
    ----------
    since : datetime.date
        The earlier day.
    published : TierMovement
        From the tiers shown then to those shown now: what the pyramid counts.
    fixed : TierMovement
        Both days graded by the cuts of the earlier one: who brings more or less.
    relative : TierMovement
        Each day graded by cuts of its own base: who moved past others.

    Examples
    --------
    >>> import retainkit as rk
    >>> result = rk.RetentionPipeline().run(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> result.moves.since.isoformat(), result.moves.published is result.movement
    ('1998-03-31', True)
    """

    since: date
    published: TierMovement
    fixed: TierMovement
    relative: TierMovement


def compare_moves(
    since: date, before: TierTable, after: TierTable, own_scheme: TierScheme
) -> TierMoves:
    """Compare two assessments; `own_scheme` has the cuts that the base of now would give."""
    published = compare_tiers(before, after)
    return TierMoves(
        since=since,
        published=published,
        fixed=compare_tiers(_graded(before, before.scheme), _graded(after, before.scheme)),
        relative=compare_tiers(_graded(before, before.scheme), _graded(after, own_scheme)),
    )


def _graded(tiers: TierTable, scheme: TierScheme) -> TierTable:
    """Return the table by bare cuts; who is lost or bad stays so."""
    bare = assign_tiers(tiers.value, scheme, customer_id=tiers.customer_id)
    bad = np.where(tiers.is_bad, np.int8(len(scheme.names)), bare.tier)
    bare = replace(bare, tier=bad.astype(np.int8))
    if tiers.lost is None:
        return bare
    return bare.with_lost(tiers.lost, np.asarray(tiers.value_tier))
