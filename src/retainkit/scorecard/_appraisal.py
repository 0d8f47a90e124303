"""What became of each account owner's customers, fairly compared."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import check_level
from retainkit._core.columns import Column, plain
from retainkit._core.kernels.intervals import jeffreys
from retainkit._core.labels import Label
from retainkit._core.result import ResultTable
from retainkit.churn import ChurnTable
from retainkit.errors import AlignmentError
from retainkit.scorecard._kernel_appraisal import adjusted_bounds, expected_by_mix, mean_bounds
from retainkit.tables import align_customer_ids, align_values
from retainkit.tiers import TierTable
from retainkit.typing import ArrayLike1D, FloatArray
from retainkit.value import CustomerSummary

FAIRNESS_NOTE: Final = Label(
    en=(
        "Owners are given different customers. `expected` is what the whole base would have kept "
        "with the same mix, `adjusted` the rate at the average mix. Judge nobody on what is within "
        "noise, or on a mix that the strata do not describe."
    ),
    zh=(
        "各客户经理分得的客户不同。expected 为同样客户构成下全体的保持水平，adjusted 为按平均构成"
        "调整后的保持率。差异在噪声范围内、或分层未能反映的客户构成差异，不应作为考核依据。"
    ),
)
"""What a reader must know before judging a person."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class OwnerAppraisal(ResultTable):
    """Each owner's customers: kept, moved, earned; beside what their mix made likely.

    Attributes
    ----------
    owners : tuple of str
        Owners, sorted.
    customers, kept : ndarray of int64
        Customers with a known outcome, and those kept.
    expected : ndarray of float
        Customers the whole base would have kept with the same mix.
    retention, lower, upper : ndarray of float
        Rate and its Jeffreys interval.
    adjusted, adjusted_lower, adjusted_upper : ndarray of float
        Rate at the mix of the whole base: 1 - overall churn x lost / expected losses, with its
        exact interval.
    upgrades, downgrades : ndarray of int64
        Customers who moved to a higher or lower tier.
    profit, profit_gap, gap_lower, gap_upper : ndarray of float
        Profit [money], and mean profit per customer minus what the mix made likely.
    fewest : int
        Customers below which an owner is not judged.
    """

    owners: tuple[str, ...]
    customers: npt.NDArray[np.int64]
    kept: npt.NDArray[np.int64]
    expected: FloatArray
    retention: FloatArray
    lower: FloatArray
    upper: FloatArray
    adjusted: FloatArray
    adjusted_lower: FloatArray
    adjusted_upper: FloatArray
    upgrades: npt.NDArray[np.int64]
    downgrades: npt.NDArray[np.int64]
    profit: FloatArray
    profit_gap: FloatArray
    gap_lower: FloatArray
    gap_upper: FloatArray
    fewest: int

    _what: ClassVar[str] = "owners"
    _next_step: ClassVar[str] = ".summary(); read FAIRNESS_NOTE before judging anybody"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("owner", "owners"),
        *plain("customers", "kept", "expected", "retention", "lower", "upper"),
        *plain("adjusted", "adjusted_lower", "adjusted_upper", "upgrades", "downgrades"),
        *plain("profit", "profit_gap", "gap_lower", "gap_upper", "net_moves", "verdict"),
    )

    def __len__(self) -> int:
        return len(self.owners)

    @property
    def verdict(self) -> tuple[str, ...]:
        """Better, worse, "within_noise" or "too_few", by retention against the mix."""
        overall = self.overall
        found = []
        for at in range(len(self)):
            if self.customers[at] < self.fewest:
                found.append("too_few")
            elif self.adjusted_lower[at] > overall:
                found.append("better")
            elif self.adjusted_upper[at] < overall:
                found.append("worse")
            else:
                found.append("within_noise")
        return tuple(found)

    @property
    def overall(self) -> float:
        """Retention of the whole base."""
        total = int(self.customers.sum())
        return float(self.kept.sum() / total) if total else float("nan")

    @property
    def net_moves(self) -> npt.NDArray[np.int64]:
        """Upgrades minus downgrades."""
        return self.upgrades - self.downgrades

    def summary(self) -> pd.DataFrame:
        """Return the fair comparison.

        `owner`, `customers`, `retention`, `adjusted` with its bounds, `net_moves`,
        `profit_gap`, `verdict`.
        """
        columns = ["owner", "customers", "retention", "adjusted", "adjusted_lower"]
        columns += ["adjusted_upper", "net_moves", "profit_gap", "verdict"]
        return self.to_frame()[columns]

    def _repr_html_(self) -> str:
        return _noted(ResultTable._repr_html_(self))


