"""PipelineConfig: everything a user may choose about a run, in one frozen record."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from retainkit._core.config import FrozenConfig
from retainkit._core.time import DAYS_PER_YEAR
from retainkit._pipeline._contract_models import ContractModelName
from retainkit.churn import (
    AttributionConfig,
    CodeBook,
    DetectionConfig,
    EvidenceModelConfig,
    StateConfig,
)
from retainkit.contracts import ContractConvention
from retainkit.forecast import ForecastConfig
from retainkit.lifetime import CovariateConfig, FitConfig
from retainkit.metrics import MetricConvention
from retainkit.policy import (
    ActionPrice,
    AllocationLimit,
    AuditConfig,
    MeasureCatalog,
    PlanConfig,
    PlanGoals,
    PolicyConfig,
    PotentialConfig,
)
from retainkit.tables import (
    ActivityRules,
    ContractRules,
    CustomerRules,
    EventRules,
    SurveyRules,
    TransactionRules,
)
from retainkit.tiers import (
    ByValueShare,
    LifecycleConfig,
    StabilityConfig,
    StandingConfig,
    TierOverride,
    TierSchemeConfig,
)
from retainkit.typing import (
    CollapseUnit,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    Rate,
    TimeUnit,
)
from retainkit.value import (
    BasesConfig,
    BehaviorConfig,
    CostPool,
    RfmConfig,
    ValueConfig,
)

TierBasis: TypeAlias = Literal["expected_value", "historical_contribution", "contribution"]
"""What customers are graded by."""

FlowScope: TypeAlias = Literal["contracts", "all", "none"]
"""Whose flows are followed."""

PurchaseModelName: TypeAlias = Literal["mbg_nbd", "bg_nbd", "pareto_nbd", "nbd", "best"]
"""Models of buying and dropout without contracts; "best" lets a hold-out decide."""


class ActivityRate(FrozenConfig):
    """What one unit of an activity costs.

    Parameters
    ----------
    activity : str
        Name of the activity, as in the activities table.
    rate : float
        Cost per unit of quantity [money].

    Examples
    --------
    >>> from retainkit.pipeline import ActivityRate
    >>> ActivityRate(activity="call", rate=4.5).rate
    4.5
    """

    activity: str
    rate: NonNegativeFloat


class TableRules(FrozenConfig):
    """What makes a row of each input table valid, and what happens to the others.

    Parameters
    ----------
    transactions : TransactionRules
        Purchases and returns.
    customers : CustomerRules
        Facts about customers.
    contracts : ContractRules
        Running and ended contracts.
    events : EventRules
        Complaints, payment failures, cancellations and other dated events.
    surveys : SurveyRules
        Answers of customers.
    activities : ActivityRules
        Activities that serving customers took.

    Examples
    --------
    >>> from retainkit.pipeline import TableRules
    >>> TableRules().transactions.returns
    'net'
    """

    transactions: TransactionRules = TransactionRules()
    customers: CustomerRules = CustomerRules()
    contracts: ContractRules = ContractRules()
    events: EventRules = EventRules()
    surveys: SurveyRules = SurveyRules()
    activities: ActivityRules = ActivityRules()


class BudgetConfig(FrozenConfig):
    """What may be spent on measures; how it is proven stands in `PlanConfig`.

    Parameters
    ----------
    amount : float
        What may be spent [money].
    limits : tuple of AllocationLimit, default ()
        Limits beside the budget; capacities in the catalogue are limits anyway.
    frontier : tuple of float, default (0.25, 0.5, 1.0, 2.0, 4.0)
        Multiples of the amount that are planned for comparison.

    Examples
    --------
    >>> from retainkit.pipeline import BudgetConfig
    >>> BudgetConfig(amount=500.0).frontier[0]
    0.25
    """

    amount: NonNegativeFloat
    limits: tuple[AllocationLimit, ...] = ()
    frontier: tuple[PositiveFloat, ...] = (0.25, 0.5, 1.0, 2.0, 4.0)


class PipelineConfig(FrozenConfig):
    """Everything a user may choose about a run.

    Parameters
    ----------
    unit : {"day", "week", "month"}, default "week"
        Scale of time of the lifetime model and the summary.
    collapse : {"day", "week", "month"}, default "day"
        Calendar unit within which a customer's purchases count once.
    horizon_days : int, default 365
        Days ahead that the forecast speaks of [day].
    annual_discount_rate : float, default 0.10
        Yearly rate at which future money is discounted; 0 does not discount.
    lifetime_days : float, default 3652.5
        Days ahead after which `lifetime_value` counts nothing more [day]: ten years.
    tier_basis : {"expected_value", "historical_contribution", "contribution"}
        What customers are graded by: the money expected within the horizon (the default), yearly
        contribution so far, or all contribution so far [money].
    rules : TableRules
        What makes a row valid.
    activity_rates : tuple of ActivityRate, default ()
        Cost per unit of each activity; needed to charge the activities table to customers.
    cost_pools : tuple of CostPool, default ()
        Costs of the period and what drives them; rates are derived from them and
        `activity_rates` are not used.
    behavior : BehaviorConfig, optional
        Windows of rhythm, preference and trend. None describes behaviour only where the share of
        wallet needs it: for a million customers it would double the memory of a run.
    bases : BasesConfig
        Limits of use intensity and loyalty.
    purchase_model : {"mbg_nbd", "bg_nbd", "pareto_nbd", "nbd", "best"}, default "mbg_nbd"
        Model of buying and dropout. BG/NBD believes that who bought once is still a customer;
        the default does not. "best" learns all four on the first three quarters of the observed
        days, judges them on the last (`lifetime.compare_models`), and takes longer.
    contract_model : {"best", "shifted_beta_geometric", "beta_discrete_weibull"}, default "best"
        Model of how long contracts last, for a firm with contracts and no transactions; "best"
        takes the one with the lower BIC.
    covariates : CovariateConfig
        How covariates (`CustomerColumns.covariates`) act on buying and dropout; its `law` is
        `purchase_model` wherever that can have covariates. By default each has one effect on the
        rate and one on dropout, drawn a little towards none.
    lifetime : FitConfig
        How the models of buying and spend are fitted.
    value : ValueConfig
        The four criteria of value, and the margin.
    forecast : ForecastConfig
        How the forecast learns, and when it may be trusted.
    rfm : RfmConfig
        Recency, frequency, money scores.
    states : StateConfig
        Where the states of a relation begin, and what a claim must have held by.
    tiers : TierSchemeConfig
        Names of the tiers and the rule that cuts them: few are key (`ByValueShare.few_key`).
    stability : StabilityConfig
        How much evidence a change of tier needs when a previous result is given.
    hold_cuts : bool, default True
        Whether the cuts of the last run are kept where `previous` is one that graded the same value
        in the same way: who moves has then changed, not the yardstick.
    look_back : bool, default True
        Whether the run also stands on the day before its period (`convention.window_days`), where
        `previous` is not of that day: rates by tier then have the tiers of the start, and without
        `previous` who moved since is shown. Takes about as long again.
    tier_confidence : bool, default False
        Whether the probability of each customer's tier is worked out from the models of buying and
        spend; for a million customers it takes seconds and several times the input's memory.
        Without it a customer near a cut counts as borderline.
    tier_overrides : tuple of TierOverride, default ()
        Tiers set by hand, each with a reason, an owner and a last day.
    standing : StandingConfig
        From when on a customer who owes money is on watch, or bad.
    lifecycle : LifecycleConfig
        Thresholds of the stages, in the customer's own rhythm.
    churn : DetectionConfig
        From which probability on a customer counts as gone.
    attribution : AttributionConfig
        How evidence about the cause of leaving is weighed.
    code_books : tuple of CodeBook, default ()
        What the firm's own reason codes stand for; the built-in books follow them.
    evidence : EvidenceModelConfig, optional
        How the worth of evidence is learnt from where sources agree; None keeps to the rules of
        `attribution`.
    potential : PotentialConfig
        What counts as potential to rise.
    upgrade_horizon_days : float, optional
        Horizon over which the probability of reaching a higher tier is learnt and judged, from who
        rose within earlier ones [day]; None takes `horizon_days`. Half or a quarter of it where
        the history does not hold two.
    growth_weight : float, default 0.5
        How far a customer's recent level of spending is believed to go on, where `behavior` is
        described: 0 not at all, 1 wholly.
    attainable_wallet : float, default 0.0
        Share of the room in the wallet believed to be attainable, where the wallet is known.
    policy : PolicyConfig
        Rules of stance and prices of the guard rails.
    measures : MeasureCatalog, optional
        Catalogue of measures; None is the built-in one.
    prices : tuple of ActionPrice, default ()
        Cost and effect of single actions, with customers who are there and with those gone. What
        trials have shown of them stands in `RetentionResult.prices`: the next run takes it.
    budget : BudgetConfig, optional
        What may be spent on measures; None spends wherever it pays.
    plan : PlanConfig
        How the plan is tried: length, hold-out, exploration, attempts.
    goals : PlanGoals, optional
        Goals of the year per tier and named account; None writes no annual plan.
    audit : AuditConfig
        When adverse decisions about a protected group are too many. `on_breach="stop"` lets a run
        end in `PolicyStoppedError` then.
    convention : MetricConvention
        What the retention metrics mean. Its `contracts` say when a contract has ended, for churn
        detection, expected value and metrics alike: `.contracts` here is the same.
    trend_months : int, default 12
        Complete calendar months followed one by one; 0 follows none.
    flows : {"contracts", "all", "none"}, default "contracts"
        Whose revenue movements and leaky bucket are worked out. For purchases they need about
        twice the memory of the input.
    cost_to_win : float, optional
        Cost of winning one customer [money]: what refilling the bucket costs.
    owner_column : str, optional
        Trait of the customers table that names who answers for a customer; with a previous run the
        owners are appraised.

    Examples
    --------
    >>> from retainkit.pipeline import PipelineConfig
    >>> config = PipelineConfig(tier_basis="contribution")
    >>> PipelineConfig.model_validate_json(config.model_dump_json()) == config
    True
    """

    unit: TimeUnit = "week"
    collapse: CollapseUnit = "day"
    horizon_days: PositiveInt = 365
    annual_discount_rate: NonNegativeFloat = 0.10
    lifetime_days: PositiveFloat = 10 * DAYS_PER_YEAR
    tier_basis: TierBasis = "expected_value"
    rules: TableRules = TableRules()
    activity_rates: tuple[ActivityRate, ...] = ()
    cost_pools: tuple[CostPool, ...] = ()
    behavior: BehaviorConfig | None = None
    bases: BasesConfig = BasesConfig()
    purchase_model: PurchaseModelName = "mbg_nbd"
    contract_model: ContractModelName = "best"
    covariates: CovariateConfig = CovariateConfig(dropout_effects="odds", effect_prior_sd=1.0)
    lifetime: FitConfig = FitConfig()
    value: ValueConfig = ValueConfig()
    forecast: ForecastConfig = ForecastConfig()
    rfm: RfmConfig = RfmConfig()
    states: StateConfig = StateConfig()
    tiers: TierSchemeConfig = TierSchemeConfig(rule=ByValueShare.few_key())
    stability: StabilityConfig = StabilityConfig()
    hold_cuts: bool = True
    look_back: bool = True
    tier_confidence: bool = False
    tier_overrides: tuple[TierOverride, ...] = ()
    standing: StandingConfig = StandingConfig()
    lifecycle: LifecycleConfig = LifecycleConfig()
    churn: DetectionConfig = DetectionConfig()
    attribution: AttributionConfig = AttributionConfig()
    code_books: tuple[CodeBook, ...] = ()
    evidence: EvidenceModelConfig | None = EvidenceModelConfig()
    potential: PotentialConfig = PotentialConfig()
    upgrade_horizon_days: PositiveFloat | None = None
    growth_weight: Rate = 0.5
    attainable_wallet: Rate = 0.0
    policy: PolicyConfig = PolicyConfig()
    measures: MeasureCatalog | None = None
    prices: tuple[ActionPrice, ...] = ()
    budget: BudgetConfig | None = None
    plan: PlanConfig = PlanConfig()
    goals: PlanGoals | None = None
    audit: AuditConfig = AuditConfig(on_breach="report")
    convention: MetricConvention = MetricConvention()
    trend_months: Annotated[int, Field(ge=0)] = 12
    flows: FlowScope = "contracts"
    cost_to_win: NonNegativeFloat | None = None
    owner_column: str | None = None

    @property
    def contracts(self) -> ContractConvention:
        """When a contract counts and has ended: one convention for the whole run."""
        return self.convention.contracts
