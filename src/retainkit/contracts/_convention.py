"""ContractConvention: when a contract counts, when it has ended, and what it brings."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from retainkit._core.config import FrozenConfig

Recognition = Literal["service_period_end", "cancel_requested", "billing_end"]
"""The day on which a loss is dated."""


class ContractConvention(FrozenConfig):
    """Say which contracts count, on which day each has ended, and what it brings.

    Churn detection, metrics, expected value and the pipeline read contracts under this one
    convention, so they date and count every loss alike.

    Parameters
    ----------
    recognition : {"service_period_end", "cancel_requested", "billing_end"}
        The day a loss is dated. The first day without service (the default, column `end`); the
        day notice was given (column `cancel_requested`), where that is earlier; or the end of the
        billing period (column `billing_end`) of a contract that has ended, where that is later.
        Where the column is empty, the end of service stands.
    billing_months : int or None, default None
        Length of a billing period [month]; fills in `billing_end` where it is empty.
    spell : {"service", "contract"}, default "service"
        Whether contracts without a day between them are one spell of being a customer, or each
        contract is one: who cancels and signs again on the same day has left and come back. A
        *customer* is lost in either case when none of its contracts goes on.
    grace_days : int, default 0
        Days "below which a gap is not churn": a gap between two contracts, or up to and including
        `as_of`, of fewer days is no loss; a gap of exactly so many days is one.
    same_day : {"count", "ignore"}, default "count"
        Whether a contract that ends on the day it starts was a contract. It covers no day: metrics
        see it where customers who join and leave within one period count.
    unpaid : {"count", "ignore"}, default "count"
        Whether a contract whose bill was never paid (`paid` is False) was a contract.
    past_due : {"active", "churned"}, default "active"
        Contracts whose `paid` is False: still running, or ended on `past_due_since` (default: the
        start of the contract).
    dunning_days : int, default 0
        Days past due after which an "active" one has ended [day]; 0 = never for that reason.
    paused : {"active", "zero", "lost"}, default "active"
        Whether a customer whose last contract ended in a pause is still one, and whether a paused
        contract brings its amount or 0; "lost" takes a pause for an end like any other.
    pause_reasons : tuple of str
        Texts of `end_reason` that mean a pause, in lower case; so does `paused` = True.
        A contract whose cancellation was requested did not end in a pause.
    zero_value : {"active", "churned"}, default "active"
        Whether a contract over amount 0 (free plan, full discount) is one.
    discounts : {"subtract", "permanent_only", "ignore"}, default "subtract"
        Which amounts of the column `discount` lower recurring revenue; permanent are those with
        `discount_permanent`.
    usage : {"include", "exclude"}, default "include"
        Whether the column `usage_amount` adds to recurring revenue.

    Notes
    -----
    Why a notice can only bring a loss forward and a billing period only postpone it, and why a
    billing period alone ends nothing, is in "How a contract's end is dated" of the documentation.

    References
    ----------
    ChartMogul Help Center: Churn recognition (three options). Stripe Docs: Billing metric
    definitions. Paddle Help: ProfitWell Metrics vs. Stripe. Recurly Docs: Subscriber retention.

    Examples
    --------
    >>> from retainkit.contracts import ContractConvention
    >>> ContractConvention(grace_days=30).replace(same_day="ignore").grace_days
    30
    """

    recognition: Recognition = "service_period_end"
    billing_months: int | None = Field(default=None, ge=1)
    spell: Literal["service", "contract"] = "service"
    grace_days: int = Field(default=0, ge=0)
    same_day: Literal["count", "ignore"] = "count"
    unpaid: Literal["count", "ignore"] = "count"
    past_due: Literal["active", "churned"] = "active"
    dunning_days: int = Field(default=0, ge=0)
    paused: Literal["active", "zero", "lost"] = "active"
    pause_reasons: tuple[str, ...] = ("pause", "paused", "subscription_paused")
    zero_value: Literal["active", "churned"] = "active"
    discounts: Literal["subtract", "permanent_only", "ignore"] = "subtract"
    usage: Literal["include", "exclude"] = "include"


DEFAULT_CONTRACTS = ContractConvention()
