"""The texts of the report: the catalogue in English and Chinese, and how they are looked up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from retainkit._core.catalogue import Catalogue, read_labels
from retainkit._core.labels import Label
from retainkit.report._numbers import write_range, write_share
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

    def label(self, label: Label) -> str:
        """Return a label of another room."""
        return label.text(self.language)
