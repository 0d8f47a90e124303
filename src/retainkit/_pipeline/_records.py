"""Table rows as plain JSON values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def records(frame: pd.DataFrame) -> tuple[dict[str, Any], ...]:
    """Return rows as plain JSON values: numbers, texts, days as ISO text, undefined as None."""
    plain = frame.astype(object).where(frame.notna(), None)
    return tuple(
        {str(name): _plain(value) for name, value in row.items()}
        for row in plain.to_dict(orient="records")
    )


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
