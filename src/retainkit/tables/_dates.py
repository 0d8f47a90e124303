"""Timestamps: from any declared or proven spelling to naive local time; nothing is guessed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

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
from retainkit.tables._shapes import Numeric, ask_for_format, tell_order
from retainkit.typing import BoolArray

_DAY = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_CLOCK = (
    r"(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?P<zone> ?(?:UTC|Z|[+-]\d{2}(?::?\d{2})?))?)?"
)
_ISO = rf"^(?:{_DAY}){_CLOCK}$"
_NOT_A_TIME = np.datetime64("NaT", "us")


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
