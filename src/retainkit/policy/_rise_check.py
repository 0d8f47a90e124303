"""Whether potential separates: those called likely to rise against their like, walking forward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from retainkit._core.config import FrozenModel
from retainkit._core.kernels.intervals import normal_quantile
from retainkit._core.labels import Label
from retainkit.errors import ConvergenceError, NotComputableError
from retainkit.policy import _kernel_rise as _kernel
from retainkit.policy._config import PotentialConfig
from retainkit.policy._upgrade_model import UpgradeModel, fit_upgrade_model
from retainkit.typing import BoolArray, FloatArray, IntArray, Language

_LEVEL = 0.95
_CELLS = 10
"""Parts of each tier by value: fifths, each halved, as nearness to the cut alone separates within
the top fifth of a skewed base."""
_LEAST = 1.3
"""Ratio from which on potential is believed, with its interval above 1."""
_FEWEST_SAID = 20
"""Customers called likely to rise at the least [count]."""

RiseFinding: TypeAlias = Literal["separates", "does_not_separate", "too_few", "no_past", "no_money"]
"""What walking forward found."""

_WORDS: dict[str, Label] = {
    "separates": Label(en="potential is told", zh="采用潜力判断"),
    "does_not_separate": Label(
        en="potential is not known, nothing is decided from it", zh="潜力未知，不据此决策"
    ),
    "too_few": Label(
        en="potential is not known: too few customers rose, or were expected to, on earlier days",
        zh="潜力未知：以往升级或被判断会升级的客户过少",
    ),
    "no_past": Label(
        en="potential is not known: the history does not hold two windows to learn and judge on",
        zh="潜力未知：历史过短，不足以先学习再检验",
    ),
    "no_money": Label(
        en="potential is not known: customers are not graded by money that can be followed",
        zh="潜力未知：分级依据不是可追踪的金额",
    ),
}


class RiseCheck(FrozenModel):
    """How calls of potential held on earlier days, within tier and equal expected value.

    Parameters
    ----------
    finding : str
        "separates", or why potential is not known: "does_not_separate", "too_few" (customers who
        rose), "no_past" (history too short), "no_money" (not graded by money).
    ratio, lower, upper : float or None
        Share that rose among those called likely over that among the others of the same tier and
        the same tenth of value within it, pooled (Mantel-Haenszel), with its 95 % interval.
    said, said_rose : int
        Customers called likely to rise on earlier days, and how many rose.
    others, others_rose : int
        Customers not called so, and how many rose.
    days, window_days : int
        Earlier days judged on, and days ahead of each.

    Examples
    --------
    >>> from retainkit.policy import RiseCheck
    >>> RiseCheck(finding="separates", ratio=2.1, lower=1.6, upper=2.8, said=200, said_rose=80,
    ...           others=900, others_rose=150, days=2, window_days=182).known
    True
    """

    finding: RiseFinding
    ratio: float | None = None
    lower: float | None = None
    upper: float | None = None
    said: int = 0
    said_rose: int = 0
    others: int = 0
    others_rose: int = 0
    days: int = 0
    window_days: int = 0

    @property
    def known(self) -> bool:
        """Whether potential is told at all."""
        return self.finding == "separates"

    def words(self, language: Language = "en") -> str:
        """Return the finding as a sentence, with its numbers where it has any.

        Parameters
        ----------
        language : {"en", "zh"}, default "en"
            Language.

        Returns
        -------
        str
            The sentence.
        """
        finding = _WORDS[self.finding].text(language)
        if self.ratio is None or self.lower is None or self.upper is None:
            return finding
        bounds = f"{self.lower:.2f} - {self.upper:.2f}"
        if language == "zh":
            return (
                f"以往判断会升级的 {self.said:,} 人，升级频率为同级别、同等价值客户的 "
                f"{self.ratio:.2f} 倍（95 % 区间 {bounds}）：{finding}"
            )
        return (
            f"{self.said:,} called likely to rise on earlier days rose {self.ratio:.2f} times as "
            f"often as others of their tier and value (95 % interval {bounds}): {finding}"
        )


class PastRises(NamedTuple):
    """Customers who could rise on an earlier day, and who did within the window after it.

    The first `near` features tell tier and nearness to the cut and nothing else.
    """

    names: tuple[str, ...]
    near: int
    features: FloatArray
    tier: IntArray
    value: FloatArray
    rose: BoolArray
    customer_id: pd.Index[int]
    window_days: int


class RiseModel(FrozenModel):
    """Probability of reaching the next tier, beside that of everybody as near to its cut.

    Parameters
    ----------
    whole : UpgradeModel
        From all that is known of a customer.
    near : UpgradeModel
        From its tier and its nearness to the cut alone.

    Examples
    --------
    >>> from retainkit.policy import RiseModel
    >>> sorted(RiseModel.model_fields)
    ['near', 'whole']
    """

    whole: UpgradeModel
    near: UpgradeModel

    def chances(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return each customer's probability, and that of customers as near to the cut.

        Parameters
        ----------
        features : numpy.ndarray of float64, shape (n_customers, n_features)
            As in the fit.

        Returns
        -------
        tuple of numpy.ndarray of float64
            Two probabilities per customer.
        """
        own = self.whole.probability(features)
        return own, self.near.probability(features[:, : len(self.near.features)])


