"""Dates of no declared form: read where every row proves the order of day and month, else shown."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.catalogue import read_labels
from retainkit._core.labels import Label
from retainkit.typing import BoolArray

_NOTES = read_labels("retainkit.tables", "reasons", "notes")
_SHAPE = (
    r"^(?P<first>\d{1,2})(?P<mark>[/.-])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4})"
    r"(?:[ T](?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<rest>\d{2}(?:\.\d{1,9})?))?)?$"
)
_NUMBER = re.compile(r"^\d+(?:\.\d+)?$")
_SERIAL, _SECONDS, _MILLISECONDS = (20_000, 80_000), 9, 12


class Numeric(NamedTuple):
    """Texts such as 12/1/2010 8:26, read with the month first and with the day first."""

    fits: BoolArray
    """Texts of that shape."""
    month_first: npt.NDArray[np.datetime64]
    day_first: npt.NDArray[np.datetime64]
    """Naive times; not-a-time where the text is no such date."""

    @classmethod
    def read(cls, texts: pd.Series[Any]) -> Numeric:
        """Read every text both ways."""
        parts = texts.str.extract(_SHAPE)
        first, second = parts["first"].str.zfill(2), parts["second"].str.zfill(2)
        clock = "T" + parts["hour"].str.zfill(2) + ":" + parts["minute"]
        clock = (clock + ":" + parts["rest"].fillna("00")).fillna("T00:00:00")
        return cls(
            parts["year"].notna().to_numpy(),
            _parse(parts["year"] + "-" + first + "-" + second + clock),
            _parse(parts["year"] + "-" + second + "-" + first + clock),
        )

    def proven(self) -> str:
        """Return "month_first" or "day_first" where that alone reads every text; else ""."""
        if not len(self.fits) or not self.fits.all():
            return ""
        month, day = np.isnat(self.month_first).any(), np.isnat(self.day_first).any()
        return "" if month == day else "day_first" if month else "month_first"


def _parse(texts: pd.Series[Any]) -> npt.NDArray[np.datetime64]:
    times = pd.to_datetime(texts, format="ISO8601", errors="coerce")
    return np.asarray(times.to_numpy().astype("datetime64[us]"))


def tell_order(order: str, where: dict[str, str], rows: int) -> Label:
    """Say in which order day and month were read, and how many rows prove it."""
    return say_note(order, **where, rows=f"{rows:,}")


def ask_for_format(texts: pd.Series[Any], where: dict[str, str], rows: int) -> Label:
    """Say what the texts that could not be read look like, and how to declare their form."""
    text = str(texts.iloc[0])
    both = Numeric.read(texts)
    facts = {**where, "rows": f"{rows:,}", "value": repr(text)}
    month, day = ((~np.isnat(times)).sum() for times in (both.month_first, both.day_first))
    if both.fits[0] and month == day and month:
        i = int(np.flatnonzero(both.fits)[0])
        ways = {"month": str(both.month_first[i])[:10], "day": str(both.day_first[i])[:10]}
        return say_note("either_order", **facts, **ways, **_forms(text))
    if both.fits[0] and month + day:
        forms = _forms(text)
        form = forms["month_form"] if month > day else forms["day_form"]
        return say_note("looks_like", **facts, form=form)
    if _NUMBER.match(text):
        whole = text.partition(".")[0]
        if _SERIAL[0] <= int(whole) <= _SERIAL[1]:
            return say_note("serial", **facts)
        if len(whole) > _SECONDS:
            return say_note("milliseconds" if len(whole) > _MILLISECONDS else "seconds", **facts)
        if len(whole) == len("20250131") and whole[:2] in ("19", "20"):
            return say_note("looks_like", **facts, form="%Y%m%d")
    return say_note("no_known_form", **facts)


def _forms(text: str) -> dict[str, str]:
    """Return the strptime formats of a text, month first and day first."""
    mark = text.lstrip("0123456789")[0]
    colons = text.count(":")
    gap = "T" if "T" in text else " "
    rest = "%S.%f" if "." in text.rpartition(":")[2] else "%S"
    clock = "" if not colons else f"{gap}%H:%M" + (f":{rest}" if colons == 2 else "")
    return {
        "month_form": f"%m{mark}%d{mark}%Y{clock}",
        "day_form": f"%d{mark}%m{mark}%Y{clock}",
    }


def say_note(name: str, **facts: str) -> Label:
    """Return a note of the catalogue with its facts, in both languages."""
    words = _NOTES[name]
    return Label(en=words.en.format(**facts), zh=words.zh.format(**facts))
