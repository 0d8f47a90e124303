"""Whether a customer can rise to the next tier, and what says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import as_bools, as_floats, check_codes, check_length
from retainkit._core.columns import Column, plain
from retainkit._core.labels import Label
from retainkit._core.result import TranslatedTable
from retainkit.errors import InvalidTableError
from retainkit.policy import _kernel
from retainkit.policy._config import PotentialConfig
from retainkit.policy._rise_check import RiseCheck, stands_out
from retainkit.policy._vocabulary import POTENTIALS
from retainkit.typing import ArrayLike1D, BoolArray, FloatArray, IntArray, Language

_YES, _NO, _UNKNOWN = range(3)

POTENTIAL_REASONS: tuple[tuple[str, int, str, str], ...] = (
    ("reaches_next_tier", _YES, "The prediction reaches the next tier's cut", "预测达到上一级界限"),
    ("strategic_background", _YES, "Strategic background", "具有战略背景"),
    ("wallet_room", _YES, "Buys elsewhere what would lift it", "在别处的购买足以使其升级"),
    ("rising_trend", _YES, "Rises fast enough towards the cut", "正快速接近上一级界限"),
    ("near_next_tier", _YES, "The prediction is close to the cut", "预测接近上一级界限"),
    ("below_reach", _NO, "The prediction stays below the cut", "预测低于上一级界限"),
    ("no_higher_tier", _NO, "Is in the highest tier", "已在最高级别"),
    ("no_cut", _UNKNOWN, "The scheme has no cut to reach", "分级方案没有可达到的界限"),
    ("value_not_computable", _UNKNOWN, "The prediction could not be computed", "预测无法计算"),
    ("likely_to_rise", _YES, "Likely enough to reach the next tier", "很可能升至上一级"),
    ("unlikely_to_rise", _NO, "Not likely to reach the next tier", "不太可能升至上一级"),
    (
        "not_separated",
        _UNKNOWN,
        "Not known: on earlier days such calls told no more than tier and value",
        "未知：以往此类判断不比级别与价值更有区分力",
    ),
)
"""Reason, state, English and Chinese text; the position is the code."""

_STATE_OF_REASON = np.array([state for _, state, *_ in POTENTIAL_REASONS], dtype=np.int8)


class TierCuts(Protocol):
    """The part of a tier scheme that potential needs."""

    @property
    def names(self) -> tuple[str, ...]:
        """Tiers, best first."""

    @property
    def cuts(self) -> tuple[float | None, ...]:
        """Lower bounds of the tiers but the last [money], best first."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PotentialTable(TranslatedTable):
    """Potential of each customer, with what says so.

    Attributes
    ----------
    customer_id : pandas.Index
        Customers, in the order given.
    predicted : numpy.ndarray of float64
        Predicted value [money]; NaN where it is unknown.
    tier : numpy.ndarray of int
        Present value tier, 0 = best.
    cuts : tuple of float or None
        Lower bounds of the tiers but the last [money], best first.
    reason : numpy.ndarray of int8
        Code of the reason, a position in `PotentialTable.reason_names`.
    probability : numpy.ndarray of float64 or None
        Probability of reaching the next tier within the horizon; None = not supplied, NaN = not
        known.
    check : RiseCheck or None
        How such calls held on earlier days; None = not judged.

    Examples
    --------
    >>> from retainkit.policy import assess_potential
    >>> from retainkit.tiers import fit_tier_scheme
    >>> scheme = fit_tier_scheme([60.0, 25.0, 10.0, 3.0, 2.0])  # cuts 25 and 10
    >>> potential = assess_potential([24.0, 9.0, 1.0], scheme)
    >>> potential.has_potential
    array([ True,  True, False])
    """

    customer_id: pd.Index[Any]
    predicted: FloatArray
    tier: IntArray
    cuts: tuple[float | None, ...]
    reason: npt.NDArray[np.int8]
    probability: FloatArray | None = None
    check: RiseCheck | None = None

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = "decide_actions(tiers, potential=...)"
    _schema: ClassVar[tuple[Column, ...]] = (
        *plain("customer_id", "headroom", "relative"),
        Column("potential", "state", POTENTIALS, ordered=True),
        Column("reason", categories="reason_names"),
        Column("why", "reason", "_reason_texts"),
    )

    def __len__(self) -> int:
        return len(self.customer_id)

    @property
    def headroom(self) -> FloatArray:
        """Predicted value less the next tier's cut [money]: 0 or more reaches it, less falls short.

        NaN in the highest tier and where the prediction or the cut is unknown.
        """
        return self.predicted - _next_cuts(self.tier, self.cuts)

    @property
    def relative(self) -> FloatArray:
        """Predicted value / the next tier's cut; NaN likewise, and for a cut not above 0."""
        next_cut = _next_cuts(self.tier, self.cuts)
        share = np.full(len(self), np.nan)
        np.divide(self.predicted, next_cut, out=share, where=next_cut > 0.0)
        return share

    @property
    def expected_rise(self) -> FloatArray:
        """Probability x the value that lifts the customer to the next cut [money]; NaN if unknown.

        What a rise is worth at least: customers who rise usually pass the cut.
        """
        if self.probability is None:
            return np.full(len(self), np.nan)
        return self.probability * np.maximum(-self.headroom, 0.0)

    @property
    def confidence(self) -> FloatArray:
        """Probability that the yes or no is right: max(p, 1 - p); NaN where no p was supplied."""
        if self.probability is None:
            return np.full(len(self), np.nan)
        return np.maximum(self.probability, 1.0 - self.probability)

    @property
    def reason_names(self) -> tuple[str, ...]:
        """Name of each reason; the position is the code."""
        return tuple(name for name, *_ in POTENTIAL_REASONS)

    @property
    def state(self) -> npt.NDArray[np.int8]:
        """0 = yes, 1 = no, 2 = unknown."""
        states: npt.NDArray[np.int8] = _STATE_OF_REASON[self.reason]
        return states

    @property
    def has_potential(self) -> BoolArray:
        """Whether each customer has potential; False also where it is unknown."""
        positive: BoolArray = self.state == _YES
        return positive

    def _reason_texts(self, language: Language) -> list[str]:
        return [Label(en=en, zh=zh).text(language) for *_, en, zh in POTENTIAL_REASONS]

    def summary(self) -> pd.DataFrame:
        """Return one row per reason that occurs, in the order in which the reasons are tried.

        Columns potential, reason, customers, share.
        """
        counts = np.bincount(self.reason, minlength=len(POTENTIAL_REASONS))
        frame = pd.DataFrame(
            {
                "potential": [POTENTIALS[state] for _, state, *_ in POTENTIAL_REASONS],
                "reason": self.reason_names,
                "customers": counts,
                "share": counts / max(len(self), 1),
            }
        )
        return frame.loc[frame["customers"] > 0].reset_index(drop=True)