def learn_rises(
    past: Sequence[PastRises], config: PotentialConfig
) -> tuple[RiseModel | None, RiseCheck]:
    """Learn who rises from all earlier days, and judge the calls that each day would have made.

    `past` is in order, latest first. The calls of a day are made by a model of the days before it.
    """
    if len(past) < 2:
        return None, RiseCheck(finding="no_past")
    judged: list[tuple[PastRises, BoolArray]] = []
    for place, day in enumerate(past[:-1]):
        model = _fit(past[place + 1 :])
        if model is not None:
            chance, usual = model.chances(day.features)
            likely = stands_out(chance, usual, model.whole.share_rose, config.min_lift)
            judged.append((day, likely))
    return _fit(past), _check(judged)


def stands_out(
    chance: FloatArray, usual: FloatArray, share_rose: float | None, lift: float
) -> BoolArray:
    """Return who is clearly likelier to rise than customers as near to the cut, and likely at all.

    Odds at least `lift` times theirs, and a probability of at least half the share that rises.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        likelier = chance * (1.0 - usual) >= lift * usual * (1.0 - chance)
        return np.asarray(likelier & (chance >= 0.5 * (share_rose or 0.0)))


def _fit(past: Sequence[PastRises]) -> RiseModel | None:
    """Learn from several days; None where too few rose."""
    ids = [day.customer_id for day in past]
    customer_id = ids[0] if len(ids) == 1 else ids[0].append(ids[1:])
    features = np.concatenate([day.features for day in past])
    rose = np.concatenate([day.rose for day in past])
    tier = np.concatenate([day.tier for day in past])
    near = past[0].near
    try:
        whole, part = (
            fit_upgrade_model(
                features[:, :most],
                rose,
                names=past[0].names[:most],
                customer_id=customer_id,
                tier=tier,
            )
            for most in (features.shape[1], near)
        )
    except (NotComputableError, ConvergenceError):
        return None
    return RiseModel(whole=whole, near=part)


def _check(judged: list[tuple[PastRises, BoolArray]]) -> RiseCheck:
    """Pool the calls over days, tiers and parts of equal value."""
    if not judged:
        return RiseCheck(finding="too_few")
    said = np.concatenate([calls for _, calls in judged])
    rose = np.concatenate([day.rose for day, _ in judged])
    cells, taken = [], 0
    for day, _ in judged:
        own = _kernel.quantile_cells(day.value, day.tier.astype(np.int64), _CELLS)
        cells.append(own + taken)
        taken += int(own.max(initial=-1)) + 1
    found = _kernel.pooled_risk_ratio(np.concatenate(cells), said, rose, normal_quantile(_LEVEL))
    finding: RiseFinding = "does_not_separate"
    if said.sum() < _FEWEST_SAID or not np.isfinite(found.ratio):
        finding = "too_few"
    elif found.ratio >= _LEAST and found.lower > 1.0:
        finding = "separates"
    numbers = {name: v if np.isfinite(v) else None for name, v in found._asdict().items()}
    return RiseCheck(
        finding=finding,
        **numbers,
        said=int(said.sum()),
        said_rose=int((said & rose).sum()),
        others=int((~said).sum()),
        others_rose=int((~said & rose).sum()),
        days=len(judged),
        window_days=judged[0][0].window_days,
    )
