"""What a scheme says about the base it was learnt on."""

from __future__ import annotations

from retainkit._core.config import FrozenModel
from retainkit._core.labels import Label
from retainkit.tiers._catalog import SCHEME_NOTES

__all__ = ["ParetoFacts", "SchemeNote", "TierShare"]


class SchemeNote(FrozenModel):
    """One thing a reader must know about the base a scheme was learnt on.

    Parameters
    ----------
    code : str
        What it is.
    customers : int
        How many customers it concerns.

    Examples
    --------
    >>> from retainkit.tiers import fit_tier_scheme
    >>> note, = fit_tier_scheme([60.0, 25.0, 10.0, 5.0, -1.0]).notes
    >>> note.code, note.customers
    ('negative_values', 1)
    """

    code: str
    customers: int

    @property
    def label(self) -> Label:
        """The note in words."""
        return SCHEME_NOTES[self.code]


class TierShare(FrozenModel):
    """What a scheme's tier really holds of the base it was learnt on.

    Parameters
    ----------
    name : str
        The tier.
    customers : int
        Heads; those without a computable value are in the lowest tier.
    value : float
        Sum of their values [money].
    customer_share : float or None
        Share of all heads; None in an empty base.
    value_share : float or None
        Share of the net total; None when that is not positive.
    positive_share : float or None
        Share of the sum of positive values; None when nobody has one.

    Examples
    --------
    >>> from retainkit.tiers import fit_tier_scheme
    >>> fit_tier_scheme([90.0, 5.0, 3.0, 2.0]).realised[0].customer_share
    0.25
    """

    name: str
    customers: int
    value: float
    customer_share: float | None
    value_share: float | None
    positive_share: float | None


class ParetoFacts(FrozenModel):
    """How the value of a base is spread: the 80:20 hypothesis, measured.

    Parameters
    ----------
    n : int
        Customers.
    n_missing : int
        Of these, without a computable value.
    n_negative : int
        Of these, with a value below zero.
    total : float
        Sum of all values [money].
    positive_total : float
        Sum of the positive values [money].
    top_20_share : float or None
        Share of the net total made by the best 20 % of customers (the smallest number that is
        at least 20 %); None when the total is not positive.
    customers_behind_80 : int or None
        Smallest number of best customers who make 80 % of the net total; None likewise.

    Examples
    --------
    >>> from retainkit.tiers import fit_tier_scheme
    >>> facts = fit_tier_scheme([80.0, 5.0, 5.0, 5.0, 5.0]).facts
    >>> facts.top_20_share, facts.share_behind_80
    (0.8, 0.2)
    """

    n: int
    n_missing: int
    n_negative: int
    total: float
    positive_total: float
    top_20_share: float | None
    customers_behind_80: int | None

    @property
    def share_behind_80(self) -> float | None:
        """Share of the customers with a computable value who make 80 % of the net total."""
        if self.customers_behind_80 is None:
            return None
        return self.customers_behind_80 / (self.n - self.n_missing)