def assess_potential(
    predicted_value: ArrayLike1D,
    scheme: TierCuts,
    *,
    customer_id: pd.Index[Any] | None = None,
    tier: IntArray | None = None,
    share_of_wallet: ArrayLike1D | None = None,
    trend: ArrayLike1D | None = None,
    strategic: ArrayLike1D | None = None,
    probability: ArrayLike1D | None = None,
    usual: ArrayLike1D | None = None,
    share_rose: float | None = None,
    check: RiseCheck | None = None,
    config: PotentialConfig | None = None,
) -> PotentialTable:
    """Measure who can rise to the next tier, instead of declaring it.

    Parameters
    ----------
    predicted_value : array_like of float, shape (n_customers,)
        Value expected over the next horizon, on the scale the tiers were cut on [money].
        NaN = not computable.
    scheme : TierScheme
        The tiers' names and lower bounds.
    customer_id : pandas.Index, optional
        Customers; default the index of a Series, else 0, 1, 2, ...
    tier : array of int, optional
        Present value tier of each customer (0 = best). Default: the tier the predicted value
        falls into, so that only closeness to the cut above counts.
    share_of_wallet : array_like of float, optional
        Share of the customer's category spending that the firm has, in (0, 1]; NaN = unknown.
    trend : array_like of float, optional
        Relative growth of spending per period; NaN = unknown.
    strategic : array_like of bool, optional
        Business customers with a strategic background.
    probability : array_like of float, optional
        Probability of reaching the next tier within the horizon, for example from
        `fit_upgrades`; NaN = not known. Where known it decides instead of wallet, trend and
        closeness.
    usual : array_like of float, optional
        Probability that customers of the same tier, as near to the cut, have: those who stand out
        from it are likely to rise. None compares with the base alone.
    share_rose : float, optional
        Share of customers that usually rises within that horizon, `UpgradeModel.share_rose`.
    check : RiseCheck, optional
        How such calls held on earlier days. Where they did not separate customers of one tier and
        value, what rests on a prediction is unknown; where they did, only a known probability
        decides. Facts (strategic background, share of wallet) stand. None judges nothing: every
        reason counts.
    config : PotentialConfig, optional
        How much evidence is enough.

    Returns
    -------
    PotentialTable
        In the order given. Potential is yes, no, or unknown where the prediction is NaN.

    Raises
    ------
    AlignmentError
        If the arrays differ in length.
    InvalidTableError
        If a share of wallet lies outside (0, 1] or a tier is not one of the scheme's.

    Notes
    -----
    With p the predicted value and c the lower bound of the next tier up, the first reason that
    holds decides: highest tier (no); p >= c (yes); strategic background (yes); share of wallet
    w <= max_wallet_share with p / w >= c (yes); trend >= min_trend with p >= trend_reach c
    (yes); p >= reach c (yes); otherwise no. A known probability q replaces the last three: yes
    if q >= min(min_probability, min_lift share_rose), otherwise no; with the usual probability u
    of customers alike, if q / (1 - q) >= min_lift u / (1 - u) and q >= share_rose / 2. All but
    the first three need
    c > 0.

    Examples
    --------
    >>> from retainkit.policy import assess_potential
    >>> from retainkit.tiers import fit_tier_scheme
    >>> scheme = fit_tier_scheme([60.0, 25.0, 10.0, 3.0, 2.0])  # cuts 25 and 10
    >>> table = assess_potential([12.0, 12.0], scheme, share_of_wallet=[0.4, float("nan")])
    >>> table.to_frame()[["headroom", "relative", "potential", "reason"]]
       headroom  relative potential       reason
    0     -13.0      0.48       yes  wallet_room
    1     -13.0      0.48        no  below_reach
    """
    config = config or PotentialConfig()
    predicted = as_floats(predicted_value, "predicted_value")
    n = predicted.size
    bounds = np.array([*scheme.cuts], dtype=np.float64)
    codes = _tier_codes(predicted, bounds) if tier is None else np.asarray(tier)
    check_length(codes.size, n, "tier")
    check_codes(codes, len(scheme.names), "tier")
    chance, like = _probability(probability, n), _probability(usual, n)
    likely = None
    if chance is not None and like is not None:
        likely = stands_out(chance, like, share_rose, config.min_lift)
    evidence = _kernel.PotentialEvidence(
        predicted=predicted,
        next_cut=_next_cuts(codes, scheme.cuts),
        is_top=codes == 0,
        share_of_wallet=_wallet(share_of_wallet, n),
        trend=None if trend is None else as_floats(trend, "trend", n=n),
        strategic=None if strategic is None else as_bools(strategic, "strategic", n=n),
        probability=chance,
        likely=likely,
    )
    limits = _kernel.PotentialLimits(
        config.reach,
        config.max_wallet_share,
        config.min_trend,
        config.trend_reach,
        _enough(config, share_rose),
    )
    reason = _kernel.potential_reasons(evidence, limits)
    return PotentialTable(
        customer_id=_index(predicted_value, customer_id, n),
        predicted=predicted,
        tier=codes,
        cuts=tuple(scheme.cuts),
        reason=reason if check is None else _kernel.believed(reason, separates=check.known),
        probability=evidence.probability,
        check=check,
    )


