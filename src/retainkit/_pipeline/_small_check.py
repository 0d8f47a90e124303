"""Whether those who count as small brought little: significance is not size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retainkit._core.config import FrozenModel
from retainkit.churn import StateScheme
from retainkit.churn._state_scheme import judge
from retainkit.forecast._activity import PastActivity
from retainkit.policy._vocabulary import Evidence
from retainkit.tiers import TierSchemeConfig, assign_tiers, fit_tier_scheme
from retainkit.typing import Language

_HALF = 0.5
_ENOUGH = 20
_Z95 = 1.6448536269514722
_CURRENT = (1, 2, 3)  # new, present, quiet


class SmallCheck(FrozenModel):
    """What customers of the last tier brought on earlier days, beside all who were there.

    Parameters
    ----------
    customers : int
        Customers who were in the last tier on earlier days, all days together [count].
    figure : float or None
        Their mean money in the state window after it over the mean of all who were there; None
        where there were none.
    upper : float or None
        Its one-sided 95 % upper limit.

    Examples
    --------
    >>> from retainkit.pipeline import SmallCheck
    >>> check = SmallCheck(customers=150, figure=0.21, upper=0.34)
    >>> check.holds, check.words()
    (True, 'small customers brought 21 % of the mean on earlier days (150, at most 34 %): used')
    """

    customers: int = 0
    figure: float | None = None
    upper: float | None = None

    @property
    def holds(self) -> bool:
        """Whether they brought at most half of the mean, by the upper limit."""
        return self.customers >= _ENOUGH and self.upper is not None and self.upper <= _HALF

    def evidence(self, ranks: str) -> Evidence:
        """Return whether something may be taken away, given whether the forecast ranks.

        Parameters
        ----------
        ranks : {"yes", "no", "not known"}
            Whether the forecast ranks the customers.

        Returns
        -------
        str
            "ranked" where both speak for it, else what is missing.
        """
        if ranks == "no":
            return "not_ranked"
        if ranks != "yes" or self.upper is None or self.customers < _ENOUGH:
            return "too_few"
        return "ranked" if self.holds else "too_large"

    def words(self, language: Language = "en") -> str:
        """Return the check as a sentence.

        Parameters
        ----------
        language : {"en", "zh"}, default "en"
            Language.

        Returns
        -------
        str
            The sentence.
        """
        if self.figure is None or self.upper is None:
            zh, en = (
                "没有可检验的以往小客户：不削减服务",
                "no small customers of earlier days to judge",
            )
            return zh if language == "zh" else f"{en}: nothing is taken away"
        share, most = f"{self.figure:.0%}", f"{self.upper:.0%}"
        if language == "zh":
            use = "采用" if self.holds else "不削减服务"
            return f"以往的小客户贡献为均值的 {share}（{self.customers:,} 人，至多 {most}）：{use}"
        use = "used" if self.holds else "nothing is taken away"
        en = f"small customers brought {share} of the mean on earlier days"
        en = f"{en} ({self.customers:,}, at most {most})".replace("%", " %")
        return f"{en}: {use}"


def check_small(
    past: Sequence[PastActivity], states: StateScheme | None, tiers: TierSchemeConfig
) -> SmallCheck:
    """Grade who was there on earlier days by what was expected then, and look at what came.

    Days stand a window apart, so that their windows do not overlap.
    """
    if states is None:
        return SmallCheck()
    gain, weight, own, heads, rows = 0.0, 0, 0.0, 0, []
    for one in past:
        limits = states.limits()._replace(base_gap=one.base_gap)
        there = np.isin(judge(one.activity, limits)[0], _CURRENT)
        if there.sum() < _ENOUGH:
            continue
        size, money = one.size[there], one.money[there]
        scheme = fit_tier_scheme(size, config=tiers)
        small = assign_tiers(size, scheme).value_tier == len(scheme.names) - 1
        rows.append((small, money))
        gain, weight = gain + float(money.sum()), weight + len(money)
        own, heads = own + float(money[small].sum()), heads + int(small.sum())
    if not heads or gain <= 0.0:
        return SmallCheck()
    mean, ratio = gain / weight, own / heads / (gain / weight)
    spread = 0.0
    for small, money in rows:  # the ratio of two means, linearised
        pull = small * (money - own / heads) / heads - ratio * (money - mean) / weight
        spread += float((pull**2).sum())
    return SmallCheck(
        customers=heads, figure=ratio, upper=ratio + _Z95 * float(np.sqrt(spread)) / mean
    )
