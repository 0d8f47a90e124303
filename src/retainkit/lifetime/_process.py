"""What every fitted model of purchases carries besides its predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeAlias

import numpy as np
from pydantic import Field

from retainkit.lifetime._kernel_law import Known
from retainkit.lifetime._model import FLAT_OPTIMUM, LikelihoodModel
from retainkit.lifetime._predictions import PurchasePredictions
from retainkit.typing import FloatArray, TimeUnit

Parameters: TypeAlias = Sequence[float | FloatArray]
"""Of one law, in the order of its names: one number for all customers, or one each."""


class ProcessModel(PurchasePredictions, LikelihoodModel):
    """Repeat purchases and dropout of a customer base; subclasses give the law."""

    _next_step: ClassVar[str] = ".expected_purchases(history, horizon=...)"
    _dropout: ClassVar[tuple[str, ...]] = ()
    """Parameters of dropout; none where nobody drops out."""

    unit: TimeUnit = Field()

    def _know(self, x: FloatArray, t: FloatArray, T: FloatArray) -> Known:
        return self._know_as(tuple(self.parameters.values()), x, t, T)

    def _know_as(
        self, parameters: Parameters, x: FloatArray, t: FloatArray, T: FloatArray
    ) -> Known:
        """Return what histories say under these parameters of the law."""
        raise NotImplementedError

    @property
    def dropout_is_identified(self) -> bool:
        """Whether the data tell who is still active; if not, `p_alive` is an assumption.

        False at the limits `"no_dropout"` and `"polarised_dropout"`, at a flat optimum that leaves
        a parameter of dropout open, and for `NbdModel`, which lets nobody leave. `p_alive` gives
        its number all the same; a caller that shows or uses it should take NaN instead. A model
        made by hand counts as identified, as its parameters are given.
        """
        if not self._dropout or {"no_dropout", "polarised_dropout"} & set(self.boundary):
            return False
        if FLAT_OPTIMUM not in self.boundary:
            return True
        errors = self.standard_errors
        return all(np.isfinite(errors[name]) for name in self._dropout)

    @property
    def findings(self) -> tuple[str, ...]:
        """What the data could not tell, as codes: `"dropout_unidentified"` before all others."""
        lost = () if self.dropout_is_identified else ("dropout_unidentified",)
        return (*lost, *super().findings)
