"""The NBD baseline against an independent refit."""

from __future__ import annotations

import pytest

from retainkit.lifetime import fit_nbd
from tests.lifetime.bases import cdnow


def test_cdnow_exact_days() -> None:
    """The time-consistent likelihood, without x! and t^x, as in the models with dropout."""
    model = fit_nbd(cdnow().history)
    assert model.parameters == pytest.approx({"r": 0.384766, "alpha": 12.072023}, rel=1.5e-6)
    assert model.log_likelihood == pytest.approx(-9763.6576, abs=6e-5)
