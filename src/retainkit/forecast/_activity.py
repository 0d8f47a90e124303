"""ActivityModel: whether a customer buys within the state window, now and when it last bought."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from retainkit._core.config import FrozenModel
from retainkit.forecast._kernel_features import Scales, measure_scales, own_gap
from retainkit.forecast._kernel_log import Known, outcome
from retainkit.forecast._learn import Base, Regressions, columns_of, learn, learning_windows
from retainkit.forecast._ways import mix_ways, tell_ways
from retainkit.lifetime import PurchaseModelUnion
from retainkit.typing import BoolArray, FloatArray

_GAPS = 3.0
_SHORTEST, _LONGEST = 90, 730
_CHECKS = (1, 2, 3)
_LEAST_PAST = 60


class Activity(NamedTuple):
    """What tells the state of customers on a day: one value each; NaN without a purchase.

    Parameters
    ----------
    p_state : numpy.ndarray of float64
        Probability of a purchase within the state window.
    kept : numpy.ndarray of float64
        That probability over the one on the day of the last purchase.
    silent : numpy.ndarray of float64
        Days since the last purchase [day].
    own_gap : numpy.ndarray of float64
        Usual days between purchases, drawn towards the base's [day].
    age : numpy.ndarray of float64
        Days since the first purchase [day].
    """

    p_state: FloatArray
    kept: FloatArray
    silent: FloatArray
    own_gap: FloatArray
    age: FloatArray


class PastActivity(NamedTuple):
    """Activity on an earlier day, who bought again within the window after it, and for how much.

    `size` is the money expected then, up to a common factor; `money` what came [money].
    """

    activity: Activity
    returned: BoolArray
    base_gap: float
    size: FloatArray
    money: FloatArray


class ActivityModel(FrozenModel):
    """Probability of a purchase within a window of the base's own, whatever the horizon of a run.

    Parameters
    ----------
    window_days : int
        Three mean gaps of the base, within 90 to 730 days and a third of the history [day].
    base_gap : float
        Mean days between purchases of one customer [day].
    basket : float
        Mean net money of a purchase day [money].
    regressions : Regressions
        What was learnt for this window.
    lifetime : MbgNbdModel, BgNbdModel, ParetoNbdModel, NbdModel or None
        Model of buying and dropout, one of the columns.
    """

    window_days: int
    base_gap: float
    basket: float
    regressions: Regressions
    lifetime: PurchaseModelUnion | None

    def read(self, known: Known) -> Activity:
        """Return the activity of customers as known on a day."""
        last = known._replace(day=known.last)  # as on the day of its own last purchase
        now, then = self._chance(known), self._chance(last)
        return Activity(
            p_state=now,
            kept=now / np.maximum(then, 1e-9),
            silent=known.day - known.last,
            own_gap=own_gap(known, self.base_gap),
            age=known.day - known.first,
        )

    def size(self, known: Known) -> FloatArray:
        """Return the money expected within the window, up to a common factor."""
        window, scales = float(self.window_days), Scales(self.base_gap, self.basket)
        columns = columns_of(self.regressions, self.lifetime, known, window, scales)
        ways = tell_ways(self.regressions, columns, known, window, scales, self.lifetime)
        return mix_ways(ways, ()).blend(ways)

    def _chance(self, known: Known) -> FloatArray:
        window = float(self.window_days)
        scales = Scales(self.base_gap, self.basket)
        columns = columns_of(self.regressions, self.lifetime, known, window, scales)
        return self.regressions.p_active(columns)


def state_window(base_gap: float, history_days: int) -> int:
    """Return the window in which a state is judged [day]: it depends on the base alone."""
    return int(min(max(_GAPS * base_gap, _SHORTEST), _LONGEST, history_days / 3.0))


def fit_activity(
    base: Base, today: int, lifetime: Any, penalty: float
) -> tuple[ActivityModel | None, tuple[PastActivity, ...]]:
    """Learn the activity of a base, and what it would have said up to three windows ago."""
    scales = measure_scales(base.known(today)[1])
    window = state_window(scales.gap, today - base.first_day)
    model = _learn(base, today, window, lifetime, penalty)
    if model is None:
        return None, ()
    past = []
    for step in _CHECKS:
        day = today - step * window
        if day - base.first_day < max(_LEAST_PAST, window / 2):
            break
        who, known = base.known(day)
        then = _learn(base, day, window, base.lifetime(day), penalty)
        if then is None:
            continue
        returned, money = outcome(base.log, who, day, day + window)
        past.append(
            PastActivity(then.read(known), returned, then.base_gap, then.size(known), money)
        )
    return model, tuple(past)


def activity_on(base: Base, day: int, window: int, penalty: float) -> Activity | None:
    """Return the activity of the customers of an earlier day, learnt from what was known then."""
    model = _learn(base, day, window, base.lifetime(day), penalty)
    return None if model is None else model.read(base.known(day)[1])


def _learn(
    base: Base, day: int, window: int, lifetime: Any, penalty: float
) -> ActivityModel | None:
    if window < 1:
        return None
    learnt = learn(learning_windows(base, day, window), penalty, with_lifetime=lifetime is not None)
    if learnt is None:
        return None
    scales = measure_scales(base.known(day)[1])
    return ActivityModel(
        window_days=window,
        base_gap=scales.gap,
        basket=scales.basket,
        regressions=learnt,
        lifetime=lifetime if learnt.uses_lifetime else None,
    )
