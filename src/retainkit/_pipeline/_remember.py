"""Fits of buying within one run: what was fitted on the same histories is not fitted again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retainkit.lifetime import PurchaseHistory, compress_histories
from retainkit.lifetime._compress import fingerprint_of

Fit = Callable[..., Any]


class RememberedFits:
    """Models by what they were fitted on; a run that looks back meets the same days twice."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[tuple[Fit, str], Any] = {}

    def of(self, fit: Fit) -> Fit:
        """Return the fit with a memory: the same histories, in any order, give the same model."""

        def remember(history: PurchaseHistory) -> Any:
            rows = compress_histories(history)
            columns = (rows.frequency, rows.recency, rows.age, rows.weights)
            key = (fit, fingerprint_of(columns, rows.unit))
            if key not in self._found:
                self._found[key] = fit(rows)
            return self._found[key]

        return remember