def _enough(config: PotentialConfig, share_rose: float | None) -> float:
    """Return the probability from which on a customer is likely to rise."""
    if share_rose is None:
        return config.min_probability
    if not 0.0 <= share_rose <= 1.0:
        raise InvalidTableError(f"share_rose is {share_rose}", rule="a share lies in [0, 1]")
    return min(config.min_probability, config.min_lift * share_rose)


def _next_cuts(codes: IntArray, cuts: tuple[float | None, ...]) -> FloatArray:
    """Return the lower bound of the tier above each; above the best there is nothing: NaN."""
    return np.array([None, *cuts], dtype=np.float64)[codes]


def _tier_codes(predicted: FloatArray, bounds: FloatArray) -> IntArray:
    """Return the tier each prediction falls into; NaN and tiers without a cut go to the last."""
    with np.errstate(invalid="ignore"):
        reached = predicted[:, None] >= bounds[None, :]
    codes: IntArray = bounds.size - reached.sum(axis=1)
    return codes


def _probability(probability: ArrayLike1D | None, n: int) -> FloatArray | None:
    if probability is None:
        return None
    return as_floats(probability, "probability", n=n, bounds=(0.0, 1.0))


def _wallet(share_of_wallet: ArrayLike1D | None, n: int) -> FloatArray | None:
    if share_of_wallet is None:
        return None
    shares = as_floats(share_of_wallet, "share_of_wallet", n=n)
    wrong = np.flatnonzero((shares <= 0.0) | (shares > 1.0))
    if wrong.size:
        raise InvalidTableError(
            f"{wrong.size:,} shares outside (0, 1], first {shares[wrong[:3]].tolist()}",
            rule="share of wallet = own sales / category spending, at most 1; NaN = unknown",
            where=f"share_of_wallet, positions {wrong[:3].tolist()}",
            fix="check the category spending of these customers; it must include own sales",
        )
    return shares


def _index(values: Any, customer_id: pd.Index[Any] | None, n: int) -> pd.Index[Any]:
    if customer_id is None:
        return values.index if isinstance(values, pd.Series) else pd.RangeIndex(n)
    check_length(len(customer_id), n, "customer_id")
    return customer_id
