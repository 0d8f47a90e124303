"""Who moved between tiers from one assessment to the next, who came and who left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import check_length
from retainkit._core.columns import Column, plain
from retainkit._core.kernels.intervals import jeffreys
from retainkit._core.result import ResultTable
from retainkit.errors import AlignmentError, SchemaError
from retainkit.tables import align_customer_ids
from retainkit.tiers import _kernel
from retainkit.tiers._config import BAD, LAPSED, MOVEMENTS, NEW
from retainkit.tiers.grading._assign import TierTable
from retainkit.typing import ArrayLike1D, FloatArray

_Int = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TierMovement(ResultTable):
    """Hold how many customers, and how much value, went from each state to each.

    Rows are the states before: the tiers, "bad", "lapsed", and last "new" for customers who were
    not there. Columns are the states after: the tiers, "bad", and "lapsed" for customers who have
    gone. So every customer of either assessment is in exactly one cell.

    Parameters
    ----------
    tiers : tuple of str
        The tiers, best first.
    counts : ndarray of int, shape (n_tiers + 3, n_tiers + 2)
        Customers.
    value_before, value_after : ndarray of float, same shape
        Sums of what they were and are worth [money].
    smoothing : float
        Customers added to each cell of a row before `probabilities` are taken (the parameter of
        a symmetric Dirichlet prior); 0: none.
    level : float
        Confidence level of intervals.
    """

    _what: ClassVar[str] = "moves"
    _next_step: ClassVar[str] = ".matrix(), .rates() or fit_tier_chain(movement)"
    _schema: ClassVar[tuple[Column, ...]] = (
        *plain("before", "after", "customers", "probability", "lower", "upper"),
        *plain("value_before", "value_after"),
    )

    tiers: tuple[str, ...]
    counts: _Int
    value_before: FloatArray
    value_after: FloatArray
    smoothing: float = 0.0
    level: float = 0.95

    def __len__(self) -> int:
        return self.counts.size

    @property
    def states(self) -> tuple[str, ...]:
        """States after: the tiers, "bad", "lapsed"."""
        return (*self.tiers, BAD, LAPSED)

    @property
    def sources(self) -> tuple[str, ...]:
        """States before: those after, and "new"."""
        return (*self.states, NEW)

    @property
    def probabilities(self) -> FloatArray:
        """Shares of each row; a row that nobody was in is NaN, smoothed or not."""
        return _kernel.row_shares(self.counts.astype(np.float64), self.smoothing)

    @property
    def relabelled(self) -> float:
        """Share of the customers present both times whose state changed; NaN where none was."""
        both = self.counts[:-2, :-1]
        stayed, present = int(np.trace(both)), int(both.sum())
        return 1.0 - stayed / present if present else np.nan

    def matrix(self) -> pd.DataFrame:
        """Return the migration matrix: the probability of each state after, per state before.

        One row per state before, with its customers in the first column; rows sum to 1, and a row
        that nobody was in is NaN.
        """
        index, columns = list(self.sources), list(self.states)
        frame = pd.DataFrame(self.probabilities, index=index, columns=columns)
        frame.insert(0, "customers", self.counts.sum(axis=1))
        return frame

    def heads(self) -> pd.DataFrame:
        """Return the customers who went from each state to each.

        States before as rows, states after as columns, and the totals of both.
        """
        frame = pd.DataFrame(self.counts, index=list(self.sources), columns=list(self.states))
        frame["total"] = frame.sum(axis=1)
        frame.loc["total"] = frame.sum(axis=0)
        return frame

    def bridge(self) -> pd.DataFrame:
        """Return what the value of the base before became the value after through.

        Returns
        -------
        pandas.DataFrame
            Rows opening, new, won_back (had lapsed), risen, same, fallen (into bad standing too),
            lost and closing; columns `customers` and `value` [money]: what entered or left, or by
            how much those who stayed are worth more or less. Opening and the six below it add up
            to closing, to the rounding of the sums; lapsed customers are in neither.

        Examples
        --------
        >>> import pandas as pd
        >>> from retainkit.tiers import assign_tiers, compare_tiers, fit_tier_scheme
        >>> scheme = fit_tier_scheme([60.0, 25.0, 10.0, 3.0, 2.0])
        >>> before = assign_tiers([60.0, 12.0, 1.0], scheme, customer_id=pd.Index(["a", "b", "c"]))
        >>> after = assign_tiers([30.0, 40.0, 5.0], scheme, customer_id=pd.Index(["b", "a", "d"]))
        >>> compare_tiers(before, after).bridge().T
        step       opening  new  won_back  risen  same  fallen  lost  closing
        customers      3.0  1.0       0.0    1.0   1.0     0.0   1.0      3.0
        value         73.0  5.0       0.0   18.0 -20.0     0.0  -1.0     75.0
        """
        there = len(self.states) - 1
        heads, gained = self.counts, self.value_after - self.value_before
        stay, moved = heads[:there, :there], gained[:there, :there]
        up, same = np.tri(there, k=-1, dtype=bool), np.eye(there, dtype=bool)
        down = ~(up | same)
        steps = {
            "opening": (heads[:there].sum(), self.value_before[:there].sum()),
            "new": (heads[-1, :there].sum(), self.value_after[-1, :there].sum()),
            "won_back": (heads[there, :there].sum(), self.value_after[there, :there].sum()),
            "risen": (stay[up].sum(), moved[up].sum()),
            "same": (stay[same].sum(), moved[same].sum()),
            "fallen": (stay[down].sum(), moved[down].sum()),
            "lost": (heads[:there, there].sum(), -self.value_before[:there, there].sum()),
            "closing": (heads[:, :there].sum(), self.value_after[:, :there].sum()),
        }
        frame = pd.DataFrame.from_dict(steps, orient="index", columns=["customers", "value"])
        return frame.astype({"customers": np.int64}).rename_axis("step")

    def rates(self) -> pd.DataFrame:
        """Return promotion, retention, demotion, turning bad and exit per tier, with intervals.

        Exit is a share of all who were in the tier. The others are shares of those who were there
        both times, so that they sum to 1. One row per state before and movement: `rate`, Jeffreys
        interval `lower` and `upper`, and `customers` of `among`. A rate of nobody is NaN, and so is
        what cannot happen (to be promoted from the best tier). "bad" is the lowest state.

        Examples
        --------
        >>> from retainkit.tiers import assign_tiers, compare_tiers, fit_tier_scheme
        >>> scheme = fit_tier_scheme([60.0, 25.0, 10.0, 3.0, 2.0])
        >>> before = assign_tiers([60.0, 12.0, 12.0], scheme)
        >>> rates = compare_tiers(before, assign_tiers([70.0, 30.0], scheme)).rates()
        >>> rates[rates["tier"] == "ordinary"][["movement", "rate", "customers", "among"]]
            movement  rate  customers  among
        5  promotion   1.0          1      1
        6  retention   0.0          0      1
        7   demotion   0.0          0      1
        8        bad   0.0          0      1
        9       exit   0.5          1      2
        """
        rows = [row for position in range(len(self.tiers) + 1) for row in self._moves_of(position)]
        frame = pd.DataFrame(rows, columns=["tier", "movement", "customers", "among"])
        hits = frame["customers"].to_numpy(dtype=np.float64, na_value=np.nan)
        among = frame["among"].to_numpy(dtype=np.float64)
        rate = np.full(hits.size, np.nan)
        np.divide(hits, among, out=rate, where=(among > 0) & ~np.isnan(hits))
        low, high = jeffreys(np.nan_to_num(hits), among, self.level)
        impossible = np.isnan(hits)
        frame.insert(2, "rate", rate)
        frame.insert(3, "lower", np.where(impossible, np.nan, low))
        frame.insert(4, "upper", np.where(impossible, np.nan, high))
        frame["customers"] = np.nan_to_num(hits).astype(np.int64)
        return frame

    def _moves_of(self, position: int) -> list[tuple[str, str, float, int]]:
        """Return name, movement, customers (NaN: impossible) and those it is a share of."""
        row, worst = self.counts[position], len(self.tiers)
        present = int(row[:-1].sum())
        is_bad = position == worst
        better = float(row[:position].sum()) if position else np.nan
        worse = float(row[position + 1 : worst].sum()) if position + 1 < worst else np.nan
        turned = np.nan if is_bad else float(row[worst])
        found = (better, float(row[position]), worse, turned, float(row[-1]))
        among = (present,) * 4 + (int(row.sum()),)
        name = self.states[position]
        return [(name, *rest) for rest in zip(MOVEMENTS, found, among, strict=True)]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per state before and state after."""
        n, k = self.counts.shape
        heads = np.repeat(self.counts.sum(axis=1), k).astype(np.float64)
        low, high = jeffreys(self.counts.ravel().astype(np.float64), heads, self.level)
        return pd.DataFrame(
            {
                "before": np.repeat(np.array(self.sources, dtype=object), k),
                "after": np.tile(np.array(self.states, dtype=object), n),
                "customers": self.counts.ravel(),
                "probability": self.probabilities.ravel(),
                "lower": low,
                "upper": high,
                "value_before": self.value_before.ravel(),
                "value_after": self.value_after.ravel(),
            }
        )

    def summary(self) -> pd.DataFrame:
        """Return the rates, one row per tier, with heads before and after.

        Best tier first, "bad" last; `before` and `after` count customers, the rest are
        rates as in `rates`.
        """
        wide = self.rates().pivot(index="tier", columns="movement", values="rate")
        names = [*self.tiers, BAD]
        wide = wide.reindex(index=names, columns=list(MOVEMENTS)).reset_index(drop=True)
        wide.columns.name = None
        wide.insert(0, "tier", names)
        wide.insert(1, "before", self.counts.sum(axis=1)[:-2])
        wide.insert(2, "after", self.counts.sum(axis=0)[:-1])
        return wide


