"""The public names as text; `python -m tests.contract.public_api` writes them anew.

A change of `public_api.txt` is a change of what users may rely on: it belongs in the changelog.
"""

from __future__ import annotations

from pathlib import Path

import retainkit
from tests.contract.walk import public_names

PATH = Path(__file__).with_name("public_api.txt")


def render_public_api() -> str:
    """Return the sorted dotted names, those of the package itself first, one a line."""
    own = sorted(f"retainkit.{name}" for name in getattr(retainkit, "__all__", ()))
    return "\n".join([*own, *sorted(name for name, _ in public_names())]) + "\n"


if __name__ == "__main__":
    PATH.write_text(render_public_api(), encoding="utf-8")
