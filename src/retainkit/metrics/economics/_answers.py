"""What customers say: share of wallet, recommendation, health."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from retainkit._core.intervals import Interval
from retainkit._core.kernels.intervals import normal_bounds
from retainkit.errors import InvalidTableError
from retainkit.metrics._convention import DEFAULT_CONVENTION
from retainkit.metrics._value import MetricValue
from retainkit.typing import ArrayLike1D, BoolArray, FloatArray


def share_of_wallet(
    spending: ArrayLike1D, category_spending: ArrayLike1D, *, source: str = "survey"
) -> MetricValue:
    """Measure our part of what customers spend in the category, weighted by spending.

    Parameters
    ----------
    spending : array-like, shape (n,)
        Spending with us per customer [money].
    category_spending : array-like, shape (n,)
        Spending in the whole category, ours included [money]; 0 or NaN = unknown, left out.
    source : str, default "survey"
        Where category spending comes from, for the notes: "survey" or "panel".

    Returns
    -------
    MetricValue
        Sum / sum over customers whose wallet is known, with a linearised interval. None with
        reason `category_unknown` when it is known of nobody.

    Raises
    ------
    InvalidTableError
        If somebody spends more with us than in the category: an error in the data, never clipped.

    See Also
    --------
    mean_share_of_wallet : The mean of the customers' own shares.

    Examples
    --------
    >>> from retainkit.metrics import share_of_wallet
    >>> result = share_of_wallet([50.0, 10.0, 5.0], [100.0, 100.0, float("nan")])
    >>> result.value, result.n
    (0.3, 2)
    """
    ours, wallet, known = _wallets(spending, category_spending)
    n = int(np.count_nonzero(known))
    if n == 0:
        return _unknown("share_of_wallet", len(known))
    top, bottom = float(ours[known].sum()), float(wallet[known].sum())
    value = top / bottom
    residual = ours[known] - value * wallet[known]
    variance = float(np.sum(residual**2)) * n / (max(n - 1, 1) * bottom**2)
    return _share("share_of_wallet", value, (top, bottom), variance, known, source)


def mean_share_of_wallet(
    spending: ArrayLike1D, category_spending: ArrayLike1D, *, source: str = "survey"
) -> MetricValue:
    """Measure the mean of the customers' own shares of wallet: every customer weighs the same.

    Parameters
    ----------
    spending, category_spending : array-like, shape (n,)
        As in `share_of_wallet` [money].
    source : str, default "survey"
        Where category spending comes from, for the notes.

    Returns
    -------
    MetricValue
        Mean of ratios, with a normal interval. None with reason `category_unknown`.

    Raises
    ------
    InvalidTableError
        If somebody spends more with us than in the category.

    Examples
    --------
    >>> from retainkit.metrics import mean_share_of_wallet
    >>> mean_share_of_wallet([50.0, 10.0], [100.0, 1000.0]).value
    0.255
    """
    ours, wallet, known = _wallets(spending, category_spending)
    n = int(np.count_nonzero(known))
    if n == 0:
        return _unknown("mean_share_of_wallet", len(known))
    ratios = ours[known] / wallet[known]
    value = float(ratios.mean())
    variance = float(ratios.var(ddof=1)) / n if n > 1 else np.nan
    sums = float(ratios.sum()), float(n)
    return _share("mean_share_of_wallet", value, sums, variance, known, source)


def wallet_allocation_rule(rank: ArrayLike1D, brands: ArrayLike1D) -> FloatArray:
    """Infer a brand's share of wallet from its rank among the brands a customer uses.

    Parameters
    ----------
    rank : array-like, shape (n,)
        Our rank, 1 = best; ties get their average rank.
    brands : array-like, shape (n,)
        Brands the customer uses, ours included: all of them must be counted.

    Returns
    -------
    ndarray of float, shape (n,)
        ``(1 - rank / (N + 1)) * 2 / N``; over the ranks 1..N it sums to 1.

    Raises
    ------
    ValueError
        If a rank lies outside 1..N.

    Notes
    -----
    The authors advise it where at least 40 % of customers use several brands or the mean set has
    at least 1.4.

    References
    ----------
    Keiningham, T., Aksoy, L., Buoye, A. & Cooil, B. (2011). Customer loyalty isn't enough. Grow
    your share of wallet. Harvard Business Review 89(10); the book of 2015, appendices A and B.

    Examples
    --------
    >>> from retainkit.metrics import wallet_allocation_rule
    >>> wallet_allocation_rule([1, 2, 3], [3, 3, 3]).round(4).tolist()
    [0.5, 0.3333, 0.1667]
    """
    place = np.asarray(rank, dtype=np.float64)
    size = np.asarray(brands, dtype=np.float64)
    bad = np.flatnonzero(~((place >= 1) & (place <= size)))
    if len(bad):
        msg = f"{len(bad)} ranks lie outside 1..N, first {place[bad[0]]:g} of {size[bad[0]]:g}"
        raise ValueError(msg)
    return np.asarray((1.0 - place / (size + 1.0)) * 2.0 / size)


def wallet_rule_applies(brands: ArrayLike1D) -> bool:
    """Say whether at least 40 % of customers use several brands, or 1.4 on average."""
    size = np.asarray(brands, dtype=np.float64)
    size = size[~np.isnan(size)]
    if len(size) == 0:
        return False
    return bool(np.mean(size >= 2) >= 0.4 or np.mean(size) >= 1.4)


def allocate_wallet(ratings: FloatArray) -> FloatArray:
    """Infer the shares of wallet of all brands from each customer's ratings.

    Parameters
    ----------
    ratings : array, shape (customers, brands)
        Satisfaction or preference, higher is better; NaN = the customer does not use the brand.

    Returns
    -------
    ndarray of float, shape (customers, brands)
        Shares by the wallet allocation rule, average rank for ties; each row sums to 1, NaN where
        not used.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.metrics import allocate_wallet
    >>> allocate_wallet(np.array([[9.0, 7.0, 7.0], [8.0, np.nan, np.nan]])).round(4).tolist()
    [[0.5, 0.25, 0.25], [1.0, nan, nan]]
    """
    scores = np.asarray(ratings, dtype=np.float64)
    used = ~np.isnan(scores)
    mine, theirs = scores[:, :, np.newaxis], scores[:, np.newaxis, :]
    better = np.count_nonzero(theirs > mine, axis=2)
    equal = np.count_nonzero(theirs == mine, axis=2)
    rank = better + (equal + 1) / 2.0
    brands = np.broadcast_to(used.sum(axis=1, keepdims=True), scores.shape)
    shares = np.full(scores.shape, np.nan)
    shares[used] = wallet_allocation_rule(rank[used], brands[used])
    return shares


def _wallets(
    spending: ArrayLike1D, category_spending: ArrayLike1D
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return both spendings and whose wallet is known; refuse shares above 1."""
    ours = np.asarray(spending, dtype=np.float64)
    wallet = np.asarray(category_spending, dtype=np.float64)
    known = (wallet > 0) & ~np.isnan(ours)
    over = np.flatnonzero(known & (ours > wallet))
    if len(over):
        at = over[0]
        raise InvalidTableError(
            f"{len(over):,} customers spend more with us than in the category, first "
            f"{ours[at]:g} of {wallet[at]:g}",
            rule="category spending includes ours",
            where="category_spending",
            fix="correct it, or set it to NaN (unknown); it is never clipped",
        )
    return ours, wallet, known


