"""What profit a customer leaves: margins of a base, and why one loses money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.config import FrozenModel
from retainkit._core.kernels.sums import exact_sum
from retainkit._core.result import ResultTable
from retainkit.errors import AlignmentError, NotComputableError
from retainkit.typing import ArrayLike1D, BoolArray, FloatArray, NonNegativeFloat
from retainkit.value._kernel import fit_credibility, own_rates, shrunk_rates
from retainkit.value._summarize import (
    customer_codes,
    line_codes,
    money_column,
    observed_days,
    pick_column,
)
from retainkit.value._summary import CustomerSummary


class MarginModel(FrozenModel):
    """Margin per unit of purchases: the base's rate and how far to trust a customer's own.

    Parameters
    ----------
    rate : float
        Earnings of the base divided by its purchases, returns and their losses included.
    credibility_occasions : float or None
        Purchase occasions at which a customer's own rate weighs one half; None pools fully.
    lowest_own_rate, highest_own_rate : float
        Own rates are taken within these, the 1 % and 99 % quantiles of the base: a cent bought and
        a hundred returned is no margin of -10,000.
    basis : {"profit", "assumed", "revenue"}
        Where earnings come from: known profit; revenue net of returns times `assumed_rate`; revenue
        net of returns, because no profit is known and none was assumed.
    assumed_rate : float or None
        The rate that was assumed.
    net_share : float
        Purchases of the base net of returns, over its purchases.
    n : int
        Customers it was learnt from.
    """

    rate: float
    credibility_occasions: NonNegativeFloat | None
    lowest_own_rate: float
    highest_own_rate: float
    basis: Literal["profit", "assumed", "revenue"]
    assumed_rate: float | None = None
    net_share: float = 1.0
    n: int

    @property
    def net_rate(self) -> float:
        """Earnings of the base per unit of purchases net of returns: what net money is worth."""
        if self.basis != "profit":
            return 1.0 if self.assumed_rate is None else self.assumed_rate
        return self.rate / self.net_share if self.net_share > 0.0 else self.rate


def fit_margin(summary: CustomerSummary, *, assumed_rate: float | None = None) -> MarginModel:
    """Learn the margin per unit of purchases, and how far each customer's own is credible.

    Parameters
    ----------
    summary : CustomerSummary
        Customers to learn from.
    assumed_rate : float, optional
        Profit per unit of revenue to assume where `summary` has no profit; ignored where it has.

    Returns
    -------
    MarginModel
        Its `basis` says whether the margin was measured, assumed, or is one of revenue only.

    Raises
    ------
    NotComputableError
        If nobody in `summary` bought anything.

    Notes
    -----
    With n occasions and own rate x = earnings / purchases per customer, Var(x) = a + s2 / n: a is
    how much customers differ, s2 / n the noise that many occasions average out. Both come from two
    sums of squares; `credibility_occasions` = s2 / a. Where a is not above 0, or all n are equal,
    own rates carry no usable evidence and are pooled. Occasions, not money, are the exposure: one
    large order is no steadier than a small one.

    References
    ----------
    Bühlmann, H. & Gisler, A. (2005). A Course in Credibility Theory. Springer: section 4.2.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.value import fit_margin, summarize_customers
    >>> rows = pd.DataFrame({"customer_id": [1, 2, 3], "amount": [100.0, 100.0, 200.0],
    ...                      "timestamp": pd.to_datetime("2024-01-31")})
    >>> summary = summarize_customers(rows, as_of="2024-01-31")
    >>> fit_margin(summary, assumed_rate=0.3).rate, fit_margin(summary).basis
    (0.3, 'revenue')
    """
    bought = summary.purchase_amount
    buyers = bought > 0
    if not buyers.any():
        raise NotComputableError(
            "no customer has purchases above 0",
            rule="margin = earnings / purchases",
            where="CustomerSummary.purchase_amount",
            fix="summarise transactions with positive amounts",
        )
    known = summary.profit is not None
    assumed = None if known else assumed_rate
    earned = _earnings(summary, assumed)[buyers]
    whole = exact_sum(bought)
    rate = exact_sum(earned) / whole
    own = own_rates(earned, bought[buyers], -np.inf, np.inf)
    low, high = np.quantile(own, (0.01, 0.99), method="inverted_cdf").tolist()
    occasions = summary.occasions[buyers].astype(np.float64)
    return MarginModel(
        rate=rate,
        credibility_occasions=fit_credibility(np.clip(own, low, high), occasions, rate),
        lowest_own_rate=low,
        highest_own_rate=high,
        basis="profit" if known else ("revenue" if assumed is None else "assumed"),
        assumed_rate=assumed,
        net_share=exact_sum(summary.total_amount[buyers]) / whole,
        n=int(np.count_nonzero(buyers)),
    )


def margin_rates(summary: CustomerSummary, margin: MarginModel) -> FloatArray:
    """Return each customer's margin per unit of purchases, shrunk towards the base's.

    Parameters
    ----------
    summary : CustomerSummary
        Customers, with profit if `margin` was learnt from profit.
    margin : MarginModel
        What `fit_margin` learnt.

    Returns
    -------
    numpy.ndarray of float64
        Rate per customer, in order; the base's rate for who bought nothing. It may be negative.

    Raises
    ------
    NotComputableError
        If `margin` is one of profit and `summary` has none.

    Notes
    -----
    (n * own + k * rate) / (n + k) with n occasions and k = `credibility_occasions`.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.value import MarginModel, margin_rates, summarize_customers
    >>> rows = pd.DataFrame({"customer_id": [1, 2], "amount": [100.0, 300.0],
    ...                      "profit": [50.0, 30.0], "timestamp": pd.to_datetime("2024-01-31")})
    >>> summary = summarize_customers(rows, as_of="2024-01-31")
    >>> margin = MarginModel(rate=0.2, credibility_occasions=3.0, lowest_own_rate=-1.0,
    ...                      highest_own_rate=1.0, basis="profit", n=2)
    >>> margin_rates(summary, margin).round(4).tolist()  # own margins are 0.5 and 0.1
    [0.275, 0.175]
    """
    if margin.basis == "profit" and summary.profit is None:
        raise NotComputableError(
            "the margin was learnt from profit and the summary has none",
            rule="learn and apply a margin on the same basis",
            where="CustomerSummary.profit",
            fix="give a profit or cost column, or fit_margin(summary, assumed_rate=...)",
        )
    own = own_rates(
        _earnings(summary, margin.assumed_rate),
        summary.purchase_amount,
        margin.lowest_own_rate,
        margin.highest_own_rate,
    )
    occasions = summary.occasions.astype(np.float64)
    return shrunk_rates(own, occasions, margin.rate, margin.credibility_occasions)


def net_margin_rates(summary: CustomerSummary, margin: MarginModel) -> FloatArray:
    """Return each customer's margin per unit of purchases *net of returns*.

    For money that is net already, such as a forecast of what a customer brings: `margin_rates`
    would take the returns off once more.

    Parameters
    ----------
    summary : CustomerSummary
        Customers, with profit if `margin` was learnt from profit.
    margin : MarginModel
        What `fit_margin` learnt.

    Returns
    -------
    numpy.ndarray of float64
        Rate per customer, in order: the assumed rate, or 1 of revenue; of profit, the rates of
        `margin_rates` over the base's `net_share`. It may be negative.

    Raises
    ------
    NotComputableError
        If `margin` is one of profit and `summary` has none.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.value import fit_margin, margin_rates, net_margin_rates, summarize_customers
    >>> rows = pd.DataFrame({"customer_id": [1, 1, 2], "amount": [100.0, -40.0, 100.0],
    ...                      "timestamp": pd.to_datetime("2024-01-31")})
    >>> summary = summarize_customers(rows, as_of="2024-01-31")
    >>> margin = fit_margin(summary)
    >>> margin.rate, net_margin_rates(summary, margin).tolist()  # 160 net of 200 bought
    (0.8, [1.0, 1.0])
    """
    if margin.basis != "profit":
        return np.full(len(summary), margin.net_rate)
    scale = 1.0 / margin.net_share if margin.net_share > 0.0 else 1.0
    return margin_rates(summary, margin) * scale


def _earnings(summary: CustomerSummary, assumed_rate: float | None) -> FloatArray:
    """Return profit; contribution times the assumed rate where no profit is known."""
    if summary.profit is not None or assumed_rate is None:
        return summary.contribution
    return summary.contribution * assumed_rate


PROFIT_CAUSES: Final = ("price", "mix", "product_cost", "returns", "service")
"""The parts of a profit gap, in order."""

LOSS_REASONS: Final = ("price_or_product", "mix", "returns", "service")
"""What may cost an unprofitable customer most, where list prices are not known."""

_REASON_OF: Final = {"price": 0, "product_cost": 0, "mix": 1, "returns": 2, "service": 3}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ProfitGapTable(ResultTable):
    """Each customer's profit against what its purchases earn at the base's average, by cause.

    Parameters
    ----------
    customer_id : pandas.Index
        Customers, in the order of the summary.
    list_value : numpy.ndarray of float64
        Purchases at list price [money].
    profit : numpy.ndarray of float64
        Profit net of cost to serve [money].
    expected : numpy.ndarray of float64
        `list_value` times the base's profit per unit of list value [money].
    price, mix, product_cost, returns, service : numpy.ndarray of float64
        Parts of the gap [money], below 0 where they cost profit: more discount than average;
        lines of lower margin; products of lower margin within their lines; more lost on returns;
        more service. They add up to profit - expected.
    base_rate : float
        Profit per unit of list value of the whole base.
    """

    customer_id: pd.Index[Any]
    list_value: FloatArray
    profit: FloatArray
    expected: FloatArray
    price: FloatArray
    mix: FloatArray
    product_cost: FloatArray
    returns: FloatArray
    service: FloatArray
    base_rate: float

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = ".unprofitable()"
    _schema: ClassVar[tuple[Column, ...]] = (
        *plain("customer_id", "list_value", "profit", "expected", "gap", *PROFIT_CAUSES),
        Column("reason", "main_cause", PROFIT_CAUSES),
    )

    def __len__(self) -> int:
        return len(self.customer_id)

    @property
    def gap(self) -> FloatArray:
        """Profit above (or below) what the purchases earn at the base's average [money]."""
        return self.profit - self.expected

    @property
    def is_unprofitable(self) -> BoolArray:
        """Whether profit net of cost to serve is below 0."""
        return self.profit < 0

    @property
    def main_cause(self) -> npt.NDArray[np.int8]:
        """Position in `PROFIT_CAUSES` of the part that costs most; -1 where no part costs."""
        parts = np.column_stack([getattr(self, cause) for cause in PROFIT_CAUSES])
        worst: npt.NDArray[np.int8] = parts.argmin(axis=1).astype(np.int8)
        worst[~(parts.min(axis=1) < 0)] = -1
        return worst

    @property
    def loss_reason(self) -> npt.NDArray[np.int8]:
        """Position in `LOSS_REASONS` of what costs most; -1 for customers without a loss.

        Price and product are one reason here: without list prices a discount cannot be told from
        a dear product.
        """
        places = np.array([*(_REASON_OF[cause] for cause in PROFIT_CAUSES), -1], dtype=np.int8)
        return np.where(self.is_unprofitable, places[self.main_cause], np.int8(-1))

    def unprofitable(self) -> pd.DataFrame:
        """Return the rows of `to_frame` with a loss, the largest first, with the reason."""
        frame = self.to_frame()[self.is_unprofitable]
        return frame.sort_values("profit", kind="stable").reset_index(drop=True)

    def summary(self) -> pd.DataFrame:
        """Return one row per cause: how many unprofitable customers it is the main reason of.

        Index `cause`; customers, their profit, and what the part costs all unprofitable ones.
        """
        losing, main = self.is_unprofitable, self.main_cause
        rows = {}
        for code, cause in enumerate(PROFIT_CAUSES):
            mine = losing & (main == code)
            rows[cause] = {
                "customers": int(np.count_nonzero(mine)),
                "profit": float(self.profit[mine].sum()),
                "part_of_all_unprofitable": float(getattr(self, cause)[losing].sum()),
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("cause")


def decompose_profit(
    transactions: pd.DataFrame,
    summary: CustomerSummary,
    *,
    list_amount: ArrayLike1D | None = None,
) -> ProfitGapTable:
    """Explain each customer's profit against the base's average, part by part.

    Parameters
    ----------
    transactions : pandas.DataFrame
        Valid transactions with `profit`; with `business_line` the mix is told from the products.
    summary : CustomerSummary
        Of the same transactions, with costs (`with_costs`) if service is to be explained.
    list_amount : array-like of shape (rows,), optional
        Value of each row of `transactions` at list price [money]; what is missing to `amount` is
        discount. None: no discount is known and `price` is 0.

    Returns
    -------
    ProfitGapTable
        In the order of `summary`.

    Raises
    ------
    NotComputableError
        If the transactions carry no profit, or nothing was bought.
    AlignmentError
        If `list_amount` does not have one value per row, or the customers differ.

    Notes
    -----
    With L purchases at list price, D discount, M = profit + D the profit at list price, R profit
    on returns, S cost to serve, line l of mean rate m_l = M_l / L_l, and m, d, r, s the base's
    rates of M, D, R, S per unit of L:

    price = d L - D; mix = sum_l L_l (m_l - m); product cost = M - sum_l L_l m_l;
    returns = R - r L; service = s L - S.

    Their sum is profit - (m - d + r - s) L, exactly. It is an account against the average, not a
    claim about causes: a discount may have been the price of the order.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.value import decompose_profit, summarize_customers
    >>> rows = pd.DataFrame({"customer_id": [1, 2, 2], "amount": [100.0, 80.0, -20.0],
    ...                      "profit": [40.0, 0.0, -10.0], "business_line": ["a", "b", "b"],
    ...                      "timestamp": pd.to_datetime("2024-01-31")})
    >>> summary = summarize_customers(rows, as_of="2024-01-31")
    >>> gaps = decompose_profit(rows, summary, list_amount=[100.0, 100.0, -20.0])
    >>> gaps.to_frame()[["expected", "gap", "price", "mix", "returns"]]
       expected   gap  price   mix  returns
    0      15.0  25.0   10.0  10.0      5.0
    1      15.0 -25.0  -10.0 -10.0     -5.0
    """
    if summary.profit is None or "profit" not in transactions:
        raise NotComputableError(
            "the transactions carry no profit",
            rule="a loss is explained from profit per row",
            where="transactions['profit']",
            fix="give a profit or cost column",
        )
    _, seen = observed_days(transactions, summary.as_of)
    codes, ids = customer_codes(pick_column(transactions, "customer_id", seen))
    if not ids.equals(summary.customer_id):
        raise _misaligned("the summary has other customers", "summarise the same transactions")
    amount = money_column(transactions, "amount", seen)
    earned = money_column(transactions, "profit", seen)
    at_list = amount if list_amount is None else np.asarray(list_amount, dtype=np.float64)
    if list_amount is not None:
        if at_list.shape != (len(transactions),):
            raise _misaligned(f"list_amount has shape {at_list.shape}", "one value per row")
        at_list = at_list if seen is None else at_list[seen]
    lines = np.zeros(len(codes), dtype=np.int64)
    if "business_line" in transactions:
        lines = line_codes(transactions, seen).astype(np.int64) + 1  # 0 = line not known
    bought = amount >= 0
    facts = _Facts(
        n=len(summary),
        codes=codes[bought],
        lines=lines[bought],
        at_list=at_list[bought],
        discount=at_list[bought] - amount[bought],
        earned=earned[bought],
    )
    returned: FloatArray = np.zeros(len(summary))
    returned += np.bincount(codes[~bought], weights=earned[~bought], minlength=len(summary))
    return _decompose(summary, facts, returned)


@dataclass(frozen=True, slots=True)
class _Facts:
    """Purchase rows."""

    n: int
    codes: npt.NDArray[Any]
    lines: npt.NDArray[Any]
    at_list: FloatArray
    discount: FloatArray
    earned: FloatArray

    def by_customer(self, values: FloatArray) -> FloatArray:
        """Return sums per customer."""
        total: FloatArray = np.zeros(self.n)
        total += np.bincount(self.codes, weights=values, minlength=self.n)
        return total


def _decompose(summary: CustomerSummary, rows: _Facts, returned: FloatArray) -> ProfitGapTable:
    """Split each customer's gap to the base's average into its parts."""
    value, discount = rows.by_customer(rows.at_list), rows.by_customer(rows.discount)
    total = float(value.sum())
    if not total > 0.0:
        raise NotComputableError(
            "nothing was bought at a price above 0",
            rule="a customer is compared with the profit per unit of purchases of the base",
            where="transactions['amount']",
            fix="give transactions with positive amounts",
        )
    at_list = rows.earned + rows.discount
    margin = rows.by_customer(at_list)
    line_value = np.bincount(rows.lines, weights=rows.at_list)
    line_margin = np.bincount(rows.lines, weights=at_list)
    rate = float(margin.sum()) / total
    rates = np.divide(
        line_margin, line_value, out=np.full(line_value.size, rate), where=line_value > 0
    )
    usual = rows.by_customer(rows.at_list * rates[rows.lines])
    served = np.zeros(rows.n) if summary.cost_to_serve is None else summary.cost_to_serve
    profit = margin - discount + returned - served
    base_rate = float(profit.sum()) / total
    return ProfitGapTable(
        customer_id=summary.customer_id,
        list_value=value,
        profit=profit,
        expected=base_rate * value,
        price=float(discount.sum()) / total * value - discount,
        mix=usual - rate * value,
        product_cost=margin - usual,
        returns=returned - float(returned.sum()) / total * value,
        service=float(served.sum()) / total * value - served,
        base_rate=base_rate,
    )


def _misaligned(wrong: str, rule: str) -> AlignmentError:
    """Return the error that rows and summary differ."""
    return AlignmentError(
        wrong, rule=rule, where="decompose_profit", fix="pass the frame that was summarised"
    )