def compare_tiers(
    before: TierTable,
    after: TierTable,
    *,
    lapsed_before: ArrayLike1D | None = None,
    lapsed_after: ArrayLike1D | None = None,
    smoothing: float = 0.0,
    level: float = 0.95,
) -> TierMovement:
    """Compare two assessments: who was promoted, kept, demoted, turned bad, left or came.

    Parameters
    ----------
    before, after : TierTable
        The assessments, in any order of customers; joined by customer. Both must have the same
        tiers. The tiers compared are those shown.
    lapsed_before, lapsed_after : array_like of bool, optional
        Customers who are still in the table but no longer customers, in its order, beside those
        shown as lost. A customer who is not in `after` has lapsed; one who is not in `before` is
        new.
    smoothing : float, default 0
        Customers added to every cell before probabilities are taken; reported in the result,
        counts and rates stay as they are.
    level : float, default 0.95
        Confidence level of intervals.

    Returns
    -------
    TierMovement
        Counts, value, probabilities and rates.

    Raises
    ------
    AlignmentError
        If the assessments have different tiers, or one has a customer twice.
    SchemaError
        If `smoothing` or `level` is out of range.

    Notes
    -----
    A row that nobody was in has no probabilities: they are NaN, not equal shares, and smoothing
    does not invent them. Intervals are Jeffreys' (beta(x + 1/2, n - x + 1/2)).

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tiers import assign_tiers, compare_tiers, fit_tier_scheme
    >>> scheme = fit_tier_scheme([60.0, 25.0, 10.0, 3.0, 2.0])
    >>> before = assign_tiers([60.0, 12.0, 1.0], scheme, customer_id=pd.Index(["a", "b", "c"]))
    >>> after = assign_tiers([30.0, 40.0, 5.0], scheme, customer_id=pd.Index(["b", "a", "d"]))
    >>> print(compare_tiers(before, after).heads().to_string())
              key  ordinary  small  bad  lapsed  total
    key         1         0      0    0       0      1
    ordinary    1         0      0    0       0      1
    small       0         0      0    0       1      1
    bad         0         0      0    0       0      0
    lapsed      0         0      0    0       0      0
    new         0         0      1    0       0      1
    total       2         0      1    0       1      4
    """
    tiers = before.scheme.names
    _check_tables(before, after, smoothing, level)
    n = len(tiers) + 2
    lapsed, new = n - 1, n
    was = _states(before, lapsed_before, lapsed, "lapsed_before")
    now = _states(after, lapsed_after, lapsed, "lapsed_after")
    rows = np.asarray(align_customer_ids(after.customer_id, before.customer_id), dtype=np.int64)
    gone = np.ones(len(before), dtype=bool)
    gone[rows[rows >= 0]] = False
    source = np.concatenate([np.append(was, new)[rows], was[gone]])
    target = np.concatenate([now, np.full(int(gone.sum()), lapsed)])
    value_before = np.concatenate([np.append(before.value, 0.0)[rows], before.value[gone]])
    value_after = np.append(after.value, np.zeros(int(gone.sum())))
    return TierMovement(
        tiers=tiers,
        counts=_kernel.count_moves(source, target, n + 1, n),
        value_before=_kernel.sum_moves(source, target, value_before, n + 1, n),
        value_after=_kernel.sum_moves(source, target, value_after, n + 1, n),
        smoothing=smoothing,
        level=level,
    )


