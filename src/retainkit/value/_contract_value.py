"""expected_contract_value: discounted future money of customers whose leaving is seen."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from retainkit._core.time import DAYS_PER_UNIT
from retainkit.contracts._kernel_charges import future_charges
from retainkit.errors import AlignmentError, SchemaError
from retainkit.typing import ArrayLike1D, FloatArray


class TenureModel(Protocol):
    """What is asked of a model of how long contracts last.

    Examples
    --------
    >>> from retainkit.lifetime import ShiftedBetaGeometricModel
    >>> from retainkit.value import TenureModel
    >>> model: TenureModel = ShiftedBetaGeometricModel(gamma=1.0, delta=3.0)
    >>> model.survival([0, 1])
    array([1.  , 0.75])
    """

    def survival(self, periods: ArrayLike1D, /) -> FloatArray:
        """Return the share of customers who renew at least this many times."""
        ...


def expected_contract_value(
    model: TenureModel,
    *,
    charged: ArrayLike1D,
    price: ArrayLike1D,
    term_months: ArrayLike1D | int = 1,
    days_to_next: ArrayLike1D | float = DAYS_PER_UNIT["month"],
    charges_left: ArrayLike1D | float = np.inf,
    horizon_days: float = 365.25,
    annual_discount_rate: float = 0.10,
    margin_rate: ArrayLike1D | float = 1.0,
) -> FloatArray:
    """Return the discounted money that running contracts are expected to bring within the horizon.

    It is the *residual* value after today: charges already made are not in it.

    Parameters
    ----------
    model : TenureModel
        How often contracts are renewed, for example a `ShiftedBetaGeometricModel`.
    charged : array-like of shape (n,)
        Monthly charges the customer has had [count]; 0 where no contract runs.
    price : array-like of shape (n,)
        What a month brings [money/month].
    term_months : int or array-like of shape (n,), default 1
        Months between two chances to leave [month]; the model counts in these terms.
    days_to_next : float or array-like of shape (n,), default 30.4375
        Days until the next charge [day].
    charges_left : float or array-like of shape (n,), default infinity
        Charges until a known end, where notice has been given [count].
    horizon_days : float, default 365.25
        How far ahead charges count [day].
    annual_discount_rate : float, default 0.10
        Yearly rate; 0 does not discount.
    margin_rate : float or array-like of shape (n,), default 1.0
        Profit per unit of charges.

    Returns
    -------
    numpy.ndarray of float64
        Money per customer, in order; 0 where no contract runs; NaN where `price` is NaN.

    Raises
    ------
    AlignmentError
        If the columns differ in length.
    SchemaError
        If `charged`, `term_months`, `days_to_next` or `charges_left` are undefined or too low, or
        the horizon is not above 0 or the rate below 0.

    Notes
    -----
    margin * price * sum_k S(term of charge k) / S(term now) * (1 + rate)^(-days to charge k /
    365.25), over the charges within the horizon. With a term of one month, an endless horizon and
    the first charge now, the sum is the discounted expected residual lifetime.

    References
    ----------
    Fader, P. S. & Hardie, B. G. S. (2010). Customer-base valuation in a contractual setting: the
    perils of ignoring heterogeneity. Marketing Science 29(1), 85-93, equation (6).

    Examples
    --------
    >>> from retainkit.lifetime import ShiftedBetaGeometricModel
    >>> from retainkit.value import expected_contract_value
    >>> model = ShiftedBetaGeometricModel(gamma=1.0, delta=3.0)  # renewals: 3/4, 4/5, 5/6, ...
    >>> expected_contract_value(model, charged=[1, 3, 0], price=[10.0, 10.0, 10.0],
    ...                         horizon_days=70.0, annual_discount_rate=0.0).round(2)
    array([13.5 , 15.48,  0.  ])
    """
    if not horizon_days > 0 or not annual_discount_rate >= 0:
        raise SchemaError(
            f"horizon_days is {horizon_days}, annual_discount_rate {annual_discount_rate}",
            rule="the first is above 0, the second not below 0",
            where="expected_contract_value",
        )
    money = np.asarray(price, dtype=np.float64)
    count = _column(charged, money.shape, "charged", 0.0)
    term = _column(term_months, money.shape, "term_months", 1.0)
    due = _column(days_to_next, money.shape, "days_to_next", 0.0)
    left = _column(charges_left, money.shape, "charges_left", 0.0)
    margin = _column(margin_rate, money.shape, "margin_rate", -np.inf)
    value = np.zeros(money.shape)
    known = np.flatnonzero(count >= 1.0)
    if known.size:
        whole, terms = count[known].astype(np.int64), term[known].astype(np.int64)
        ahead = int(np.ceil(horizon_days / DAYS_PER_UNIT["month"])) + 1
        survival = model.survival(np.arange(int(((whole + ahead) // terms).max()) + 1.0))
        value[known] = future_charges(
            survival,
            whole,
            terms,
            due[known],
            left[known],
            horizon_days=float(horizon_days),
            annual_discount_rate=float(annual_discount_rate),
            days_per_month=DAYS_PER_UNIT["month"],
        )
    value *= margin * money
    return value


def _column(
    values: ArrayLike1D | float, shape: tuple[int, ...], name: str, lowest: float
) -> FloatArray:
    """Return one number per customer; refuse other shapes and numbers below the lowest."""
    column = np.asarray(values, dtype=np.float64)
    if column.ndim and column.shape != shape:
        raise AlignmentError(
            f"{name} has shape {column.shape}, price {shape}",
            rule="one value for all, or one per customer in order",
            where=name,
        )
    column = np.broadcast_to(column, shape)
    if not (column >= lowest).all():
        bad = column[~(column >= lowest)]
        raise SchemaError(
            f"{len(bad):,} unusable {name}, first {bad[0]:g}",
            rule=f"{name} is known and not below {lowest:g}",
            where=name,
        )
    return column
