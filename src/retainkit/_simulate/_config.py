"""What a simulated firm looks like: processes, lines, channels, activities, causes, noise."""

from __future__ import annotations

import math
from typing import Self

from pydantic import Field, model_validator

from retainkit._core.config import FrozenConfig
from retainkit.typing import NonNegativeFloat, PositiveFloat, PositiveInt, Rate

CAUSES = (
    "active.natural",
    "active.competitive",
    "active.fault",
    "passive.non_malicious",
    "passive.retaliatory",
    "passive.malicious",
    "unknown",
    "administrative",
)
"""Leaf codes of the cause taxonomy; a true cause is never `unknown` unless its share says so."""


class PurchaseProcess(FrozenConfig):
    """MBG/NBD: gamma purchase rates, beta dropout after every purchase, the first one included.

    Attributes
    ----------
    r, alpha : float
        Shape, and scale [week], of the gamma distribution of purchase rates (mean `r / alpha`).
    a, b : float
        Parameters of the beta distribution of dropout probabilities (mean `a / (a + b)`).
    """

    r: PositiveFloat = 0.55
    alpha: PositiveFloat = 6.0
    a: PositiveFloat = 0.9
    b: PositiveFloat = 1.9


class SpendProcess(FrozenConfig):
    """Gamma-Gamma: an occasion is Gamma(p, rate nu), and nu is Gamma(q, rate gamma) per customer.

    Attributes
    ----------
    p, q : float
        Shapes; the mean spend of the population is `p * gamma / (q - 1)` when `q > 1`.
    gamma : float
        Scale [money].
    """

    p: PositiveFloat = 6.25
    q: PositiveFloat = 3.74
    gamma: PositiveFloat = 60.0


class BusinessLine(FrozenConfig):
    """A line of business.

    Attributes
    ----------
    name : str
        What it is called.
    share : float
        Its share of customers' main lines, relative to the other lines.
    margin_rate : float
        Profit per unit of revenue; may be negative.
    """

    name: str = Field(default="core", min_length=1)
    share: NonNegativeFloat = 1.0
    margin_rate: float = Field(default=0.3, le=1.0)


class SalesChannel(FrozenConfig):
    """A channel purchases come through.

    Attributes
    ----------
    name : str
        What it is called.
    share : float
        Its share of purchases, relative to the other channels.
    """

    name: str = Field(default="store", min_length=1)
    share: NonNegativeFloat = 1.0


class ServiceActivity(FrozenConfig):
    """Something done to serve a customer.

    Attributes
    ----------
    name : str
        What it is called.
    unit_cost : float
        What one costs [money].
    per_year, per_purchase : float
        How often it happens for an ordinary customer, by time alive [1/year] and by purchase.
    """

    name: str = Field(default="call", min_length=1)
    unit_cost: NonNegativeFloat = 5.0
    per_year: NonNegativeFloat = 0.0
    per_purchase: NonNegativeFloat = 0.0


class CauseShare(FrozenConfig):
    """A true cause of leaving.

    Attributes
    ----------
    code : str
        A leaf of the cause taxonomy, such as `active.fault`.
    share : float
        Its share of the losses, relative to the other causes.
    """

    code: str = "active.natural"
    share: NonNegativeFloat = 1.0

    @model_validator(mode="after")
    def _check_code(self) -> Self:
        if self.code not in CAUSES:
            raise ValueError(f"{self.code!r} is not one of {', '.join(CAUSES)}")
        return self


_LINES = (
    BusinessLine(name="core", share=0.45, margin_rate=0.35),
    BusinessLine(name="accessories", share=0.25, margin_rate=0.5),
    BusinessLine(name="services", share=0.15, margin_rate=0.6),
    BusinessLine(name="promotions", share=0.15, margin_rate=-0.05),
)
_CHANNELS = (
    SalesChannel(name="store", share=0.4),
    SalesChannel(name="web", share=0.4),
    SalesChannel(name="phone", share=0.15),
    SalesChannel(name="dealer", share=0.05),
)
_ACTIVITIES = (
    ServiceActivity(name="order_handling", unit_cost=4.0, per_purchase=1.0),
    ServiceActivity(name="service_call", unit_cost=9.0, per_year=0.8),
    ServiceActivity(name="sales_visit", unit_cost=60.0, per_year=0.15),
    ServiceActivity(name="web_session", unit_cost=0.2, per_year=6.0, per_purchase=2.0),
)
_CAUSE_SHARES = (
    CauseShare(code="active.natural", share=0.14),
    CauseShare(code="active.competitive", share=0.28),
    CauseShare(code="active.fault", share=0.26),
    CauseShare(code="passive.non_malicious", share=0.16),
    CauseShare(code="passive.retaliatory", share=0.07),
    CauseShare(code="passive.malicious", share=0.05),
    CauseShare(code="administrative", share=0.04),
)


class SimulationConfig(FrozenConfig):
    """The firm to simulate; every share is between 0 and 1, lists of shares are normalised.

    Attributes
    ----------
    observed_days, joining_days : int
        Length of the observed window, which ends on `as_of`, and of its first part, in which
        first purchases are spread evenly [day].
    purchases, spend : PurchaseProcess, SpendProcess
        The laws of buying and of money.
    business_lines, channels, activities, causes : tuple
        What is sold, through what, what serving costs, and why customers leave.
    basket_share, return_share : float
        Share of orders with a second line, and of lines sent back later.
    business_share, strategic_share : float
        Share of business customers (the bigger spenders rather), and of these with each
        strategic flag.
    contract_share, surveyed_share : float
        Share of customers with a contract, and with surveys.
    heavy_share, heavy_factor : float
        Share of customers who use service heavily, and how many times more.
    overdue_share : float
        Share of customers watched or overdue though they mean well.
    satisfaction_strength : float
        How strongly satisfaction, perceived value and switching cost drive staying; 0 is not.
    silent_share, evidence_noise : float
        Share of leavers without any evidence; probability that a piece of evidence misleads,
        and yearly rate of events that mean nothing.
    """

    observed_days: PositiveInt = 730
    joining_days: PositiveInt = 548
    purchases: PurchaseProcess = PurchaseProcess()
    spend: SpendProcess = SpendProcess()
    business_lines: tuple[BusinessLine, ...] = Field(default=_LINES, min_length=1)
    channels: tuple[SalesChannel, ...] = Field(default=_CHANNELS, min_length=1)
    activities: tuple[ServiceActivity, ...] = _ACTIVITIES
    causes: tuple[CauseShare, ...] = Field(default=_CAUSE_SHARES, min_length=1)
    basket_share: Rate = 0.15
    return_share: Rate = 0.03
    business_share: Rate = 0.3
    strategic_share: Rate = 0.1
    contract_share: Rate = 0.3
    surveyed_share: Rate = 0.4
    heavy_share: Rate = 0.08
    heavy_factor: PositiveFloat = 8.0
    overdue_share: Rate = 0.03
    satisfaction_strength: NonNegativeFloat = 1.0
    silent_share: Rate = 0.15
    evidence_noise: Rate = 0.1

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        if self.joining_days > self.observed_days:
            raise ValueError("joining_days is part of observed_days: it cannot be longer")
        for field in ("business_lines", "channels", "causes"):
            shares = [entry.share for entry in getattr(self, field)]
            if not math.fsum(shares) > 0.0:
                raise ValueError(f"the shares of {field} add up to {math.fsum(shares)}")
        for field in ("business_lines", "channels", "activities"):
            names = [entry.name for entry in getattr(self, field)]
            if len(set(names)) < len(names):
                raise ValueError(f"{field} has a name twice: {names}")
        return self
