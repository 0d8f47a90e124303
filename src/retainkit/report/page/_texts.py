"""The texts of the report in English and Chinese, and the facts that several sections need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from retainkit._core.catalogue import Catalogue, read_labels
from retainkit._core.labels import Label
from retainkit.metrics import MetricValue, headcount_for_share, top_share
from retainkit.pipeline import RetentionResult
from retainkit.report.page._blocks import write_number, write_range, write_share
from retainkit.typing import Language


def _read_texts() -> Mapping[str, Label]:
    """Return the texts; in English a number and its percent sign stay on one line."""
    close = "\N{NO-BREAK SPACE}%"
    labels = read_labels("retainkit.report", "texts")
    return {key: Label(en=t.en.replace(" %", close), zh=t.zh) for key, t in labels.items()}


TEXTS: Final[Mapping[str, Label]] = Catalogue(_read_texts)
"""Every text of the report by key; `{names}` are filled in."""


class Texts:
    """Look texts up in one language.

    Parameters
    ----------
    language : {"en", "zh"}
        Display language.
    """

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its `{names}` filled in."""
        text = TEXTS[key].text(self.language)
        return text.format(**values) if values else text

    def word(self, kind: str, code: str) -> str:
        """Return the text of a code, for example of a reason; an unknown code in plain words."""
        key = f"{kind}_{code}"
        return self(key) if key in TEXTS else code.replace("_", " ")

    def share(self, x: float | None, decimals: int = 1) -> str:
        """Return a share as a percentage; Chinese sets the sign close."""
        return self._set_close(write_share(x, decimals))

    def range(self, lower: float, upper: float) -> str:
        """Return two shares as one range."""
        return self._set_close(write_range(lower, upper))

    def _set_close(self, text: str) -> str:
        return text.replace("\N{NO-BREAK SPACE}%", "%") if self.language == "zh" else text

    def sentences(self, *parts: str) -> str:
        """Return sentences one after the other; Chinese needs no space between them."""
        return ("" if self.language == "zh" else " ").join(parts)

    def columns(self, align: str, keys: str) -> tuple[tuple[str, bool], ...]:
        """Return the heads of a table by key, and which hold numbers: "r" in `align`, else "l"."""
        heads = zip(keys.split(), align, strict=True)
        return tuple((self(key), side == "r") for key, side in heads)

    def label(self, label: Label) -> str:
        """Return a label of another room."""
        return label.text(self.language)


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
