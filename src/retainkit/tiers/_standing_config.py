"""What a user chooses about standings and the payment record behind them."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from retainkit._core.config import FrozenConfig
from retainkit.typing import NonNegativeFloat, PositiveFloat, PositiveInt, Rate

__all__ = ["InvoiceColumns", "StandingConfig"]


class InvoiceColumns(FrozenConfig):
    """Name the columns of a table of invoices.

    Parameters
    ----------
    customer_id, amount, invoiced, due, settled : str
        Customer, amount of the invoice [money], day of issue, day on which payment is due, and
        day of payment (missing: still open).
    disputed : str or None, default "disputed"
        Whether the customer disputes the invoice (True or False); None: not recorded.
    invoice_id : str or None, default None
        Number of the invoice; if named, it must be unique.

    Examples
    --------
    >>> from retainkit.tiers import InvoiceColumns
    >>> InvoiceColumns(due="DueDate").due
    'DueDate'
    """

    customer_id: str = "customer_id"
    amount: str = "amount"
    invoiced: str = "invoiced"
    due: str = "due"
    settled: str = "settled"
    disputed: str | None = "disputed"
    invoice_id: str | None = None


class StandingConfig(FrozenConfig):
    """Choose what makes a customer's standing bad or worth watching, and how it recovers.

    A customer is never of bad standing because it is unprofitable: only credit, payment and
    behaviour count. "fraud" and "default" in the credit record are always bad.

    Parameters
    ----------
    watch_after_days : float, default 30
        A payment overdue for longer puts the customer under watch [day].
    bad_after_days : float, default 90
        A payment overdue for longer makes the standing bad [day].
    minimum_overdue_amount : float, default 0
        An overdue balance of at most this is not material and is passed over [money].
    minimum_overdue_share : float, default 0
        Nor is one of at most this share of all that the customer owes, where invoices tell.
    window_days : float, default 365
        The payment habit is judged on invoices that fell due within so many days [day].
    minimum_invoices : int, default 6
        Fewer such invoices make no habit.
    grace_days : float, default 0
        A payment no later than this is in time [day].
    late_share : float, default 0.5
        Paying at least this share of the invoices late puts the customer under watch.
    seriously_late_days : float, default 30
        A payment later than this is seriously late [day].
    seriously_late_share : float, default 0.25
        Paying at least this share of the invoices seriously late makes the standing bad.
    disputed_share : float, default 0.5
        Disputing at least this share of the invoices puts the customer under watch.
    probation_days : float, default 90
        A bad standing ends when no reason for it has held for so long [day].

    Notes
    -----
    The limits of 30 and 90 days are those of banking: IFRS 9 presumes a significant rise in
    credit risk once a payment is more than 30 days past due (5.5.11) and default no later than 90
    days (B5.5.37); Regulation (EU) 575/2013, article 178(1)(b), defines default as more than 90
    days past due on a material obligation, article 178(2)(d) leaves what is material to an
    amount and a share, and the EBA guidelines EBA/GL/2016/07, paragraph 71, end a default no
    sooner than three months after its reason has gone. The limits of payment habits are this
    library's choice.

    A disputed invoice is not overdue: who withholds payment out of dissatisfaction is owed an
    answer first. It is shown, and puts the customer under watch while it is open.

    Examples
    --------
    >>> from retainkit.tiers import StandingConfig
    >>> StandingConfig(bad_after_days=60).bad_after_days
    60.0
    """

    watch_after_days: NonNegativeFloat = 30.0
    bad_after_days: NonNegativeFloat = 90.0
    minimum_overdue_amount: NonNegativeFloat = 0.0
    minimum_overdue_share: Rate = 0.0
    window_days: PositiveFloat = 365.0
    minimum_invoices: PositiveInt = 6
    grace_days: NonNegativeFloat = 0.0
    late_share: Rate = 0.5
    seriously_late_days: NonNegativeFloat = 30.0
    seriously_late_share: Rate = 0.25
    disputed_share: Rate = 0.5
    probation_days: NonNegativeFloat = 90.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        """Refuse limits in the wrong order."""
        if self.watch_after_days > self.bad_after_days:
            raise ValueError(
                f"watch_after_days must not exceed bad_after_days; got {self.watch_after_days} "
                f"and {self.bad_after_days}"
            )
        if self.grace_days > self.seriously_late_days:
            raise ValueError(
                f"grace_days must not exceed seriously_late_days; got {self.grace_days} and "
                f"{self.seriously_late_days}"
            )
        return self
