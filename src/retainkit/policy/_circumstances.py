"""What an action depends on beside the case: complaint, cause, loss reason, stage, behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import check_codes, check_length
from retainkit.churn import ChurnCause
from retainkit.policy._potential import POTENTIAL_REASONS
from retainkit.policy._vocabulary import Breadth, Complaint, Phase, Renewal
from retainkit.tiers._config import STAGES
from retainkit.value import LOSS_REASONS

FACTS: Final[Mapping[str, tuple[str, ...]]] = {
    "complaint": get_args(Complaint),
    "cause": tuple(str(cause) for cause in ChurnCause),
    "loss_reason": LOSS_REASONS,
    "stage": STAGES,
    "phase": get_args(Phase),
    "breadth": get_args(Breadth),
    "renewal": get_args(Renewal),
    "potential_reason": tuple(name for name, *_ in POTENTIAL_REASONS),
    "channel": (),
    "debt_step": (),
}
"""Facts and their words; the words of channels and debt steps are the firm's own."""

_Codes: TypeAlias = npt.NDArray[np.int8]


class Circumstances(NamedTuple):
    """What is known of customers that an action may depend on; None: of nobody, -1: not of one.

    A condition on something that is not known is not met.

    Attributes
    ----------
    complaint : numpy.ndarray of int8, optional
        0 a complaint is open, 1 none is.
    cause : numpy.ndarray of int8, optional
        Why the customer left, a position in `churn.ChurnCause`.
    loss_reason : numpy.ndarray of int8, optional
        What costs an unprofitable customer most, a position in `value.LOSS_REASONS`.
    stage : numpy.ndarray of int8, optional
        Lifecycle stage, a position in `tiers.LifecycleTable.stages`.
    phase : numpy.ndarray of int8, optional
        0 before, 1 during, 2 after a purchase, 3 between two.
    breadth : numpy.ndarray of int8, optional
        0 buys one line, 1 several.
    renewal : numpy.ndarray of int8, optional
        0 the contract can end soon, 1 later.
    channel : numpy.ndarray of int8, optional
        Channel most is bought through, a position in `channels`.
    channels : tuple of str
        Names of the channels.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.policy import Circumstances
    >>> Circumstances(complaint=np.array([0, 1], dtype=np.int8)).cause is None
    True
    """

    complaint: _Codes | None = None
    cause: _Codes | None = None
    loss_reason: _Codes | None = None
    stage: _Codes | None = None
    phase: _Codes | None = None
    breadth: _Codes | None = None
    renewal: _Codes | None = None
    channel: _Codes | None = None
    channels: tuple[str, ...] = ()


class Kinds(NamedTuple):
    """The different situations that occur: few, however many customers there are."""

    case: npt.NDArray[np.int16]
    """Position in the table of cases, one per kind."""
    facts: Mapping[str, _Codes]
    """Code of each fact that is known of anybody, one per kind."""
    words: Mapping[str, tuple[str, ...]]
    """The words of each fact."""

    def meets(self, fact: str, asked: tuple[str, ...]) -> npt.NDArray[np.bool_]:
        """Return the kinds of which the fact is known to be one of the words asked for."""
        codes = self.facts.get(fact)
        if codes is None:
            return np.zeros(len(self.case), dtype=np.bool_)
        wanted = {word.casefold() for word in asked}
        met = [word.casefold() in wanted for word in self.words[fact]]
        return np.array([*met, False], dtype=np.bool_)[codes]  # -1: not known


def find_kinds(
    case: npt.NDArray[np.int16],
    told: Circumstances,
    *,
    potential_reason: _Codes,
    debt_step: _Codes,
    debt_steps: tuple[str, ...],
) -> tuple[npt.NDArray[np.int32], Kinds]:
    """Return which kind each customer is of, and the kinds that occur."""
    given: dict[str, Any] = told._asdict() | {
        "potential_reason": potential_reason,
        "debt_step": debt_step,
    }
    words = dict(FACTS) | {"channel": told.channels, "debt_step": debt_steps}
    known = {name: given[name] for name in FACTS if given[name] is not None}
    key = case.astype(np.int64)
    for name, codes in known.items():
        _check(name, codes, len(case), len(words[name]))
        key *= len(words[name]) + 1
        key += codes
        key += 1
    kind, keys = pd.factorize(key)
    facts: dict[str, _Codes] = {}
    for name in reversed(known):
        keys, rest = np.divmod(keys, len(words[name]) + 1)
        facts[name] = (rest - 1).astype(np.int8)
    return kind.astype(np.int32), Kinds(keys.astype(np.int16), facts, words)


def _check(name: str, codes: _Codes, n: int, size: int) -> None:
    check_length(len(codes), n, f"circumstances.{name}")
    check_codes(np.asarray(codes) + 1, size + 1, f"circumstances.{name}")