def _noted(table: str) -> str:
    """Return a table with the note that belongs to it, in both languages."""
    notes = "<br>".join(html.escape(FAIRNESS_NOTE.text(one)) for one in ("en", "zh"))
    return f"{table}<p><small>{notes}</small></p>"


def appraise_owners(
    owner: ArrayLike1D,
    kept: ArrayLike1D,
    *,
    stratum: ArrayLike1D | None = None,
    movement: ArrayLike1D | None = None,
    profit: ArrayLike1D | None = None,
    fewest: int = 10,
    level: float = 0.95,
) -> OwnerAppraisal:
    """Appraise account owners on retention, movement and profit of their own customers.

    Parameters
    ----------
    owner : array-like, shape (n,)
        Who answered for each customer at the start of the year; missing = nobody, left out.
    kept : array-like, shape (n,)
        1 if the customer was kept, 0 if lost, NaN if not known (left out of retention).
    stratum : array-like, shape (n,), optional
        What makes customers comparable and was not the owner's doing: tier at the start, segment,
        or both joined as text. Default: all alike, nothing is adjusted.
    movement : array-like, shape (n,), optional
        Steps between tiers: positive = up, negative = down; NaN = not known.
    profit : array-like, shape (n,), optional
        Profit of the year [money]; NaN = not known.
    fewest : int, default 10
        Owners with fewer customers are not judged.
    level : float, default 0.95
        Coverage of the intervals.

    Returns
    -------
    OwnerAppraisal
        Owners in sorted order; NaN where something is not known.

    Raises
    ------
    AlignmentError
        If the arrays differ in length.

    Notes
    -----
    Indirect standardisation: ``expected = sum over strata of the owner's customers x the rate of
    the whole base``; losses are compared with expected losses, and ``adjusted = 1 - overall churn
    x lost / expected lost``. Its bounds treat losses as Poisson (exact), so they are wide for
    small portfolios, as they should be.

    References
    ----------
    Breslow, N. & Day, N. (1987). Statistical methods in cancer research II, section 2.3
    (standardised ratios and their exact limits).

    Examples
    --------
    >>> from retainkit.scorecard import appraise_owners
    >>> owners = ["Li"] * 20 + ["Wang"] * 20
    >>> kept = [1] * 18 + [0] * 2 + [1] * 10 + [0] * 10
    >>> tier = ["key"] * 20 + ["small"] * 20  # Wang was given the small ones
    >>> appraise_owners(owners, kept, stratum=tier).summary()[["owner", "retention", "verdict"]]
      owner  retention       verdict
    0    Li        0.9  within_noise
    1  Wang        0.5  within_noise
    """
    outcome = np.asarray(kept, dtype=np.float64)
    n = len(outcome)
    columns = {
        "owner": pd.Series(owner, dtype="object"),
        "stratum": pd.Series(["all"] * n if stratum is None else stratum, dtype="object"),
    }
    moves = _numbers(movement, n)
    money = _numbers(profit, n)
    lengths = {name: len(column) for name, column in columns.items()}
    if {*lengths.values(), len(moves), len(money)} != {n}:
        raise AlignmentError(
            f"kept has {n} values, others {lengths}, {len(moves)} and {len(money)}",
            rule="one value per customer in every array",
            where="appraise_owners",
            fix="pass arrays of the same customers in the same order",
        )
    check_level(level)
    codes, names = pd.factorize(columns["owner"].astype("string"), sort=True)
    strata, _ = pd.factorize(columns["stratum"].astype("string"), sort=True, use_na_sentinel=False)
    return _appraise(codes, tuple(map(str, names)), strata, outcome, moves, money, fewest, level)


def _numbers(values: ArrayLike1D | None, n: int) -> FloatArray:
    """Return numbers; NaN where none were given."""
    return np.full(n, np.nan) if values is None else np.asarray(values, dtype=np.float64)


