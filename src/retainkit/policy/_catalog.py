"""The default measures and debt steps (D13-D20) as data: no prices, no effects, no code."""

from __future__ import annotations

from typing import Any

from retainkit.policy._catalog_hold import HOLD
from retainkit.policy._catalog_invest import DO_NOTHING, INVEST

CATALOG_VERSION = "1"

MEASURES: tuple[dict[str, Any], ...] = (*DO_NOTHING, *INVEST, *HOLD)

DEBT_STEPS: tuple[dict[str, Any], ...] = (
    # The days are placeholders to be replaced by the firm's terms of payment.
    {
        "id": "remind_courteously",
        "after_days_overdue": 1,
        "name": {"en": "Courteous reminder", "zh": "礼貌催款"},
    },
    {
        "id": "apply_pressure",
        "after_days_overdue": 30,
        "name": {"en": "Pressure", "zh": "施加压力催款"},
    },
    {
        "id": "take_legal_action",
        "after_days_overdue": 90,
        "name": {"en": "Legal action", "zh": "采取法律手段"},
    },
)