def _unknown(name: str, n: int) -> MetricValue:
    """Return the metric without value."""
    note = (f"category spending is unknown of all {n:,} customers",)
    return MetricValue(name, None, None, None, 0, reason="category_unknown", notes=note)


def _share(
    name: str,
    value: float,
    sums: tuple[float, float],
    variance: float,
    known: BoolArray,
    source: str,
) -> MetricValue:
    """Return a share with its interval inside [0, 1], where the wallet is from, who is left out."""
    level = DEFAULT_CONVENTION.interval_level
    n = int(np.count_nonzero(known))
    interval = None
    if n > 1:
        low, high = normal_bounds(value, variance**0.5, level)
        interval = Interval(max(low, 0.0), min(high, 1.0), "linearised", level)
    unknown = len(known) - n
    left_out = (f"{unknown:,} customers of unknown wallet are left out",) if unknown else ()
    notes = (f"category spending from a {source}", *left_out)
    return MetricValue(name, value, *sums, n, interval=interval, notes=notes)


def net_promoter_score(rating: ArrayLike1D, *, level: float = 0.95) -> MetricValue:
    """Measure promoters minus detractors among the answers to "would you recommend us".

    Parameters
    ----------
    rating : array-like, shape (n,)
        Whole numbers 0 to 10; NaN = no answer, left out.
    level : float, default 0.95
        Coverage of the interval.

    Returns
    -------
    MetricValue
        (ratings 9 and 10 - ratings 0 to 6) / answers, in [-1, 1], with the normal interval of its
        standard error; None with reason `zero_denominator` without answers.

    Raises
    ------
    ValueError
        If a rating is not a whole number from 0 to 10.

    Notes
    -----
    ``SE = sqrt((p + d - (p - d)^2) / n)``.

    Examples
    --------
    >>> from retainkit.metrics import net_promoter_score
    >>> result = net_promoter_score([10, 9, 9, 8, 7, 6, 3, 10, 9, 8])
    >>> result.value, result.numerator
    (0.3, 3.0)
    """
    answers = np.asarray(rating, dtype=np.float64)
    answers = answers[~np.isnan(answers)]
    if not np.isin(answers, np.arange(11)).all():
        msg = "a rating is not a whole number from 0 to 10"
        raise ValueError(msg)
    n = len(answers)
    if n == 0:
        return MetricValue("net_promoter_score", None, 0.0, 0.0, 0, reason="zero_denominator")
    promoters = int(np.count_nonzero(answers >= 9))
    detractors = int(np.count_nonzero(answers <= 6))
    value = (promoters - detractors) / n
    variance = ((promoters + detractors) / n - value**2) / n
    low, high = normal_bounds(value, variance**0.5, level)
    interval = Interval(max(low, -1.0), min(high, 1.0), "normal", level)
    return MetricValue(
        name="net_promoter_score",
        value=value,
        numerator=float(promoters - detractors),
        denominator=float(n),
        n=n,
        interval=interval,
        notes=(f"{promoters:,} promoters, {detractors:,} detractors",),
    )


