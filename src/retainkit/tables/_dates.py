"""Timestamps: from any declared or proven spelling to naive local time; nothing is guessed.

Numeric dates of no declared form are read where every row proves the order of day and month, and
shown both ways where none does.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.catalogue import read_labels
from retainkit._core.labels import Label
from retainkit.tables._read import (
    ObjectArray,
    Reading,
    distinct,
    means_missing,
    none_if_clean,
    spread,
    unreadable_type,
)
from retainkit.tables._rules import ISO_8601, TableRules
from retainkit.typing import BoolArray

_DAY = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_CLOCK = (
    r"(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?P<zone> ?(?:UTC|Z|[+-]\d{2}(?::?\d{2})?))?)?"
)
_ISO = rf"^(?:{_DAY}){_CLOCK}$"
_NOT_A_TIME = np.datetime64("NaT", "us")
_NOTES = read_labels("retainkit.tables", "reasons", "notes")
_SHAPE = (
    r"^(?P<first>\d{1,2})(?P<mark>[/.-])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4})"
    r"(?:[ T](?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<rest>\d{2}(?:\.\d{1,9})?))?)?$"
)
_NUMBER = re.compile(r"^\d+(?:\.\d+)?$")
_SERIAL, _SECONDS, _MILLISECONDS = (20_000, 80_000), 9, 12


def read_times(raw: pd.Series[Any], rules: TableRules, *, role: str, table: str) -> Reading:
    """Return timestamps as naive datetimes in the declared zone."""
    if isinstance(raw.dtype, pd.DatetimeTZDtype):
        missing = none_if_clean(raw.isna().to_numpy())
        local = raw.dt.tz_convert(rules.time_zone).dt.tz_localize(None)
        moved = None if str(raw.dtype.tz) == rules.time_zone else raw.notna().to_numpy()
        return Reading(local, {"missing": missing}, {"converted_time_zone": moved})
    if raw.dtype.kind == "M":
        return Reading(raw, {"missing": none_if_clean(raw.isna().to_numpy())})
    if raw.dtype.kind in "biufcm" and not (raw.dtype.kind in "iuf" and rules.date_formats):
        raise unreadable_type(
            role,
            table,
            raw,
            rule="numbers are dates only in a declared format",
            fix='TransactionRules(date_formats=("%Y%m%d",)) reads 20250131',
        )
    return _read_distinct(raw, rules, role, table)


def _read_distinct(raw: pd.Series[Any], rules: TableRules, role: str, table: str) -> Reading:
    codes, uniques = distinct(raw, role=role, table=table)
    parser = _Parser(uniques, rules)
    order = parser.read_proven_order(is_declared=bool(rules.date_formats))
    values = np.append(parser.values, _NOT_A_TIME)[codes]
    unparsable = np.isnat(parser.values) & ~parser.missing
    problems = {
        "missing": spread(parser.missing, codes, missing=True),
        "unparsable": spread(unparsable, codes),
    }
    notices = {
        "converted_time_zone": spread(parser.converted, codes),
        "ambiguous_timestamp": spread(parser.ambiguous, codes),
    }
    where, says = {"table": table, "role": role}, {}
    if order:
        notice, proof = f"{order}_{role}", spread(parser.proof, codes)
        notices[notice] = proof
        says[notice] = tell_order(order, where, _count(proof))
    if unparsable.any():
        says["unparsable"] = ask_for_format(
            parser.texts[unparsable], where, _count(problems["unparsable"])
        )
    return Reading(pd.Series(values, copy=False), problems, notices, says)


def _count(rows: BoolArray | None) -> int:
    return 0 if rows is None else int(np.count_nonzero(rows))


class _Parser:
    """Reads the distinct values of one column, format by format."""

    def __init__(self, uniques: ObjectArray, rules: TableRules) -> None:
        n = len(uniques)
        self.zone = rules.time_zone
        self.values = np.full(n, _NOT_A_TIME)
        self.converted = np.zeros(n, dtype=bool)
        self.ambiguous = np.zeros(n, dtype=bool)
        is_date = np.fromiter((isinstance(x, date | np.datetime64) for x in uniques), bool, n)
        if is_date.any():
            self._read_objects(uniques, is_date)
        written = [_write(value) for value in uniques]
        self.texts = pd.Series(written, dtype=object).str.strip()
        self.missing: BoolArray = means_missing(self.texts, rules) & ~is_date
        by_format = np.zeros(n, dtype=bool)
        for form in rules.formats:
            if form == ISO_8601:
                self._read_iso(is_date)
            else:
                by_format |= self._read_format(form, is_date, by_format)

    def read_proven_order(self, *, is_declared: bool) -> str:
        """Read 12/13/2010 where no format is declared and one order alone reads every value."""
        self.proof = np.zeros(len(self.values), dtype=bool)
        rows = np.flatnonzero(~self.missing)
        if is_declared or not np.isnat(self.values[rows]).all():
            return ""
        both = Numeric.read(self.texts.iloc[rows])
        order = both.proven()
        if order:
            month_first = order == "month_first"
            self.values[rows] = both.month_first if month_first else both.day_first
            self.proof[rows] = np.isnat(both.day_first if month_first else both.month_first)
        return order

    def _read_objects(self, uniques: ObjectArray, is_date: BoolArray) -> None:
        for i in np.flatnonzero(is_date):
            value = uniques[i]
            if isinstance(value, datetime) and value.tzinfo is not None:
                value = pd.Timestamp(value).tz_convert(self.zone).tz_localize(None)
                self.converted[i] = True
            self.values[i] = np.datetime64(value, "us")

    def _open(self, is_date: BoolArray) -> BoolArray:
        opened: BoolArray = np.isnat(self.values) & ~is_date & ~self.missing
        return opened

    def _read_iso(self, is_date: BoolArray) -> None:
        rows = np.flatnonzero(self._open(is_date))
        found = self.texts.iloc[rows].str.extract(f"(?P<all>{_ISO})")
        iso = found["all"].notna().to_numpy()
        aware = found["zone"].notna().to_numpy()
        naive_rows, aware_rows = rows[iso & ~aware], rows[iso & aware]
        self.values[naive_rows] = _parse(self.texts.iloc[naive_rows], ISO_8601)
        stamped = self.texts.iloc[aware_rows].str.replace(r" ?(?:UTC|Z)$", "Z", regex=True)
        joined = stamped.str.replace(r" (?=[+-]\d{2}:?(?:\d{2})?$)", "", regex=True)
        self.values[aware_rows] = _parse(joined, ISO_8601, zone=self.zone)
        self.converted[aware_rows] = True

    def _read_format(self, form: str, is_date: BoolArray, by_format: BoolArray) -> BoolArray:
        """Read open texts; note texts an earlier format read as another day."""
        zone = self.zone if "%z" in form or "%Z" in form else None
        opened = self._open(is_date)
        rows = np.flatnonzero(opened | by_format)
        read = np.full(len(self.values), _NOT_A_TIME)
        read[rows] = _parse(self.texts.iloc[rows], form, zone=zone)
        fits = ~np.isnat(read)
        self.ambiguous |= by_format & fits & (read != self.values)
        fresh: BoolArray = opened & fits
        self.values[fresh] = read[fresh]
        if zone is not None:
            self.converted |= fresh
        return fresh


def _write(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _parse(texts: pd.Series[Any], form: str, *, zone: str | None = None) -> Any:
    if not len(texts):
        return np.empty(0, dtype="datetime64[us]")
    times = pd.to_datetime(texts, format=form, errors="coerce", utc=zone is not None)
    if zone is not None:
        times = times.dt.tz_convert(zone).dt.tz_localize(None)
    return times.to_numpy().astype("datetime64[us]")


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
            _parse_numeric(parts["year"] + "-" + first + "-" + second + clock),
            _parse_numeric(parts["year"] + "-" + second + "-" + first + clock),
        )

    def proven(self) -> str:
        """Return "month_first" or "day_first" where that alone reads every text; else ""."""
        if not len(self.fits) or not self.fits.all():
            return ""
        month, day = np.isnat(self.month_first).any(), np.isnat(self.day_first).any()
        return "" if month == day else "day_first" if month else "month_first"


def _parse_numeric(texts: pd.Series[Any]) -> npt.NDArray[np.datetime64]:
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
