"""The shape of one row of the default catalogue."""

from __future__ import annotations

from typing import Any


def measure(
    measure_id: str,
    base: dict[str, Any],
    name: tuple[str, str],
    description: tuple[str, str],
    **more: Any,
) -> dict[str, Any]:
    """Return one row: names and texts in both languages, what rows share, what this one adds."""
    return {
        "id": measure_id,
        "name": {"en": name[0], "zh": name[1]},
        "description": {"en": description[0], "zh": description[1]},
        **base,
        **more,
    }