def health_score(
    parts: pd.DataFrame, *, weights: Mapping[str, float], minimum_known: float = 0.5
) -> pd.DataFrame:
    """Combine signs of health into one score per customer.

    Missing parts are left out and the weights of the known ones rescaled: a customer without a
    survey is judged on what is known, and on nothing if too little is.

    Parameters
    ----------
    parts : pandas.DataFrame
        One row per customer, one column per part in [0, 1], 1 = healthy; NaN = unknown. Common
        parts are use, support, survey, timely payment and reference.
    weights : mapping of str to float
        Weight per column, positive.
    minimum_known : float, default 0.5
        Share of the total weight that must be known for a score.

    Returns
    -------
    pandas.DataFrame
        `score` in [0, 1] (NaN where too little is known) and `known`, the share of the weight, in
        the rows' order and index.

    Raises
    ------
    ValueError
        If a part lies outside [0, 1], a weight is not positive or has no column.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.metrics import health_score
    >>> parts = pd.DataFrame({"use": [0.8, None], "payment": [0.4, 1.0]})
    >>> health_score(parts, weights={"use": 3.0, "payment": 1.0})["score"].round(2).tolist()
    [0.7, nan]
    """
    names = list(weights)
    values = parts[names].to_numpy(dtype=np.float64)
    weight = np.array([weights[name] for name in names], dtype=np.float64)
    known = ~np.isnan(values)
    if not (weight > 0).all() or ((values < 0) | (values > 1)).any():
        msg = "parts lie in [0, 1] and weights are positive"
        raise ValueError(msg)
    share = (known * weight).sum(axis=1) / weight.sum()
    total = np.where(known, values, 0.0) @ weight / weight.sum()
    enough = (share >= minimum_known) & (share > 0)
    score = np.divide(total, share, out=np.full(len(share), np.nan), where=enough)
    return pd.DataFrame({"score": score, "known": share}, index=parts.index)