def _appraise(
    codes: npt.NDArray[Any],
    names: tuple[str, ...],
    strata: npt.NDArray[Any],
    outcome: FloatArray,
    moves: FloatArray,
    money: FloatArray,
    fewest: int,
    level: float,
) -> OwnerAppraisal:
    """Return the appraisal from codes and arrays."""
    size = len(names)
    judged = (codes >= 0) & ~np.isnan(outcome)
    own, rate = codes[judged], outcome[judged]
    customers = np.bincount(own, minlength=size).astype(np.int64)
    kept = np.bincount(own, rate, minlength=size).astype(np.float64)
    lower, upper = jeffreys(kept, customers, level)
    expected = expected_by_mix(own, strata[judged], rate, size)
    overall = float(rate.mean()) if len(rate) else np.nan
    adjusted, low, high = adjusted_bounds(
        kept, expected, customers.astype(np.float64), overall, level
    )
    up = (codes >= 0) & (moves > 0)
    down = (codes >= 0) & (moves < 0)
    earned = (codes >= 0) & ~np.isnan(money)
    gap, gap_low, gap_high = mean_bounds(codes[earned], strata[earned], money[earned], size, level)
    known = np.bincount(codes[earned], minlength=size) > 0
    total = np.bincount(codes[earned], money[earned], minlength=size)
    return OwnerAppraisal(
        owners=names,
        customers=customers,
        kept=np.rint(kept).astype(np.int64),
        expected=expected,
        retention=np.divide(kept, customers, out=np.full(size, np.nan), where=customers > 0),
        lower=lower,
        upper=upper,
        adjusted=adjusted,
        adjusted_lower=low,
        adjusted_upper=high,
        upgrades=np.bincount(codes[up], minlength=size),
        downgrades=np.bincount(codes[down], minlength=size),
        profit=np.where(known, total, np.nan),
        profit_gap=gap,
        gap_lower=gap_low,
        gap_upper=gap_high,
        fewest=fewest,
    )


class AssessedCustomers(Protocol):
    """Summary, tiers and churn of the same customers in the same order."""

    @property
    def history(self) -> CustomerSummary:
        """What they bought."""

    @property
    def tiers(self) -> TierTable:
        """How they were graded."""

    @property
    def churn(self) -> ChurnTable:
        """Who had left."""


def appraise_runs(
    before: AssessedCustomers, after: AssessedCustomers, *, owner: pd.Series
) -> OwnerAppraisal:
    """Appraise account owners on what became of their customers between two assessments.

    Parameters
    ----------
    before, after : AssessedCustomers
        For example the `scores` of two runs: `history`, `tiers` and `churn` of the same customers
        in the same order.
    owner : pandas.Series
        Who answers for each customer, by customer id; missing = nobody.

    Returns
    -------
    OwnerAppraisal
        Of the customers who had bought and not left at the first assessment. Kept: not left by the
        second. Comparable: in the same tier then. Movement: tiers risen. Profit: contribution
        since. Customers who are not in the second assessment are not known.

    Examples
    --------
    >>> import pandas as pd
    >>> import retainkit as rk
    >>> from retainkit.scorecard import appraise_runs
    >>> purchases, pipeline = rk.load_cdnow_sample(), rk.RetentionPipeline()
    >>> before = pipeline.run(purchases, as_of="1997-12-31")
    >>> after = pipeline.run(purchases, as_of="1998-06-30")
    >>> owner = pd.Series("Li", index=before.tiers.customer_id)
    >>> appraise_runs(before.scores, after.scores, owner=owner)
    <OwnerAppraisal: 1 owners; next: .summary(); read FAIRNESS_NOTE before judging anybody>
    """
    at_risk = np.flatnonzero(~before.churn.churned & ~before.history.never_purchased)
    ids = before.tiers.customer_id[at_risk]
    place = align_customer_ids(ids, after.tiers.customer_id)
    known = place >= 0
    tier_then, tier_now = before.tiers.value_tier[at_risk], after.tiers.value_tier[place]
    earned = after.history.contribution[place] - before.history.contribution[at_risk]
    return appraise_owners(
        align_values(owner.astype(object), owner.index, to=ids, missing=None),
        np.where(known, 1.0 - after.churn.churned[place], np.nan),
        stratum=np.array(before.tiers.scheme.names)[tier_then],
        movement=np.where(known, tier_then.astype(np.float64) - tier_now, np.nan),
        profit=np.where(known, earned, np.nan),
    )
