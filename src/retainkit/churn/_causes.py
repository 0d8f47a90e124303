"""The closed lists of the churn room: leaves, branches, mechanisms, sources, signals, rules."""

from __future__ import annotations

from enum import StrEnum


class ChurnCause(StrEnum):
    """Why a customer left: six causes, one abstention, one for endings that are no loss of will.

    *Active* = the customer decides to go; *passive* = the firm ends service, normally after
    non-payment. Mind the clash with the English trade term "involuntary churn", which means
    payment failure only: it covers most of `passive.non_malicious` and none of the will behind
    `passive.retaliatory` or `passive.malicious`.

    Examples
    --------
    >>> from retainkit.churn import ChurnCause
    >>> ChurnCause("active.fault").name
    'ACTIVE_FAULT'
    >>> len(ChurnCause)
    8
    """

    ACTIVE_NATURAL = "active.natural"
    ACTIVE_COMPETITIVE = "active.competitive"
    ACTIVE_FAULT = "active.fault"
    PASSIVE_NON_MALICIOUS = "passive.non_malicious"
    PASSIVE_RETALIATORY = "passive.retaliatory"
    PASSIVE_MALICIOUS = "passive.malicious"
    UNKNOWN = "unknown"
    ADMINISTRATIVE = "administrative"


CAUSES: tuple[ChurnCause, ...] = tuple(ChurnCause)
"""Leaves in the order of every code, column and breakdown."""
CAUSE_CODE: dict[ChurnCause, int] = {cause: code for code, cause in enumerate(CAUSES)}
UNKNOWN_CODE = CAUSE_CODE[ChurnCause.UNKNOWN]


class Branch(StrEnum):
    """Which side of the taxonomy a leaf lies on.

    Examples
    --------
    >>> from retainkit.churn import Branch
    >>> [str(branch) for branch in Branch]
    ['active', 'passive', 'unknown', 'administrative']
    """

    ACTIVE = "active"
    PASSIVE = "passive"
    UNKNOWN = "unknown"
    ADMINISTRATIVE = "administrative"


BRANCH_OF: dict[ChurnCause, Branch] = {cause: Branch(cause.split(".")[0]) for cause in CAUSES}


class Mechanism(StrEnum):
    """What ended the relation: the customer, a payment that did not come, or the system.

    Examples
    --------
    >>> from retainkit.churn import Mechanism
    >>> [str(mechanism) for mechanism in Mechanism]
    ['customer', 'payment', 'system']
    """

    CUSTOMER = "customer"
    PAYMENT = "payment"
    SYSTEM = "system"


MECHANISMS: tuple[Mechanism, ...] = tuple(Mechanism)


class Initiator(StrEnum):
    """Who took the last step.

    Examples
    --------
    >>> from retainkit.churn import Initiator, default_catalog
    >>> default_catalog().entry("passive.malicious").initiator is Initiator.FIRM
    True
    """

    CUSTOMER = "customer"
    FIRM = "firm"


class EvidenceSource(StrEnum):
    """Where a piece of evidence comes from, most trusted first.

    Examples
    --------
    >>> from retainkit.churn import EvidenceSource
    >>> next(iter(EvidenceSource)).value
    'verified'
    """

    VERIFIED = "verified"
    RECORD = "record"
    SURVEY = "survey"
    AGENT = "agent"
    BEHAVIOUR = "behaviour"
    MODEL = "model"


class Signal(StrEnum):
    """What a piece of evidence establishes besides the leaf it points to.

    Examples
    --------
    >>> from retainkit.churn import Signal
    >>> Signal("price") is Signal.PRICE
    True
    """

    MISSED_PAYMENT = "missed_payment"
    PAYMENT_RECOVERED = "payment_recovered"
    COMPLAINT = "complaint"
    DISPUTE = "dispute"
    CHARGEBACK = "chargeback"
    FRAUD = "fraud"
    NEVER_PAID = "never_paid"
    PRICE = "price"
    PRICE_INCREASE = "price_increase"
    COMPETITOR = "competitor"
    DISSATISFIED = "dissatisfied"


class EventKind(StrEnum):
    """The event kinds the built-in catalogue knows; any other text is read as `other`.

    Examples
    --------
    >>> from retainkit.churn import EventKind
    >>> EventKind.PAYMENT_FAILED.value
    'payment_failed'
    """

    CANCELLATION_REQUEST = "cancellation_request"
    SERVICE_ENDED = "service_ended"
    SURVEY_REASON = "survey_reason"
    AGENT_NOTE = "agent_note"
    CONTACT = "contact"
    COMPLAINT = "complaint"
    DISPUTE = "dispute"
    CHARGEBACK = "chargeback"
    PAYMENT_FAILED = "payment_failed"
    PAYMENT_RECOVERED = "payment_recovered"
    NEVER_PAID = "never_paid"
    BILLS_UNPAID = "bills_unpaid"
    DEBT_DEFAULT = "debt_default"
    LOW_SATISFACTION = "low_satisfaction"
    FRAUD = "fraud"
    DEATH = "death"
    RELOCATION = "relocation"
    BUSINESS_CLOSED = "business_closed"
    PORT_OUT = "port_out"
    COMPETITOR_MENTION = "competitor_mention"
    LIFE_EVENT = "life_event"
    PRICE_INCREASE = "price_increase"
    PRODUCT_RETIRED = "product_retired"
    COMPLIANCE_CLOSURE = "compliance_closure"
    TERM_ENDED = "term_ended"
    OTHER = "other"


class AttributionRule(StrEnum):
    """The rule that gave a customer its cause, or the reason for abstaining.

    Examples
    --------
    >>> from retainkit.churn import AttributionRule
    >>> AttributionRule("abstain.too_close").is_abstention
    True
    """

    INTENT_BEFORE_PAYMENT = "intent_before_payment"
    END_RECORD = "end_record"
    CUSTOMER_FIRST = "customer_first"
    PAYMENT_FIRST = "payment_first"
    SYSTEM_FIRST = "system_first"
    EVIDENCE_ONLY = "evidence_only"
    FACT = "fact"
    LEARNT = "learnt"
    NO_EVIDENCE = "abstain.no_evidence"
    NOT_STATED = "abstain.cause_not_stated"
    ALL_SET_ASIDE = "abstain.all_set_aside"
    TOO_WEAK = "abstain.too_weak"
    TOO_CLOSE = "abstain.too_close"
    TOO_UNCERTAIN = "abstain.too_uncertain"

    @property
    def is_abstention(self) -> bool:
        """Whether the rule leaves the cause unknown."""
        return self.value.startswith("abstain.")


RULES: tuple[AttributionRule, ...] = tuple(AttributionRule)
RULE_CODE: dict[AttributionRule, int] = {rule: code for code, rule in enumerate(RULES)}


class EvidenceStatus(StrEnum):
    """What became of one row of the events table.

    Examples
    --------
    >>> from retainkit.churn import EvidenceStatus
    >>> EvidenceStatus.VETOED.value
    'vetoed'
    """

    USED = "used"
    REPEATED = "repeated"
    NEUTRAL = "neutral"
    OUTSIDE_BRANCH = "outside_branch"
    VETOED = "vetoed"
    RECOVERED = "recovered"
    STALE = "stale"
    LATE = "late"
    NOT_CHURNED = "not_churned"
    UNKNOWN_CUSTOMER = "unknown_customer"


STATUSES: tuple[EvidenceStatus, ...] = tuple(EvidenceStatus)
STATUS_CODE: dict[EvidenceStatus, int] = {status: code for code, status in enumerate(STATUSES)}
