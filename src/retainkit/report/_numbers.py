"""Numbers as a reader wants them: thousands apart, a true minus, no false decimals."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

UNDEFINED = "–"
"""What stands where there is no number."""

_SPACE = "\N{NO-BREAK SPACE}"


def write_number(x: float | None, decimals: int = 0) -> str:
    """Return `x` with thousands separators; undefined as a dash, never as 0."""
    if x is None or not isfinite(x):
        return UNDEFINED
    text = f"{x:,.{decimals}f}"
    if not any(digit in "123456789" for digit in text):
        text = text.removeprefix("-")
    return text.replace("-", "\N{MINUS SIGN}")


def write_share(x: float | None, decimals: int = 1) -> str:
    """Return a share as a percentage with its unit."""
    number = write_number(None if x is None else 100.0 * x, decimals)
    return number if number == UNDEFINED else f"{number}{_SPACE}%"


def write_range(lower: float, upper: float) -> str:
    """Return two shares as one range with its unit."""
    return f"{write_number(100 * lower, 1)}–{write_share(upper)}"


def money_decimals(amounts: Iterable[float | None]) -> int:
    """Return how many decimals amounts of this size deserve: 2 below 1,000 [money], else 0."""
    known = [abs(x) for x in amounts if x is not None and isfinite(x)]
    whole = all(x == int(x) for x in known)
    return 0 if whole or max(known, default=0.0) >= 1_000 else 2


def write_money(x: float | None) -> str:
    """Return one amount; its size decides on decimals."""
    return write_number(x, money_decimals([x]))


def shorten(text: str, width: int) -> str:
    """Return one line of at most `width` columns; a wide character (CJK) takes two."""
    line = " ".join(text.split())
    if count_columns(line) <= width:
        return line
    kept, used = "", 1
    for character in line:
        used += count_columns(character)
        if used > width:
            break
        kept += character
    return f"{kept.rstrip()}…"


def count_columns(text: str) -> int:
    """Return how wide a text is; a wide character (CJK) takes two columns."""
    return sum(2 if "\u2e80" <= character <= "\uffdc" else 1 for character in text)
