"""StateScheme: where the states of a relation begin in a base, and which claims held there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import Field

from retainkit._core.config import FrozenModel
from retainkit._core.kernels.intervals import ratio_bounds, wilson
from retainkit.churn import _kernel
from retainkit.churn._config import StateConfig
from retainkit.typing import BoolArray, FloatArray

_ONE_SIDED = 0.90
"""Level of an interval whose upper bound is a 95 % upper limit."""

Claim: TypeAlias = Literal["gone", "quiet"]


class HasActivity(Protocol):
    """Whether customers still buy; `forecast.Activity` offers it. NaN without a purchase."""

    @property
    def p_state(self) -> FloatArray:
        """Probability of a purchase within the window."""

    @property
    def kept(self) -> FloatArray:
        """That probability over the one on the day of the last purchase."""

    @property
    def silent(self) -> FloatArray:
        """Days since the last purchase [day]."""

    @property
    def own_gap(self) -> FloatArray:
        """Usual days between purchases [day]."""

    @property
    def age(self) -> FloatArray:
        """Days since the first purchase [day]."""


class HasPastActivity(Protocol):
    """Activity on an earlier day and who came back; `forecast.PastActivity` offers it."""

    @property
    def activity(self) -> HasActivity:
        """What was known then."""

    @property
    def returned(self) -> BoolArray:
        """Who bought again within the window after it."""

    @property
    def base_gap(self) -> float:
        """Mean days between purchases of one customer then [day]."""


class StateCheck(FrozenModel):
    """How a claim held at earlier origins.

    Parameters
    ----------
    state : {"gone", "quiet"}
        What was claimed.
    customers, returned : int
        Customers called so at earlier origins, pooled, and how many bought within the window.
    figure : float or None
        Share that came back; for quiet over the share of those present. None: nobody.
    upper : float or None
        Its 95 % upper limit.
    holds : bool
        Whether the claim is used.

    Examples
    --------
    >>> from retainkit.churn import StateCheck
    >>> StateCheck(state="gone", customers=200, returned=12, figure=0.06, upper=0.09,
    ...            holds=True).words("en")
    '12 of 200 called gone at earlier origins came back (6 %, at most 9 %): used'
    """

    state: Claim
    customers: int
    returned: int
    figure: float | None
    upper: float | None
    holds: bool

    def words(self, language: Literal["en", "zh"] = "en") -> str:
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
        name = {"gone": "流失", "quiet": "沉寂"}[self.state]
        en = f"{self.returned:,} of {self.customers:,} called {self.state} at earlier origins"
        zh = f"以往判定为{name}的 {self.customers:,} 人中 {self.returned:,} 人回来"
        if self.figure is None or self.upper is None:
            en = f"{en} came back"
        elif self.state == "gone":
            en = f"{en} came back ({self.figure:.0%}, at most {self.upper:.0%})".replace("%", " %")
            zh = f"{zh}（{self.figure:.0%}，至多 {self.upper:.0%}）"
        else:
            en = f"{en} came back, {self.figure:.2f} times as often as those present"
            zh = f"{zh}，为在册活跃客户的 {self.figure:.2f} 倍"
        use = (
            ("used", "采用")
            if self.holds
            else ("not used, the milder state is", "不采用，取较轻状态")
        )
        return f"{zh}：{use[1]}" if language == "zh" else f"{en}: {use[0]}"


class StateScheme(FrozenModel):
    """Where one state ends and the next begins in a base, and which claims hold there.

    Parameters
    ----------
    config : StateConfig
        What the user chose.
    window_days : int
        Window in which a purchase is looked for [day]: whatever the horizon of a run.
    base_gap : float
        Mean days between purchases of one customer [day].
    checks : tuple of StateCheck
        How the claims held at earlier origins; a claim without a check is not used.
    """

    config: StateConfig
    window_days: Annotated[int, Field(ge=0)]
    base_gap: float
    checks: tuple[StateCheck, ...] = ()

    def uses(self, claim: Claim) -> bool:
        """Return whether a state is used here.

        Parameters
        ----------
        claim : {"gone", "quiet"}
            The state.

        Returns
        -------
        bool
            Whether it held at earlier origins.
        """
        return any(check.holds for check in self.checks if check.state == claim)

    def limits(self) -> _kernel.Limits:
        """Return the limits as the kernel takes them."""
        chosen = self.config.model_dump(include=set(_kernel.Limits._fields))
        return _kernel.Limits(**chosen, base_gap=self.base_gap)


def fit_state_scheme(
    past: Sequence[HasPastActivity],
    *,
    window_days: int,
    base_gap: float,
    config: StateConfig | None = None,
) -> StateScheme:
    """Check at earlier origins which claims hold in a base.

    Parameters
    ----------
    past : sequence of PastActivity
        Activity at earlier origins and who bought again within the window after each.
    window_days : int
        The window [day].
    base_gap : float
        Mean days between purchases of one customer [day].
    config : StateConfig, optional
        Where the states begin.

    Returns
    -------
    StateScheme
        With the checks; without an earlier origin no claim is used.

    Notes
    -----
    Gone holds with at least `least_checked` customers called so (all origins together) if the
    one-sided 95 % Wilson limit of the share that came back is at most `back_at_most`. Quiet is
    checked with those who fall to it where gone does not hold; the ratio of the shares has the
    square-and-add interval (MOVER-R).

    Examples
    --------
    >>> from retainkit.churn import fit_state_scheme
    >>> fit_state_scheme((), window_days=90, base_gap=30.0).checks[0].holds
    False
    """
    config = config or StateConfig()
    bare = StateScheme(config=config, window_days=window_days, base_gap=base_gap)
    told = [judge(one.activity, bare.limits()._replace(base_gap=one.base_gap))[0] for one in past]
    state = np.concatenate([np.zeros(0, dtype=np.int8), *told])
    back = np.concatenate([np.zeros(0, dtype=np.bool_), *(one.returned for one in past)])
    gone = _check_gone(back[state == _kernel.GONE], config)
    shown = _kernel.milder(state, gone=gone.holds, quiet=True)
    there = back[shown == _kernel.PRESENT]
    quiet = _check_quiet(back[shown == _kernel.QUIET], there, config)
    return bare.replace(checks=(gone, quiet))


def check_claims(
    gone: BoolArray, quiet: BoolArray, present: BoolArray, config: StateConfig
) -> tuple[StateCheck, StateCheck]:
    """Check the claims of a day by who came back of those called gone, quiet and present."""
    return _check_gone(gone, config), _check_quiet(quiet, present, config)


def _check_gone(back: BoolArray, config: StateConfig) -> StateCheck:
    n, came = len(back), int(back.sum())
    if not n:
        return StateCheck(
            state="gone", customers=0, returned=0, figure=None, upper=None, holds=False
        )
    upper = float(wilson(np.array([came]), np.array([n]), _ONE_SIDED)[1][0])
    holds = n >= config.least_checked and upper <= config.back_at_most
    return StateCheck(
        state="gone", customers=n, returned=came, figure=came / n, upper=upper, holds=holds
    )


def _check_quiet(back: BoolArray, there: BoolArray, config: StateConfig) -> StateCheck:
    n, came = len(back), int(back.sum())
    ratio: float | None = None
    upper: float | None = None
    if n and there.any():
        ratio = came / n / float(there.mean())
        counts = np.array([max(came, 0.5), there.sum()])  # half a customer: a logarithm needs one
        share = counts / [n, len(there)]
        low, high = wilson(counts, np.array([n, len(there)]), _ONE_SIDED)
        bounds = [(low[i : i + 1], high[i : i + 1]) for i in (0, 1)]
        limit = ratio_bounds(share[:1], bounds[0], share[1:], bounds[1])[1]
        upper = float(limit[0]) if np.isfinite(limit[0]) else None
    holds = False
    if ratio is not None and upper is not None and min(n, len(there)) >= config.least_checked:
        holds = ratio <= config.quiet_at_most and upper < 1.0
    return StateCheck(
        state="quiet", customers=n, returned=came, figure=ratio, upper=upper, holds=holds
    )


def judge(
    activity: HasActivity, limits: _kernel.Limits
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]:
    """Return state and reason of each customer by activity alone, every claim believed."""
    signs = _kernel.Signs(*(getattr(activity, name) for name in _kernel.Signs._fields))
    return _kernel.judge(signs, limits)
