"""Where movement leads: projected heads per tier, and what a customer of each tier is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import model_validator

from retainkit._core.config import FrozenModel
from retainkit.errors import AlignmentError, NotComputableError, SchemaError
from retainkit.tiers import _kernel
from retainkit.tiers._config import BAD, LAPSED
from retainkit.tiers._movement import TierMovement
from retainkit.typing import FloatArray

_PerState: TypeAlias = Mapping[str, float] | Sequence[float] | npt.NDArray[np.float64]


class TierChain(FrozenModel):
    """Hold the probability of moving from each state to each in one period.

    Parameters
    ----------
    states : tuple of str
        States, the tiers first.
    transition : tuple of tuple of (float or None)
        One row per state; rows sum to 1. A row of None: nobody was in the state, so nothing is
        known of where it leads.
    absorbing : tuple of str
        States nobody leaves.
    n : tuple of int
        Customers each row was learnt from.
    smoothing : float
        Customers added to every cell that was learnt.
    """

    states: tuple[str, ...]
    transition: tuple[tuple[float | None, ...], ...]
    absorbing: tuple[str, ...] = ()
    n: tuple[int, ...] = ()
    smoothing: float = 0.0

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        """Refuse states, rows and absorbing states that do not fit together."""
        k = len(self.states)
        if len(set(self.states)) < k or not set(self.absorbing) <= set(self.states):
            raise ValueError("states are unique, and absorbing ones are among them")
        if len(self.transition) != k or any(len(row) != k for row in self.transition):
            raise ValueError(f"{k} states need {k} rows of {k} probabilities")
        for state, row in zip(self.states, self.transition, strict=True):
            known = [p for p in row if p is not None]
            if known and (len(known) < k or min(known) < 0 or abs(sum(known) - 1) > 1e-9):
                raise ValueError(f"row {state!r} must sum to 1 without negative entries; {row}")
            if state in self.absorbing and row[self.states.index(state)] != 1.0:
                raise ValueError(f"nobody leaves the absorbing state {state!r}; got {row}")
        return self

    @classmethod
    def from_matrix(
        cls,
        states: Sequence[str],
        matrix: Sequence[Sequence[float]] | npt.NDArray[np.float64],
        *,
        absorbing: Sequence[str] = (),
    ) -> TierChain:
        """Take over probabilities known from elsewhere.

        Parameters
        ----------
        states : sequence of str
            Names of the states.
        matrix : array_like of float, shape (n_states, n_states)
            One row per state before; NaN rows are unknown.
        absorbing : sequence of str, default ()
            States nobody leaves.

        Returns
        -------
        TierChain
            With these probabilities.

        Raises
        ------
        pydantic.ValidationError
            If a row does not sum to 1, or leaves an absorbing state.

        Examples
        --------
        >>> from retainkit.tiers import TierChain
        >>> TierChain.from_matrix(("a", "b"), [[0.5, 0.5], [0.0, 1.0]]).matrix().loc["a", "b"]
        np.float64(0.5)
        """
        rows = np.asarray(matrix, dtype=np.float64)
        return cls(states=tuple(states), transition=_as_tuples(rows), absorbing=tuple(absorbing))

    def matrix(self) -> pd.DataFrame:
        """Return the probabilities.

        States before as rows, states after as columns; unknown rows are NaN.
        """
        return pd.DataFrame(self._array, index=list(self.states), columns=list(self.states))

    @property
    def _array(self) -> FloatArray:
        """The transition matrix as an array."""
        return np.array(self.transition, dtype=np.float64)

    def value(
        self, reward: _PerState, *, discount_rate: float, periods: int | None = None
    ) -> pd.Series[float]:
        """Return what a customer now in each state is worth: this period's gain and all later.

        Parameters
        ----------
        reward : mapping or array_like of float
            Gain of one period in each state [money]: by name (absorbing states default to 0), or
            in the order of `states`.
        discount_rate : float
            Rate per period of the chain, 0 or more.
        periods : int, optional
            Periods after this one; by default all that will ever be.

        Returns
        -------
        pandas.Series
            Value by state [money]. NaN where it depends on a state of which nothing is known,
            and, without discounting, where gains never end.

        Raises
        ------
        SchemaError
            If a state has no reward, or the rate or the number of periods is negative.

        Notes
        -----
        V = (I - P / (1 + d))^-1 R; over T further periods V = sum of (P / (1 + d))^t R for
        t = 0 .. T. The gain of the present period is not discounted.

        References
        ----------
        Pfeifer, P. E. & Carraway, R. L. (2000). Modeling customer relationships as Markov
        chains. Journal of Interactive Marketing 14(2), 43-55.

        Examples
        --------
        The example commonly quoted from it: 40 dollars when a customer buys, 4 for each mailing,
        a customer who has not bought for five periods is given up, 20 % per period.

        >>> from retainkit.tiers import TierChain
        >>> chain = TierChain.from_matrix(
        ...     ("r1", "r2", "r3", "r4", "former"),
        ...     [[0.30, 0.7, 0, 0, 0], [0.20, 0, 0.8, 0, 0], [0.15, 0, 0, 0.85, 0],
        ...      [0.05, 0, 0, 0, 0.95], [0, 0, 0, 0, 1]],
        ...     absorbing=("former",))
        >>> gains = [36.0, -4.0, -4.0, -4.0, 0.0]
        >>> chain.value(gains, discount_rate=0.2).round(3).tolist()
        [52.32, 5.554, 1.251, -1.82, 0.0]
        >>> chain.value(gains, discount_rate=0.2, periods=4).round(3).tolist()
        [50.115, 4.22, 0.592, -1.98, 0.0]
        """
        if not 0.0 <= discount_rate < np.inf or (periods is not None and periods < 0):
            raise SchemaError(
                f"discount_rate {discount_rate}, periods {periods}",
                rule="neither is negative",
                where="TierChain.value",
            )
        gains = self._per_state(reward, "reward")
        if periods is None:
            found = _kernel.markov_value(self._array, gains, discount_rate)
        else:
            found = _kernel.finite_value(self._array, gains, discount_rate, periods)
        return pd.Series(found, index=list(self.states), name="value")

    def project(
        self, customers: _PerState, *, periods: int, entrants: _PerState | None = None
    ) -> pd.DataFrame:
        """Return the expected heads per state in each of the coming periods.

        Parameters
        ----------
        customers : mapping or array_like of float
            Heads now, by name (states not named have none) or in the order of `states`.
        periods : int
            How many periods ahead.
        entrants : mapping or array_like of float, optional
            Heads that join at the end of every period.

        Returns
        -------
        pandas.DataFrame
            One row per period from 0 (now); columns are states.

        Raises
        ------
        SchemaError
            If an entry is missing.
        NotComputableError
            If somebody is in, or gets to, a state of which nothing is known.

        Examples
        --------
        >>> from retainkit.tiers import TierChain
        >>> chain = TierChain.from_matrix(("key", "lapsed"), [[0.8, 0.2], [0.0, 1.0]])
        >>> ahead = chain.project({"key": 100.0}, periods=2, entrants={"key": 10.0})
        >>> ahead["key"].round(1).tolist()
        [100.0, 90.0, 82.0]
        """
        heads = self._per_state(customers, "customers", default=True)
        joining = np.zeros(heads.size)
        if entrants is not None:
            joining = self._per_state(entrants, "entrants", default=True)
        unknown = np.asarray(np.isnan(self._array).any(axis=1))
        known = np.nan_to_num(self._array)
        rows = [heads]
        for _ in range(periods):
            if (rows[-1][unknown] > 0).any():
                lost = [
                    name for name, blank in zip(self.states, unknown.tolist(), strict=True) if blank
                ]
                raise NotComputableError(
                    f"customers get to {', '.join(lost)}, where nobody has been observed",
                    rule="a projection needs a known row for every state that is reached",
                    where="TierChain.project",
                    fix="learn from more movements, or declare the state absorbing",
                )
            rows.append(rows[-1] @ known + joining)
        frame = pd.DataFrame(np.array(rows), columns=list(self.states))
        frame.index.name = "period"
        return frame

    def _per_state(self, given: _PerState, what: str, *, default: bool = False) -> FloatArray:
        """Return one number per state, from a mapping by name or a sequence in order."""
        if isinstance(given, Mapping):
            strange = sorted(set(given) - set(self.states))
            optional = self.states if default else self.absorbing
            missing = [one for one in self.states if one not in given and one not in optional]
            if strange or missing:
                raise SchemaError(
                    f"unknown states {strange}, states without an entry {missing}",
                    rule=f"the states are {', '.join(self.states)}",
                    where=what,
                )
            given = [given.get(state, 0.0) for state in self.states]
        array = np.asarray(given, dtype=np.float64)
        if array.shape != (len(self.states),):
            raise SchemaError(
                f"{array.size} entries for {len(self.states)} states",
                rule=f"the states are {', '.join(self.states)}",
                where=what,
            )
        return array


def fit_tier_chain(
    movements: TierMovement | Sequence[TierMovement],
    *,
    absorbing: Sequence[str] = (BAD, LAPSED),
    smoothing: float = 0.0,
) -> TierChain:
    """Learn a Markov chain from one or several movements of equal length.

    Parameters
    ----------
    movements : TierMovement or sequence of TierMovement
        From `compare_tiers`; the counts of several are added up. Entrants play no part.
    absorbing : sequence of str, default ("bad", "lapsed")
        States taken to be final, whatever was observed. Leave "bad" out where standings are
        cured, and "lapsed" where customers are won back and that was observed.
    smoothing : float, default 0
        Customers added to every cell of a row that anybody was in.

    Returns
    -------
    TierChain
        States: the tiers, "bad" and "lapsed".

    Raises
    ------
    SchemaError
        If there is no movement.
    AlignmentError
        If the movements have different tiers.

    Examples
    --------
    >>> from retainkit.tiers import assign_tiers, compare_tiers, fit_tier_chain, fit_tier_scheme
    >>> scheme = fit_tier_scheme([60.0, 25.0, 10.0, 3.0, 2.0])
    >>> before = assign_tiers([60.0, 50.0, 12.0, 11.0, 1.0], scheme)
    >>> movement = compare_tiers(before, assign_tiers([60.0, 20.0, 30.0, 11.0], scheme))
    >>> fit_tier_chain(movement).matrix().loc["key"].tolist()
    [0.5, 0.5, 0.0, 0.0, 0.0]
    """
    several = [movements] if isinstance(movements, TierMovement) else list(movements)
    if not several:
        raise SchemaError("no movement", rule="at least one", where="movements")
    if len({one.tiers for one in several}) > 1:
        raise AlignmentError("different tiers", rule="the same in all", where="movements")
    states = several[0].states
    counts = np.sum([one.counts[:-1] for one in several], axis=0).astype(np.float64)
    shares = _kernel.row_shares(counts, smoothing)
    for position, state in enumerate(states):
        if state in absorbing:
            shares[position] = np.arange(len(states)) == position
    return TierChain(
        states=states,
        transition=_as_tuples(shares),
        absorbing=tuple(absorbing),
        n=tuple(int(heads) for heads in counts.sum(axis=1)),
        smoothing=smoothing,
    )


def _as_tuples(rows: FloatArray) -> tuple[tuple[float | None, ...], ...]:
    """Return rows as tuples, None for NaN: what a model can hold."""
    return tuple(tuple(None if p != p else float(p) for p in row) for row in rows)
