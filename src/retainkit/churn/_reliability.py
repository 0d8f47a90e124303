"""EvidenceModel: what the losses themselves taught of the evidence and the mix of causes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from retainkit._core.config import FrozenConfig, FrozenModel
from retainkit.churn._cause_table import CauseTable
from retainkit.churn._causes import CAUSE_CODE, UNKNOWN_CODE, ChurnCause
from retainkit.churn._kernel import top_two
from retainkit.churn._kernel_reliability import Rates, log_joint, to_shares
from retainkit.churn._naming import TIE, keep_proven, likeliest, posterior_of, rules_of
from retainkit.churn._records import read_records
from retainkit.errors import AlignmentError
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

    Examples
    --------
    >>> from retainkit.churn import EvidenceModelConfig
    >>> EvidenceModelConfig(target_accuracy=0.95).min_probability
    0.3
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

    Examples
    --------
    >>> from retainkit.churn import EvidenceModel
    >>> EvidenceModel.model_fields["shares"].is_required()
    True
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

        Returns
        -------
        pandas.DataFrame
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
