"""fit_evidence_model: learn without a label what the evidence is worth, and the mix of causes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from retainkit.churn._cause_table import CauseTable
from retainkit.churn._causes import CAUSES
from retainkit.churn._kernel_reliability import Anchors, EmFit, choose_bar, fit_rates
from retainkit.churn._naming import likeliest, posterior_of
from retainkit.churn._records import (
    KEPT_KINDS,
    LEAVES,
    Records,
    find_patterns,
    kind_of,
    read_records,
)
from retainkit.churn._reliability import EvidenceModel, EvidenceModelConfig
from retainkit.errors import ConvergenceError, NotComputableError
from retainkit.typing import FloatArray

_POINTS_FROM = 0.05
"""A statement points to a leaf where the rules let this share of its events do so."""
_TOLERANCE = 1e-7
_MISTAKEN = 0.1
"""Share of the mentions of a stated reason taken to be mistakes, at most."""


def fit_evidence_model(
    causes: CauseTable,
    *,
    config: EvidenceModelConfig = EvidenceModelConfig(),  # noqa: B008 - frozen
) -> EvidenceModel:
    """Learn from where sources agree and contradict each other what each is worth: no label needed.

    The rules of `attribute_causes` give the share of the evidence for each leaf. That is no
    probability: two witnesses who agree are worth more than their sum, and who left without a word
    had a cause all the same. This learns how often each cause leaves each statement, how often a
    statement is made by mistake, how many leave without a word, and how common each cause is.

    Parameters
    ----------
    causes : CauseTable
        Attributed causes, with their evidence: of all who left, also those without evidence.
    config : EvidenceModelConfig, optional
        The settings.

    Returns
    -------
    EvidenceModel
        `.apply(causes)` judges these losses, or others of the firm, anew.

    Raises
    ------
    NotComputableError
        If fewer than `config.min_losses` losses have anything on record that points to a cause.
    ConvergenceError
        If the rates still change after `config.max_steps` steps.

    See Also
    --------
    fit_cause_model : Learn from losses whose cause is known, where there are some.

    Notes
    -----
    A latent-class model, fitted by expectation-maximisation: a loss has one of the leaves and
    speaks or is silent; who speaks leaves statement j with a probability of the leaf's own, who is
    silent with the probability everybody has by mistake; given both, statements are independent.
    Facts from tables kept for everybody do not fall silent. The search starts from the leaves the
    rules let each statement point to, and imagined losses (see the config) keep each leaf what the
    catalogue says it is; a leaf that nothing points to gets no share. Agreement between sources
    decides the rest. Where no customer has more than one statement, agreement is never seen and the
    imagined losses decide.

    The bar for names is the lowest at which the mean probability of the names is
    `config.target_accuracy`: with true probabilities, the share expected right.

    References
    ----------
    Dawid, A. P. & Skene, A. M. (1979). Maximum likelihood estimation of observer error-rates using
    the EM algorithm. Applied Statistics 28(1), 20-28, eq. 2.3-2.5.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.churn import (
    ...     attribute_causes, detect_churn, fit_evidence_model, gather_evidence)
    >>> from retainkit.simulate import make_customer_base
    >>> base = make_customer_base(1_000, seed=1)
    >>> left = base.truth["cause"].notna()
    >>> churn = detect_churn(np.where(left, 0.0, 1.0), customer_id=base.truth["customer_id"])
    >>> events = gather_evidence(base.events, churn=churn, as_of=base.as_of,
    ...                          contracts=base.contracts, customers=base.customers)
    >>> causes = attribute_causes(events, churn=churn)
    >>> model = fit_evidence_model(causes)
    >>> judged = model.apply(causes)
    >>> bool((judged.cause == "unknown").sum() < (causes.cause == "unknown").sum())
    True
    """
    records = read_records(causes)
    points = records.points.any(axis=1)
    speaking = int(records.said[:, points].any(axis=1).sum())
    if speaking < config.min_losses:
        raise NotComputableError(
            f"{speaking} losses with anything on record that points to a cause",
            rule=f"agreement between sources is learnt from {config.min_losses} losses or more",
            where="causes",
            fix="keep the causes by the rules, or lower config.min_losses",
        )
    kept = tuple(kind_of(name) in KEPT_KINDS for name in records.names)
    leaves = LEAVES[records.points.any(axis=0)]
    fit = _search(records, kept, causes, config)
    posterior = posterior_of(records, fit.rates, kept, leaves=leaves)
    _, first = likeliest(posterior, causes)
    bar = choose_bar(first, target=config.target_accuracy, least=config.min_probability)
    return EvidenceModel(
        causes=tuple(CAUSES[code] for code in leaves),
        shares=tuple(fit.rates.share.tolist()),
        speaking_share=fit.rates.speaks,
        statements=records.names,
        rates=tuple(tuple(row) for row in fit.rates.rate.tolist()),
        backgrounds=tuple(fit.rates.background.tolist()),
        kept=kept,
        bar=bar,
        losses=len(causes),
        log_likelihood=fit.log_likelihood,
        steps=fit.steps,
        config=config,
    )


def _search(
    records: Records, kept: tuple[bool, ...], causes: CauseTable, config: EvidenceModelConfig
) -> EmFit:
    """Fit the rates, starting from where facts and reasons, else all statements, point."""
    points = records.points[:, records.points.any(axis=0)]
    total = points.sum(axis=1, keepdims=True)
    pointing = points / np.maximum(total, 1.0)
    to_the_point = (pointing > _POINTS_FROM) | (total == 0)
    astray = _astray(records, causes, config)
    mean = np.where(to_the_point, config.rate_to_the_point, astray.rate)
    worth = np.where(to_the_point, config.losses_to_the_point, astray.losses)
    silent = config.share_silent * config.losses_silent
    anchors = Anchors(
        yes=mean * worth,
        no=(1.0 - mean) * worth,
        astray=~to_the_point,
        background=(
            config.rate_astray * config.losses_astray,
            (1.0 - config.rate_astray) * config.losses_astray,
        ),
        share=1.0,
        speaks=(config.losses_silent - silent, silent),
    )
    leaves = LEAVES[records.points.any(axis=0)]
    patterns = find_patterns(records.said, causes.anchored[:, leaves])
    votes = patterns.said @ pointing
    some = votes.sum(axis=1, keepdims=True)
    chance = 1.0 / points.shape[1]
    start = np.where(
        some > 0.0, 0.9 * votes / np.where(some > 0.0, some, 1.0) + 0.1 * chance, chance
    )
    open_to = patterns.open_to
    assert open_to is not None
    start = np.where(open_to, start, 0.0)
    start /= start.sum(axis=1, keepdims=True)
    fit = fit_rates(
        patterns.said,
        patterns.losses,
        np.array(kept, dtype=np.bool_),
        anchors,
        start=start,
        open_to=open_to,
        tolerance=_TOLERANCE,
        max_steps=config.max_steps,
    )
    if fit.change >= _TOLERANCE:
        raise ConvergenceError(
            f"rates still change by {fit.change:.1e} after {fit.steps} steps",
            rule="the rates settle",
            fix="raise config.max_steps",
        )
    return fit


class _Astray(NamedTuple):
    """Rate of each statement where it points elsewhere, and how many imagined losses say so."""

    rate: FloatArray
    losses: FloatArray


def _astray(records: Records, causes: CauseTable, config: EvidenceModelConfig) -> _Astray:
    """Return what is assumed of statements that point elsewhere, shape (statements, 1).

    Of what somebody stated as the reason as many losses say so as there are: a reason is what its
    code says, however many other things are on record of those who gave it. It is taken to be a
    mistake in one of ten mentions, be it ever so rare.
    """
    said = causes.coverage.statements
    reasons = {
        s.name for s in said if s.entry and s.reading.states_reason and not s.entry.mechanism
    }
    firm = np.array([name in reasons for name in records.names], dtype=np.bool_)
    common = records.said.mean(axis=0) * _MISTAKEN
    rate = np.where(firm, np.minimum(common, config.rate_astray), config.rate_astray)
    losses = np.where(firm, max(float(len(causes)), config.losses_astray), config.losses_astray)
    return _Astray(rate[:, None], losses[:, None])
