"""fit_evidence_model: how reliable each source is, learnt from where sources agree."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from retainkit._core.config import FrozenConfig, FrozenModel
from retainkit.churn._kernel import top_two
from retainkit.churn.causes._cause_table import CauseTable
from retainkit.churn.causes._taxonomy import CAUSE_CODE, CAUSES, UNKNOWN_CODE, ChurnCause
from retainkit.churn.learn._kernel_reliability import (
    Anchors,
    EmFit,
    Rates,
    choose_bar,
    fit_rates,
    log_joint,
    to_shares,
)
from retainkit.churn.learn._records import (
    KEPT_KINDS,
    LEAVES,
    TIE,
    Records,
    find_patterns,
    keep_proven,
    kind_of,
    likeliest,
    posterior_of,
    read_records,
    rules_of,
)
from retainkit.errors import AlignmentError, ConvergenceError, NotComputableError
from retainkit.typing import FloatArray, PositiveFloat, PositiveInt, Rate


class EvidenceModelConfig(FrozenConfig):
    """Say what is assumed of evidence before a loss is seen, and when a name stands.

    Parameters
    ----------
    target_accuracy : float, default 0.87
        Causes are named as long as this share of all names together is expected to be right.
    min_probability : float, default 0.3
        No cause is named under this probability: about twice what chance gives one of 7 leaves.
        With 0.5 each name is likelier right than wrong, and more abstain.
    rate_to_the_point, losses_to_the_point : float, default 0.3 and 2
        How often a loss leaves a statement that points to its cause, and how many imagined losses
        say so: two, that is nearly nothing.
    rate_astray, losses_astray : float, default 0.01 and 30
        The same for a statement that points elsewhere: one in a hundred, by thirty losses.
    share_silent, losses_silent : float, default 0.1 and 10
        The share of losses that leave no word, and how many imagined losses say so.
    min_losses : int, default 100
        With fewer losses with anything on record nothing is learnt.
    max_steps : int, default 5000
        Steps after which the search is given up.
    """

    target_accuracy: Rate = 0.87
    min_probability: Rate = 0.3
    rate_to_the_point: Rate = 0.3
    losses_to_the_point: PositiveFloat = 2.0
    rate_astray: Rate = 0.01
    losses_astray: PositiveFloat = 30.0
    share_silent: Rate = 0.1
    losses_silent: PositiveFloat = 10.0
    min_losses: PositiveInt = 100
    max_steps: PositiveInt = 5000


class EvidenceModel(FrozenModel):
    """What the losses themselves taught: the mix of causes, and what each leaves on record.

    Parameters
    ----------
    causes : tuple of ChurnCause
        Leaves that anything on record points to; `unknown` is none of them.
    shares : tuple of float
        Share of all losses per leaf.
    speaking_share : float
        Share of losses that leave a word; the others leave what everybody leaves by mistake.
    statements : tuple of str
        What can be on record, sorted.
    rates : tuple of tuple of float
        One row per statement: share of the speaking losses of each leaf that leave it.
    backgrounds : tuple of float
        Share of losses that leave each statement by mistake.
    kept : tuple of bool
        Whether the statement is a fact from a table kept for everybody, silent or not.
    bar : float
        Probability from which on a cause is named.
    losses : int
        Losses it was learnt from.
    log_likelihood : float
        Mean logarithm of the probability of what is on record of a loss.
    steps : int
        Steps of the search.
    config : EvidenceModelConfig
        The settings used.
    """

    causes: tuple[ChurnCause, ...]
    shares: tuple[float, ...]
    speaking_share: float
    statements: tuple[str, ...]
    rates: tuple[tuple[float, ...], ...]
    backgrounds: tuple[float, ...]
    kept: tuple[bool, ...]
    bar: float
    losses: PositiveInt
    log_likelihood: float
    steps: PositiveInt
    config: EvidenceModelConfig

    def posterior(self, causes: CauseTable) -> FloatArray:
        """Return the probability of each of the eight leaves, shape (n, 8).

        Rows sum to 1; 0 for `unknown` and for leaves that nothing pointed to. Customers with
        nothing on record get the mix of causes of those who leave nothing. Statements the model
        never saw say nothing.
        """
        leaves = np.array([CAUSE_CODE[cause] for cause in self.causes], dtype=np.int64)
        records = read_records(causes, self.statements)
        return posterior_of(records, _rates(self), self.kept, leaves=leaves)

    def apply(self, causes: CauseTable) -> CauseTable:
        """Return the causes anew, judged by what the losses taught; no veto is broken.

        The likeliest leaf that the vetoes permit is named (rule `learnt`) where it reaches `bar`.
        What was said is never renamed: of who stated a reason only the leaves that its reasons name
        may be (`CauseTable.anchored`), and a fact keeps its leaf whatever its probability.
        Nobody is named on the mix of causes alone: without evidence for any leaf and without a
        mechanism the cause stays `unknown`, as it does under `bar`. An intent to cancel dated
        before the missed payment leaves the active leaves only; any other record of what ended the
        relation is weighed like the rest. The sub-reason is what was said for the cause.
        """
        posterior = self.posterior(causes)
        best, first = likeliest(posterior, causes)
        _, top, second = top_two(posterior, UNKNOWN_CODE)
        named = first >= self.bar - TIE
        code, rule = keep_proven(
            causes,
            np.where(named, best, UNKNOWN_CODE).astype(np.int8),
            rules_of(causes, posterior, named, self.bar),
        )
        return replace(
            causes,
            cause_code=code,
            posterior=posterior,
            margin=top - second,
            rule_code=rule,
        )

    def explain(self, causes: CauseTable, customer_id: Any) -> pd.DataFrame:
        """Return what one customer's probabilities are made of; one column per leaf.

        One row for the mix of causes, one per statement on record, one for all that is not on
        record, and the probabilities they come to. All but the last are natural logarithms of what
        the row multiplies the odds by, centred on the mean leaf: down each column they sum to the
        logarithm of the probability, up to one number for all leaves. AlignmentError if the
        customer is not among those who left.
        """
        if customer_id not in causes.customer_id:
            raise AlignmentError(
                f"customer {customer_id!r} cannot be explained",
                rule=f"the customer is one of the {len(causes)} who left",
                where="explain",
            )
        row = int(causes.customer_id.get_indexer(pd.Index([customer_id]))[0])
        said = read_records(causes, self.statements).said[row]
        rates, kept = _rates(self), np.array(self.kept, dtype=np.bool_)
        quiet = np.where(kept[:, None], rates.rate, rates.background[:, None])
        either = rates.speaks * rates.rate + (1.0 - rates.speaks) * quiet
        joint = log_joint(said[None, :].astype(np.float64), kept, rates)
        total = np.logaddexp(*np.split(joint[0], 2))
        parts = [np.log(rates.share), *np.log(either[said])]
        rest = total - np.sum(parts, axis=0)
        frame = pd.DataFrame(np.vstack([*parts, rest]), columns=[str(c) for c in self.causes])
        frame = frame.sub(frame.mean(axis=1), axis=0)
        shares, _ = to_shares(total[None, :])
        frame.loc[len(frame)] = shares[0]
        on_record = [name for name, is_said in zip(self.statements, said, strict=True) if is_said]
        names = ["mix of causes", *on_record, "all else not on record", "probability"]
        frame.insert(0, "what", names)
        return frame

    def to_frame(self) -> pd.DataFrame:
        """Return what each statement is worth.

        One row per statement: statement, speaks_for (the leaf most of its mentions come from),
        reliability (the share that does), background, and the rate per leaf.
        """
        rates, kept = _rates(self), np.array(self.kept, dtype=np.bool_)
        quiet = np.where(kept[:, None], rates.rate, rates.background[:, None])
        mentions = (rates.speaks * rates.rate + (1.0 - rates.speaks) * quiet) * rates.share
        first = mentions.argmax(axis=1) if len(mentions) else np.zeros(0, dtype=np.int64)
        frame = pd.DataFrame(rates.rate, columns=[str(cause) for cause in self.causes])
        frame.insert(0, "background", rates.background)
        frame.insert(0, "reliability", mentions.max(axis=1, initial=0.0) / mentions.sum(axis=1))
        frame.insert(0, "speaks_for", [str(self.causes[code]) for code in first])
        frame.insert(0, "statement", list(self.statements))
        return frame


def _rates(model: EvidenceModel) -> Rates:
    """Return the model's rates as arrays."""
    shape = (len(model.statements), len(model.causes))
    return Rates(
        np.array(model.shares),
        model.speaking_share,
        np.array(model.rates, dtype=np.float64).reshape(shape),
        np.array(model.backgrounds, dtype=np.float64),
    )


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
