"""Learn the cuts between tiers from a base; say what was learnt."""

from __future__ import annotations

from itertools import pairwise
from typing import Self

import numpy as np
import pandas as pd
from pydantic import model_validator

from retainkit._core.arrays import as_floats
from retainkit._core.config import FrozenModel
from retainkit._core.labels import Label
from retainkit.tiers._config import (
    SCHEME_NOTES,
    ByCuts,
    ByHeadcount,
    ByHeadTailBreaks,
    ByNaturalBreaks,
    ByValueShare,
    TierRule,
    TierSchemeConfig,
)
from retainkit.tiers.grading import _kernel
from retainkit.typing import ArrayLike1D, FloatArray, IntArray, Language


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


_DEFAULT = TierSchemeConfig()


class TierScheme(FrozenModel):
    """Hold the lower bounds of the tiers, and what they meant on the base they come from.

    Parameters
    ----------
    config : TierSchemeConfig
        What the scheme was learnt with.
    cuts : tuple of (float or None)
        Lower bounds of the tiers but the last [money], best first, not ascending; a value equal
        to a bound belongs to the tier. None: nobody reaches the tier (no positive value to share).
    realised : tuple of TierShare
        Heads and value of each tier on the base the scheme was learnt on.
    facts : ParetoFacts
        How that base's value is spread.
    notes : tuple of SchemeNote
        What must be known about that base: negative values, a total that is not positive, ...
    variance_explained : float or None
        Share of the variance of the values that lies between the tiers, where the rule looked
        for breaks; None for other rules.
    """

    config: TierSchemeConfig
    cuts: tuple[float | None, ...]
    realised: tuple[TierShare, ...]
    facts: ParetoFacts
    notes: tuple[SchemeNote, ...] = ()
    variance_explained: float | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        """Refuse cuts that do not fit the names."""
        known = [cut for cut in self.cuts if cut is not None]
        if len(known) not in (0, len(self.cuts)) or len(self.cuts) != len(self.names) - 1:
            raise ValueError(f"{len(self.names)} tiers need one cut less, all known or none")
        if any(high < low for high, low in pairwise(known)):
            raise ValueError(f"cuts must not ascend; got {self.cuts}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Tiers, best first."""
        return self.config.names

    @property
    def n(self) -> int:
        """Number of customers the scheme was learnt on."""
        return self.facts.n

    @property
    def total(self) -> float:
        """Sum of their values [money]."""
        return self.facts.total

    @property
    def lower_bounds(self) -> FloatArray:
        """Return the cuts as an array [money], best first; NaN where nobody reaches the tier."""
        return np.array(self.cuts, dtype=np.float64)

    def summary(self) -> pd.DataFrame:
        """Return one row per tier: lower bound, heads and value with their shares.

        Best tier first; the lowest tier has no lower bound (NaN).
        """
        rows = [tier.model_dump() for tier in self.realised]
        frame = pd.DataFrame(rows).rename(columns={"name": "tier"})
        frame.insert(1, "lower_bound", [*self.lower_bounds, np.nan])
        shares = ["customer_share", "value_share", "positive_share"]
        return frame.astype(dict.fromkeys(shares, np.float64))

    def finding(self, language: Language = "en") -> str:
        """Say in numbers how concentrated the value is, and whether there is a best tier.

        Parameters
        ----------
        language : {"en", "zh"}, default "en"
            Language.

        Returns
        -------
        str
            A sentence; empty where the total is not positive.

        Examples
        --------
        >>> from retainkit.tiers import ByValueShare, TierSchemeConfig, fit_tier_scheme
        >>> config = TierSchemeConfig(rule=ByValueShare.few_key())
        >>> fit_tier_scheme([30.0, 25.0, 20.0, 15.0, 10.0], config=config).finding()
        '80 % of value takes 80 % of heads: value is not concentrated here, nobody is key'
        """
        behind, best = self.facts.share_behind_80, self.realised[0]
        if behind is None or best.value_share is None:
            return ""
        few, name = best.customers, self.config.tier_labels[0].text(language)
        if language == "zh":
            said = f"80% 的价值来自 {behind:.0%} 的客户"
            if not few:
                return f"{said}：价值不集中，没有{name}"
            return f"{said}；{name} {few:,} 位，占价值 {best.value_share:.0%}"
        said = f"80 % of value takes {100 * behind:.0f} % of heads"
        if not few:
            return f"{said}: value is not concentrated here, nobody is {best.name}"
        return f"{said}; {few:,} {best.name} customers bring {100 * best.value_share:.0f} %"

    def pareto(self) -> pd.DataFrame:
        """Return the 80:20 hypothesis beside what this base shows.

        Returns
        -------
        pandas.DataFrame
            One row per claim: the share claimed, the share measured (NaN where the total is not
            positive) and the number of customers meant.

        Examples
        --------
        >>> from retainkit.tiers import fit_tier_scheme
        >>> print(fit_tier_scheme([60.0, 25.0, 10.0, 3.0, 2.0]).pareto().to_string(index=False))
                                   claim  claimed  measured  customers
        value made by the best 20 % of customers      0.8      0.60        1.0
            customers who make 80 % of the value      0.2      0.40        2.0
                      customers in the best tier      0.2      0.40        2.0
                     value made by the best tier      0.8      0.85        2.0
        """
        facts, best = self.facts, self.realised[0]
        n = facts.n - facts.n_missing
        rows = (
            (
                "value made by the best 20 % of customers",
                0.8,
                facts.top_20_share,
                _kernel.count_of_heads(n, 0.2) if n else 0,
            ),
            (
                "customers who make 80 % of the value",
                0.2,
                facts.share_behind_80,
                facts.customers_behind_80,
            ),
            ("customers in the best tier", 0.2, best.customer_share, best.customers),
            ("value made by the best tier", 0.8, best.value_share, best.customers),
        )
        frame = pd.DataFrame(rows, columns=["claim", "claimed", "measured", "customers"])
        return frame.astype({"measured": np.float64, "customers": np.float64})


def fit_tier_scheme(value: ArrayLike1D, *, config: TierSchemeConfig = _DEFAULT) -> TierScheme:
    """Learn the cuts between tiers from the values of a base.

    Parameters
    ----------
    value : array_like of float, shape (n_customers,)
        What each customer is worth [money]: profit or lifetime value, not revenue, where known.
        NaN: not computable; such customers are counted and play no part in the cuts.
    config : TierSchemeConfig, default TierSchemeConfig()
        Names of the tiers and the rule.

    Returns
    -------
    TierScheme
        The cuts, what each tier really holds, the 80:20 facts and notes.

    Raises
    ------
    SchemaError
        If `value` is not one-dimensional, not numeric or holds an infinity.

    Notes
    -----
    With the values sorted best first, v(1) >= v(2) >= ..., a share s of the value is cut at v(k)
    with the smallest k for which v(1) + ... + v(k) >= s T (to a relative 1e-12). T is the sum of
    the positive values (`base="positive"`, the default) or of all values (`base="net"`).

    Negative values are never dropped: they count in the net total, in the heads and in the
    lowest tier's value, and a note says how many there are. If the net total is not positive,
    "net" becomes "positive" and shares of the net total are None. If nobody has a positive
    value, a rule by value share makes no cuts and everybody is in the lowest tier.
    Sorting comes first, so the order of the customers cannot matter.

    With `most_heads` and `least_of_mean` the best cut is the largest of three bounds: the one by
    value share, the least value that keeps the tier within so many heads, and so many times the
    mean. `finding` says in numbers how concentrated the value is.

    Examples
    --------
    >>> from retainkit.tiers import fit_tier_scheme
    >>> scheme = fit_tier_scheme([60.0, 25.0, 10.0, 3.0, 2.0])
    >>> print(scheme.summary()[["tier", "lower_bound", "customers", "value_share"]].to_string())
           tier  lower_bound  customers  value_share
    0       key         25.0          2         0.85
    1  ordinary         10.0          1         0.10
    2     small          NaN          2         0.05
    """
    ranked = _kernel.rank(as_floats(value, "value"))
    cuts, explained = _cuts(ranked, config.rule)
    ends = _kernel.tier_bounds(ranked, np.array(cuts, dtype=np.float64))
    realised = _realised(ranked, ends, config.names)
    said = {**_base_notes(ranked), **_cut_notes(ranked, ends, realised, config.rule)}
    return TierScheme(
        config=config,
        cuts=cuts,
        realised=realised,
        facts=_facts(ranked),
        notes=tuple(SchemeNote(code=code, customers=said[code]) for code in said),
        variance_explained=explained,
    )


def _cuts(ranked: _kernel.Ranked, rule: TierRule) -> tuple[tuple[float | None, ...], float | None]:
    """Return the lower bounds, and the variance between the tiers where breaks were sought."""
    if isinstance(rule, ByCuts):
        return rule.cuts, None
    if isinstance(rule, ByNaturalBreaks | ByHeadTailBreaks):
        return _break_cuts(ranked, rule)
    counts = _counts(ranked, rule)
    if not counts:
        return (None,) * rule.n_cuts, None
    cuts = [float(ranked.values[count - 1]) for count in counts]
    if cuts and isinstance(rule, ByValueShare):
        few = _kernel.bound_of_few(ranked, rule.most_heads, rule.least_of_mean)
        cuts[0] = max(cuts[0], few)
    return tuple(cuts), None


def _break_cuts(
    ranked: _kernel.Ranked, rule: ByNaturalBreaks | ByHeadTailBreaks
) -> tuple[tuple[float | None, ...], float | None]:
    """Return the cuts at natural breaks and the share of variance they explain."""
    if not ranked.values.size:
        return (None,) * rule.n_cuts, None
    natural = isinstance(rule, ByNaturalBreaks)
    find = _kernel.natural_breaks if natural else _kernel.head_tail_breaks
    breaks = find(ranked.values[::-1], rule.n_tiers)
    return breaks.cuts, None if np.isnan(breaks.explained) else breaks.explained


def _counts(ranked: _kernel.Ranked, rule: ByValueShare | ByHeadcount) -> list[int]:
    """Return how many best customers make each share; none where there is nothing to share."""
    n = ranked.values.size
    if isinstance(rule, ByHeadcount):
        return [_kernel.count_of_heads(n, share) for share in rule.shares] if n else []
    if not ranked.n_positive:
        return []
    if rule.base == "net" and ranked.total > 0:
        return [_kernel.count_behind_net(ranked, share) for share in rule.shares]
    rising = ranked.running[: ranked.n_positive]
    return [_kernel.count_behind(rising, share) for share in rule.shares]


def _realised(
    ranked: _kernel.Ranked, ends: IntArray, names: tuple[str, ...]
) -> tuple[TierShare, ...]:
    """Return what each tier holds on the base it was learnt on."""
    n = ranked.values.size + ranked.n_missing
    shares = []
    for name, start, end in zip(names, ends, ends[1:], strict=False):
        part = ranked.values[start:end]
        heads = part.size + (ranked.n_missing if name == names[-1] else 0)
        positive = part[: max(0, ranked.n_positive - int(start))].sum()
        shares.append(
            TierShare(
                name=name,
                customers=heads,
                value=float(part.sum()),
                customer_share=_ratio(heads, n),
                value_share=_ratio(part.sum(), ranked.total),
                positive_share=_ratio(positive, ranked.positive_total),
            )
        )
    return tuple(shares)


def _ratio(part: float, whole: float) -> float | None:
    """Return part / whole; None where the whole is not positive."""
    return float(part) / whole if whole > 0 else None


def _facts(ranked: _kernel.Ranked) -> ParetoFacts:
    """Return how concentrated the base is."""
    n = ranked.values.size
    top = _kernel.count_of_heads(n, 0.2) if n else 0
    return ParetoFacts(
        n=n + ranked.n_missing,
        n_missing=ranked.n_missing,
        n_negative=ranked.n_negative,
        total=ranked.total,
        positive_total=ranked.positive_total,
        top_20_share=_ratio(ranked.values[:top].sum(), ranked.total),
        customers_behind_80=_kernel.count_behind_net(ranked, 0.8) if ranked.total > 0 else None,
    )


def _base_notes(ranked: _kernel.Ranked) -> dict[str, int]:
    """Return what must be known about the base: note -> customers concerned."""
    n = ranked.values.size
    notes = {} if n else {"empty_base": 0}
    if ranked.n_missing:
        notes["values_not_computable"] = ranked.n_missing
    if ranked.n_negative:
        notes["negative_values"] = ranked.n_negative
    if n and ranked.total <= 0:
        notes["total_not_positive"] = n
    return notes


def _cut_notes(
    ranked: _kernel.Ranked, ends: IntArray, realised: tuple[TierShare, ...], rule: TierRule
) -> dict[str, int]:
    """Return what must be known about the cuts: note -> customers concerned."""
    n, notes = ranked.values.size, {}
    if n and isinstance(rule, ByValueShare) and rule.shares:
        if not ranked.n_positive:
            return {"no_positive_value": n}
        if rule.base == "net" and ranked.total <= 0:
            notes["net_replaced_by_positive"] = n
        if (rule.most_heads or rule.least_of_mean) and not realised[0].customers:
            return {**notes, "nobody_in_best": n}
    if ends[-2] > ranked.n_positive:
        notes["cut_not_positive"] = int(ends[-2]) - ranked.n_positive
    if n and not all(tier.customers for tier in realised):
        notes["empty_tier"] = 0
    return notes