def _check_tables(before: TierTable, after: TierTable, smoothing: float, level: float) -> None:
    """Refuse assessments with different tiers."""
    if before.scheme.names != after.scheme.names:
        raise AlignmentError(
            f"tiers {before.scheme.names} and {after.scheme.names}",
            rule="both assessments have the same tiers",
            where="before, after",
        )
    for table, where in ((before, "before"), (after, "after")):
        if not pd.Index(table.customer_id.array).is_unique:  # the table's own keeps no hash table
            raise AlignmentError("a customer stands there twice", rule="once", where=where)
    if not (0.0 <= smoothing < np.inf) or not 0.0 < level < 1.0:
        raise SchemaError(
            f"smoothing {smoothing}, level {level}",
            rule="smoothing is 0 or more, level between 0 and 1",
            where="compare_tiers",
        )


def _states(table: TierTable, lapsed: ArrayLike1D | None, code: int, where: str) -> _Int:
    """Return each customer's tier, or `code` where it has lapsed."""
    states = table.tier.astype(np.int64)
    if lapsed is None:
        return states
    mask: npt.NDArray[Any] = np.asarray(lapsed)
    check_length(mask.size, len(table), where)
    if mask.dtype != np.bool_:
        raise SchemaError(f"{where} has type {mask.dtype}", rule="True or False", where=where)
    states[mask] = code
    return states
