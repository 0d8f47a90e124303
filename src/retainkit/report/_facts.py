"""The few facts that several sections of the report need, worked out once."""

from __future__ import annotations

from typing import NamedTuple

from retainkit.metrics import MetricValue, headcount_for_share, top_share
from retainkit.pipeline import RetentionResult
from retainkit.report._numbers import write_number
from retainkit.report._texts import Texts


class Facts(NamedTuple):
    """A result with the words for its value and how it is spread."""

    result: RetentionResult
    texts: Texts
    so_far: str
    """What customers have brought: profit or revenue."""
    graded: str
    """What customers are graded by."""
    top_20: MetricValue
    behind_80: MetricValue

    @property
    def graded_apart(self) -> bool:
        """Whether customers are graded by something else than what they have brought."""
        return self.result.model.tier_basis != "contribution"

    @property
    def from_contracts(self) -> bool:
        """Whether there were contracts and no purchases: leaving is then seen, not judged."""
        return self.result.contract_metrics is self.result.metrics

    def tier(self, name: str) -> str:
        """Return the display name of a tier; any other text unchanged."""
        tiers = self.result.tiers
        if name in tiers.categories:
            return self.texts.label(tiers.labels[tiers.categories.index(name)])
        return name


def gather(result: RetentionResult, texts: Texts) -> Facts:
    """Work out what several sections need."""
    contribution = result.history.contribution
    days = write_number(round(result.config.horizon_days))
    basis = texts(f"basis_{result.history.basis}")
    return Facts(
        result=result,
        texts=texts,
        so_far=texts(result.history.basis),
        graded=texts(result.model.tier_basis, days=days, basis=basis),
        top_20=top_share(contribution),
        behind_80=headcount_for_share(contribution),
    )


def as_heading(text: str) -> str:
    """Return a text with a capital first letter."""
    return text[:1].upper() + text[1:]


def share_of(part: float, whole: float) -> float | None:
    """Return a share; None of nothing."""
    return part / whole if whole else None
