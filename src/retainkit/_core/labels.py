"""Display texts in the library's two languages."""

from __future__ import annotations

from retainkit._core.config import FrozenConfig
from retainkit.typing import Language


class Label(FrozenConfig):
    """One display text in English (`en`) and Simplified Chinese (`zh`)."""

    en: str
    zh: str

    def text(self, language: Language = "en") -> str:
        """Return the text in `language`."""
        return self.en if language == "en" else self.zh
