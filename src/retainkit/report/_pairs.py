"""Texts in two languages, side by side."""

from __future__ import annotations

from retainkit._core.labels import Label


def pairs(**texts: tuple[str, str]) -> dict[str, Label]:
    """Return labels; a number and its percent sign stay on one line."""
    close = "\N{NO-BREAK SPACE}%"
    return {key: Label(en=en.replace(" %", close), zh=zh) for key, (en, zh) in texts.items()}
