"""The eight causes of loss and their catalogue."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from typing import Annotated, Self

import pandas as pd
from pydantic import Field, PlainSerializer, model_validator

from retainkit._core.config import FrozenConfig, FrozenModel
from retainkit._core.labels import Label
from retainkit.typing import Language, Rate


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
    """Which side of the taxonomy a leaf lies on."""

    ACTIVE = "active"
    PASSIVE = "passive"
    UNKNOWN = "unknown"
    ADMINISTRATIVE = "administrative"


BRANCH_OF: dict[ChurnCause, Branch] = {cause: Branch(cause.split(".")[0]) for cause in CAUSES}


class Mechanism(StrEnum):
    """What ended the relation: the customer, a payment that did not come, or the system."""

    CUSTOMER = "customer"
    PAYMENT = "payment"
    SYSTEM = "system"


MECHANISMS: tuple[Mechanism, ...] = tuple(Mechanism)


class Initiator(StrEnum):
    """Who took the last step."""

    CUSTOMER = "customer"
    FIRM = "firm"


class EvidenceSource(StrEnum):
    """Where a piece of evidence comes from, most trusted first."""

    VERIFIED = "verified"
    RECORD = "record"
    SURVEY = "survey"
    AGENT = "agent"
    BEHAVIOUR = "behaviour"
    MODEL = "model"


class Signal(StrEnum):
    """What a piece of evidence establishes besides the leaf it points to."""

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


class AttributionRule(StrEnum):
    """The rule that gave a customer its cause, or the reason for abstaining."""

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
    """What became of one row of the events table."""

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

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
"""A short name in lower case."""
Signals = Annotated[frozenset[Signal], PlainSerializer(sorted, list[Signal], when_used="json")]
"""Kinds of evidence; JSON lists them in order, whatever the hash seed."""


class SubReason(FrozenConfig):
    """A finer reason within a leaf; the same reason may lie under several leaves.

    Parameters
    ----------
    id : str
        Short name in lower case.
    label : Label
        Display text.
    recoverable : bool or None
        Whether who left for it can be won back, where that differs from the leaf.
    """

    id: Identifier
    label: Label
    recoverable: bool | None = None


class CauseEntry(FrozenConfig):
    """One leaf of the taxonomy: what it is, who acts on it, and what is done.

    Parameters
    ----------
    cause : ChurnCause
        The leaf.
    label, description : Label
        Display texts.
    initiator : Initiator or None
        Who took the last step; None where unknown.
    controllable, recoverable : bool or None
        Whether the firm could have prevented the loss, and could win the customer back; None
        where unknown. They are attributes, not leaves.
    owner : str
        Role that answers for the countermeasure.
    owner_label : Label
        Display text of the role.
    countermeasures : tuple of Label
        What is done about it, first things first.
    sub_reasons : tuple of SubReason
        Finer reasons.
    """

    cause: ChurnCause
    label: Label
    description: Label
    initiator: Initiator | None = None
    controllable: bool | None = None
    recoverable: bool | None = None
    owner: Identifier
    owner_label: Label
    countermeasures: Annotated[tuple[Label, ...], Field(min_length=1)]
    sub_reasons: tuple[SubReason, ...] = ()

    @property
    def branch(self) -> Branch:
        """The side of the taxonomy: active, passive, unknown or administrative."""
        return BRANCH_OF[self.cause]


class EventKindEntry(FrozenConfig):
    """What one kind of event says about why a customer left.

    Parameters
    ----------
    kind : str
        The text in the `kind` column.
    also : tuple of str
        Other spellings read as this kind.
    label : Label
        Display text.
    source : EvidenceSource
        How far it is trusted where the `source` column does not say.
    mechanism : Mechanism or None
        What ends the relation when this happens.
    cause, passive_cause : ChurnCause or None
        Leaf it points to; `passive_cause` replaces `cause` where a missed payment ended the
        relation (a complaint is a fault, or the reason for withholding payment).
    sub_reason, passive_sub_reason : str or None
        The finer reasons.
    signals : frozenset of Signal
        What it establishes besides.
    end_record : bool
        Whether it records the end itself, so that its mechanism counts first.
    reads_code : bool
        Whether a covered code overrides the cause.
    reliability : float
        How often it is right [share].
    final : bool
        Whether it is a fact that no other evidence outweighs: a death, a closure, a fraud ruling.
    """

    kind: Identifier
    also: tuple[Identifier, ...] = ()
    label: Label
    source: EvidenceSource
    mechanism: Mechanism | None = None
    cause: ChurnCause | None = None
    sub_reason: Identifier | None = None
    passive_cause: ChurnCause | None = None
    passive_sub_reason: Identifier | None = None
    signals: Signals = frozenset()
    end_record: bool = False
    reads_code: bool = True
    reliability: Rate = 1.0
    final: bool = False

    @property
    def states_reason(self) -> bool:
        """Whether its code is the reason given for leaving: by itself the kind names none."""
        return self.reads_code and self.cause is None and self.passive_cause is None


class CauseCatalog(FrozenModel):
    """The whole taxonomy: eight leaves with their sub-reasons, and the event kinds; versioned.

    Parameters
    ----------
    version : str
        Which edition of the catalogue a result was made with.
    causes : tuple of CauseEntry
        One per leaf, in the order of `ChurnCause`.
    event_kinds : tuple of EventKindEntry
        Kinds of events; one of them is "other", which reads every kind not listed.

    Examples
    --------
    >>> from retainkit.churn import default_catalog
    >>> catalog = default_catalog()
    >>> catalog.label("active.fault"), catalog.label("active.fault", language="zh")
    ('Loss by our own fault', '过失流失')
    >>> CauseCatalog.from_json(catalog.to_json()) == catalog
    True
    """

    version: str
    causes: tuple[CauseEntry, ...]
    event_kinds: tuple[EventKindEntry, ...]

    @model_validator(mode="after")
    def _is_total(self) -> Self:
        """Refuse a catalogue that lacks a leaf, doubles a kind or has no kind "other"."""
        if tuple(entry.cause for entry in self.causes) != CAUSES:
            raise ValueError(f"causes must be exactly {[c.value for c in CAUSES]}, in this order")
        spellings = [text for entry in self.event_kinds for text in (entry.kind, *entry.also)]
        doubled = sorted({text for text in spellings if spellings.count(text) > 1})
        if doubled:
            raise ValueError(f"event kinds are listed twice: {doubled}")
        if "other" not in spellings:
            raise ValueError('event_kinds must list "other", which reads every unlisted kind')
        self._check_sub_reasons()
        return self

    def _check_sub_reasons(self) -> None:
        """Refuse two labels of one sub-reason, and a kind that names one its leaf lacks."""
        labels: dict[str, Label] = {}
        for entry in self.causes:
            for reason in entry.sub_reasons:
                if labels.setdefault(reason.id, reason.label) != reason.label:
                    raise ValueError(f"sub-reason {reason.id!r} has two labels")
        for kind in self.event_kinds:
            for cause, reason_id in (
                (kind.cause, kind.sub_reason),
                (kind.passive_cause, kind.passive_sub_reason),
            ):
                if reason_id is not None and not self.has_sub_reason(cause, reason_id):
                    raise ValueError(
                        f"event kind {kind.kind!r}: {reason_id!r} is no sub-reason of {cause}"
                    )

    def entry(self, cause: ChurnCause | str) -> CauseEntry:
        """Return the entry of one leaf; ValueError if there is no such leaf."""
        return self.causes[CAUSES.index(ChurnCause(cause))]

    def label(self, cause: ChurnCause | str, *, language: Language = "en") -> str:
        """Return the display name of one leaf."""
        return self.entry(cause).label.text(language)

    def event_kind(self, text: str) -> EventKindEntry:
        """Return how events of kind `text` are read; the entry "other" for an unlisted kind."""
        wanted = text.strip().casefold().replace(" ", "_").replace("-", "_")
        found = (e for e in self.event_kinds if wanted == e.kind or wanted in e.also)
        return next(found, None) or next(e for e in self.event_kinds if e.kind == "other")

    @property
    def sub_reason_labels(self) -> dict[str, Label]:
        """Every sub-reason with its label, in catalogue order."""
        return {reason.id: reason.label for entry in self.causes for reason in entry.sub_reasons}

    def has_sub_reason(self, cause: ChurnCause | None, sub_reason: str) -> bool:
        """Whether the leaf has the sub-reason; for None, whether any leaf has it."""
        entries = self.causes if cause is None else (self.entry(cause),)
        return any(sub_reason == reason.id for entry in entries for reason in entry.sub_reasons)

    def to_frame(self, *, language: Language = "en") -> pd.DataFrame:
        """Return the leaves as a table.

        Parameters
        ----------
        language : {"en", "zh"}, default "en"
            Display language.

        Returns
        -------
        pandas.DataFrame
            One row per leaf: cause, label, branch, description, initiator, controllable,
            recoverable, owner, countermeasures and sub_reasons (joined with "; ").
        """
        return pd.DataFrame([_row(entry, language) for entry in self.causes])

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Read a catalogue written as TOML.

        Parameters
        ----------
        text : str
            A document with `version`, `[[causes]]` and `[[event_kinds]]`.

        Returns
        -------
        CauseCatalog
            The catalogue, validated.

        Raises
        ------
        pydantic.ValidationError
            If a leaf is missing, out of order, or a field is wrong.
        tomllib.TOMLDecodeError
            If the text is not TOML.
        """
        return cls.model_validate(tomllib.loads(text))


def _row(entry: CauseEntry, language: Language) -> dict[str, object]:
    """Return one leaf as a row of texts."""
    return {
        "cause": entry.cause.value,
        "label": entry.label.text(language),
        "branch": entry.branch.value,
        "description": entry.description.text(language),
        "initiator": entry.initiator.value if entry.initiator else None,
        "controllable": entry.controllable,
        "recoverable": entry.recoverable,
        "owner": entry.owner_label.text(language),
        "countermeasures": "; ".join(label.text(language) for label in entry.countermeasures),
        "sub_reasons": "; ".join(r.label.text(language) for r in entry.sub_reasons),
    }
