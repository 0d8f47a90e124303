"""What a churn campaign earns: Neslin's formula, maximum profit, expected maximum profit."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from pydantic import model_validator

from retainkit._core.arrays import as_bools, as_floats
from retainkit._core.config import FrozenConfig
from retainkit.errors import NotComputableError
from retainkit.policy import _kernel_campaign
from retainkit.typing import ArrayLike1D, NonNegativeFloat, PositiveFloat


class CampaignTerms(FrozenConfig):
    """What a retention campaign costs and wins per customer; the defaults are the paper's.

    Parameters
    ----------
    lifetime_value : float
        Value of a customer who stays [money].
    offer : float
        Cost of the incentive for who takes it [money].
    contact : float
        Cost of contacting one customer [money].
    accept_alpha, accept_beta : float
        Beta distribution of the share of targeted churners who accept and stay.

    Raises
    ------
    pydantic.ValidationError
        If the offer costs as much as the customer is worth.

    Examples
    --------
    >>> from retainkit.policy import CampaignTerms
    >>> CampaignTerms().accept_mean
    0.3
    """

    lifetime_value: PositiveFloat = 200.0
    offer: NonNegativeFloat = 10.0
    contact: NonNegativeFloat = 1.0
    accept_alpha: PositiveFloat = 6.0
    accept_beta: PositiveFloat = 14.0

    @model_validator(mode="after")
    def _offer_pays(self) -> Self:
        if self.offer >= self.lifetime_value:
            raise ValueError("the offer must cost less than the customer is worth")
        return self

    @property
    def accept_mean(self) -> float:
        """Mean share of targeted churners who accept and stay."""
        return self.accept_alpha / (self.accept_alpha + self.accept_beta)


class CampaignProfit(NamedTuple):
    """Profit of the best campaign a ranking allows.

    Attributes
    ----------
    profit : float
        Per customer of the base [money].
    targeted : float
        Share of customers to target.

    Examples
    --------
    >>> from retainkit.policy import maximum_campaign_profit
    >>> maximum_campaign_profit([True, False], [0.9, 0.1]).targeted
    0.5
    """

    profit: float
    targeted: float


def maximum_campaign_profit(
    churned: ArrayLike1D, score: ArrayLike1D, *, terms: CampaignTerms | None = None
) -> CampaignProfit:
    """Return the profit of the best cut-off of a churn ranking (MPC), mean acceptance known.

    Parameters
    ----------
    churned : array_like of bool, shape (n_customers,)
        Who left without a campaign.
    score : array_like of float, shape (n_customers,)
        Ranking: higher means likelier to leave.
    terms : CampaignTerms, optional
        Costs and gains.

    Returns
    -------
    CampaignProfit
        0 when no campaign pays.

    Raises
    ------
    NotComputableError
        If nobody or everybody left.

    Notes
    -----
    max over T of CLV (gamma (1 - delta) - phi) pi0 F0(T) - CLV (delta + phi) pi1 F1(T), with
    delta = offer / CLV, phi = contact / CLV, gamma the mean acceptance; 0 = churners.

    References
    ----------
    T. Verbraken, W. Verbeke, B. Baesens (2013), "A novel profit maximizing metric for measuring
    classification performance of customer churn prediction models", IEEE TKDE 25: 961-973.

    Examples
    --------
    >>> from retainkit.policy import maximum_campaign_profit
    >>> result = maximum_campaign_profit([True, False, False, False], [0.9, 0.2, 0.3, 0.1])
    >>> round(result.profit, 6), result.targeted
    (14.0, 0.25)
    """
    terms = terms or CampaignTerms()
    hull, base = _hull(churned, score)
    value = terms.lifetime_value
    earned = _kernel_campaign.profit(
        hull, base, terms.accept_mean, terms.offer / value, terms.contact / value
    )
    best = int(earned.argmax())
    share = base * hull.churners[best] + (1.0 - base) * hull.others[best]
    return CampaignProfit(float(value * earned[best]), float(share))


def expected_maximum_campaign_profit(
    churned: ArrayLike1D, score: ArrayLike1D, *, terms: CampaignTerms | None = None
) -> CampaignProfit:
    """Return the expected profit of the best cut-offs (EMPC) when acceptance is uncertain.

    Parameters
    ----------
    churned : array_like of bool, shape (n_customers,)
        Who left without a campaign.
    score : array_like of float, shape (n_customers,)
        Ranking: higher means likelier to leave.
    terms : CampaignTerms, optional
        Costs and gains; acceptance ~ Beta(accept_alpha, accept_beta).

    Returns
    -------
    CampaignProfit
        Mean over acceptance, of profit and of the share to target.

    Raises
    ------
    NotComputableError
        If nobody or everybody left.

    Notes
    -----
    The best cut-off lies on the convex hull of the ROC curve; between two neighbouring corners
    it changes at one value of gamma, so the integral over gamma is a finite sum of incomplete
    beta functions.

    References
    ----------
    T. Verbraken, W. Verbeke, B. Baesens (2013), IEEE TKDE 25: 961-973.

    Examples
    --------
    >>> from retainkit.policy import expected_maximum_campaign_profit
    >>> result = expected_maximum_campaign_profit(
    ...     [True, False, False, False], [0.9, 0.2, 0.3, 0.1])
    >>> round(result.profit, 6), round(result.targeted, 6)
    (14.0, 0.25)
    """
    terms = terms or CampaignTerms()
    hull, base = _hull(churned, score)
    value = terms.lifetime_value
    shape = _kernel_campaign.Shape(terms.accept_alpha, terms.accept_beta)
    profit, share = _kernel_campaign.expected_profit(
        hull, base, shape, terms.offer / value, terms.contact / value
    )
    return CampaignProfit(value * profit, share)


def neslin_profit(
    *,
    lifetime_value: float,
    churn_rate: float,
    save_rate: float,
    incentive: float,
    contact: float,
    stayers_accept: float = 1.0,
) -> float:
    """Return the profit per targeted customer of a campaign with free riders.

    Parameters
    ----------
    lifetime_value : float
        Value of a customer saved [money].
    churn_rate : float
        Share of churners among those targeted: lift times base rate.
    save_rate : float
        Share of these who accept and stay.
    incentive : float
        Cost of the incentive for who takes it [money].
    contact : float
        Cost of one contact [money].
    stayers_accept : float
        Share of those who would have stayed anyway and take the incentive; 1 in the paper.

    Returns
    -------
    float
        Profit per targeted customer [money].

    Notes
    -----
    beta gamma (LVC - incentive) - (1 - beta) psi incentive - contact; with psi = 1 it is
    Neslin's beta [gamma LVC + incentive (1 - gamma)] - incentive - contact.

    References
    ----------
    S. Neslin et al. (2006), "Defection detection", Journal of Marketing Research 43: 204-211.

    Examples
    --------
    >>> from retainkit.policy import neslin_profit
    >>> terms = dict(lifetime_value=200.0, churn_rate=0.2, save_rate=0.3, incentive=10.0)
    >>> round(neslin_profit(contact=1.0, **terms), 6)
    2.4
    >>> round(neslin_profit(contact=1.0, stayers_accept=0.5, **terms), 6)
    6.4
    """
    saved = churn_rate * save_rate * (lifetime_value - incentive)
    return saved - (1.0 - churn_rate) * stayers_accept * incentive - contact


def _hull(churned: ArrayLike1D, score: ArrayLike1D) -> tuple[_kernel_campaign.Hull, float]:
    scores = as_floats(score, "score")
    left = as_bools(churned, "churned", n=scores.size)
    if np.isnan(scores).any() or left.all() or not left.any():
        raise NotComputableError(
            "no ranking to judge: scores missing, or nobody or everybody left",
            rule="some left, some stayed, all have a score",
            where="churned, score",
        )
    return _kernel_campaign.roc_hull(left, scores), float(left.mean())
