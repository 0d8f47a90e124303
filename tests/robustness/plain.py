"""Plain rules that any forecast has to stand beside: silence, a logistic regression, survival."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression

from retainkit.typing import BoolArray, FloatArray
from tests.robustness.firms import Firm

WINDOWS = (30, 90, 180)


def auc(score: FloatArray, active: BoolArray) -> float:
    """Return the chance that an active customer scores above another; NaN without both kinds."""
    ones = int(active.sum())
    zeros = len(active) - ones
    if not ones or not zeros:
        return float("nan")
    ranks = rankdata(score)
    return float((ranks[active].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def beyond_chance(score: FloatArray, active: BoolArray) -> float:
    """Return by how many standard errors the AUC exceeds one half (Mann-Whitney, no ties)."""
    ones = int(active.sum())
    zeros = len(active) - ones
    if not ones or not zeros:
        return 0.0
    error = np.sqrt((ones + zeros + 1) / (12 * ones * zeros))
    return float((auc(score, active) - 0.5) / error)


class _Log:
    """Purchases as arrays; days are counted back from `as_of` (0 is the last observed day)."""

    def __init__(self, firm: Firm) -> None:
        table = firm.transactions
        assert table is not None
        self.size = len(firm)
        self.who = table["customer_id"].to_numpy()
        self.ago = (firm.as_of - table["timestamp"]).dt.days.to_numpy()
        self.amount = table["amount"].to_numpy()
        bought = self.amount > 0
        pairs = np.unique(self.who[bought] * 100_000 + self.ago[bought])
        self.day_who, self.day_ago = pairs // 100_000, pairs % 100_000

    def count(self, since: int, until: int = 100_000) -> FloatArray:
        """Return days with a purchase, per customer, from `since` days ago back to `until`."""
        inside = (self.day_ago >= since) & (self.day_ago < until)
        return np.bincount(self.day_who[inside], minlength=self.size).astype(np.float64)

    def money(self, since: int, until: int = 100_000) -> FloatArray:
        """Return money per customer in the same stretch, at least nothing."""
        inside = (self.ago >= since) & (self.ago < until)
        total = np.bincount(self.who[inside], self.amount[inside], minlength=self.size)
        return np.maximum(total, 0.0)

    def ends(self, since: int) -> tuple[FloatArray, FloatArray]:
        """Return the age and the silence of each customer on the day `since` days ago."""
        age, silent = np.full(self.size, -1), np.full(self.size, 100_000)
        inside = self.day_ago >= since
        np.maximum.at(age, self.day_who[inside], self.day_ago[inside] - since)
        np.minimum.at(silent, self.day_who[inside], self.day_ago[inside] - since)
        return age.astype(np.float64), silent.astype(np.float64)


def _features(log: _Log, since: int) -> FloatArray:
    age, silent = log.ends(since)
    age, n = np.maximum(age, 0), np.maximum(log.count(since), 1)
    columns = [np.log1p(age), np.log1p(silent), np.log1p(n), np.log(n / (age + 30))]
    columns += [silent / ((age + 30) / n), np.log1p(log.money(since))]
    for window in WINDOWS:
        columns.append(np.log1p(log.money(since, since + window)))
        columns.append(np.log1p(log.count(since, since + window)))
    return np.column_stack(columns)


def silence(firm: Firm) -> FloatArray:
    """Return less the longer a customer has not bought."""
    return -_Log(firm).ends(0)[1]


def regression(firm: Firm) -> FloatArray | None:
    """Return P(active) of a logistic regression learnt one horizon earlier; None if it cannot."""
    log, back = _Log(firm), firm.horizon_days
    there = log.ends(back)[0] >= 0
    bought = log.count(0, back)[there] > 0
    if not 10 < bought.sum() < len(bought) - 10:
        return None
    before, now = _features(log, back)[there], _features(log, 0)
    mean, spread = before.mean(axis=0), before.std(axis=0) + 1e-9
    model = LogisticRegression(max_iter=500, C=0.1).fit((before - mean) / spread, bought)
    p: FloatArray = model.predict_proba((now - mean) / spread)[:, 1]
    return p


def survival(firm: Firm, *, by_term: bool) -> FloatArray:
    """Return the chance of contracts to last the horizon, from how long all, or like ones, did."""
    table = firm.contracts
    assert table is not None
    term = table["term_months"].to_numpy() if by_term else np.ones(len(table))
    end = table["end"].fillna(firm.as_of)
    tenure = (end - table["start"]).dt.days.to_numpy().astype(np.int64)
    left = table["end"].notna().to_numpy()
    stays = np.zeros(len(firm))
    rows = table["customer_id"].to_numpy()
    for one in np.unique(term):
        like = term == one
        stays[rows[like]] = _kaplan_meier(tenure[like], left[like], firm.horizon_days)
    return np.where(firm.running, stays, 0.0)


def _kaplan_meier(tenure: npt.NDArray[np.int64], left: BoolArray, ahead: int) -> FloatArray:
    """Return S(tenure + ahead) / S(tenure); where fewer than 20 are at risk nobody leaves."""
    size = int(tenure.max()) + ahead + 2
    risk = np.cumsum(np.bincount(tenure, minlength=size)[::-1])[::-1]
    gone = np.bincount(tenure[left], minlength=size)
    log_stay = np.cumsum(np.log1p(-np.where(risk > 20, gone / np.maximum(risk, 21), 0.0)))
    stay: FloatArray = np.exp(log_stay[tenure + ahead] - log_stay[tenure])
    return stay


def plain_scores(firm: Firm) -> dict[str, FloatArray]:
    """Return what each plain rule says of every customer."""
    if firm.contracts is None:
        learnt = regression(firm)
        scores = {"silence": silence(firm)}
        return scores if learnt is None else scores | {"regression": learnt}
    stays = {f"survival{'_by_term' * by}": survival(firm, by_term=by) for by in (False, True)}
    if firm.transactions is None:
        return stays
    learnt = regression(firm)
    if learnt is None:
        return {}
    bought = np.zeros(len(firm), dtype=np.bool_)
    bought[firm.transactions["customer_id"].to_numpy()] = True
    buys = np.where(bought, learnt, 0.0)
    return {f"{name}_or_regression": np.where(firm.running, p, buys) for name, p in stays.items()}
