"""A gap: what a run could not compute, why, and which table would enable it."""

from __future__ import annotations

from typing import NamedTuple

from retainkit._core.catalogue import read_catalogue
from retainkit.typing import Language


class Gap(NamedTuple):
    """One thing that a run did not compute.

    Attributes
    ----------
    what : str
        The result that is missing.
    why : str
        The reason.
    enabled_by : str
        The table, column or setting that would enable it.
    id : str, default ""
        Its name in the catalogue.

    Examples
    --------
    >>> from retainkit.pipeline import Gap
    >>> Gap(what="cause of leaving", why="no events table", enabled_by="events=").enabled_by
    'events='
    """

    what: str
    why: str
    enabled_by: str
    id: str = ""

    def words(self, language: Language = "en") -> tuple[str, str, str]:
        """Return what is missing, why, and what would enable it, for display.

        Parameters
        ----------
        language : {"en", "zh"}, default "en"
            Display language.

        Returns
        -------
        tuple of str
            What the run itself worded, such as the message of a model, stays in English.

        Examples
        --------
        >>> from retainkit.pipeline import Gap
        >>> gap = Gap("lifetime model", "two customers", "more repeat purchases", "lifetime")
        >>> gap.words("zh")
        ('终身价值模型', 'two customers', '更多的重复购买')
        """
        known = read_catalogue("retainkit._pipeline", "gaps").get(self.id, {})
        what, why, enabled_by = (
            known.get(part, {}).get(language, getattr(self, part)) for part in self._fields[:3]
        )
        return what, why, enabled_by


def make_gap(gap_id: str, why: str = "") -> Gap:
    """Return a gap of the catalogue; some are given their reason by the run."""
    return Gap(*Gap("", why, "", gap_id).words(), gap_id)
