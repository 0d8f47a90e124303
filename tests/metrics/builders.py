"""Small frames for tests, and an oracle made of Python sets."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd


def purchases(rows: Iterable[tuple[object, str, float]]) -> pd.DataFrame:
    """Return a valid transactions frame."""
    frame = pd.DataFrame(list(rows), columns=["customer_id", "timestamp", "amount"])
    return frame.assign(
        timestamp=pd.to_datetime(frame["timestamp"]), amount=frame["amount"].astype(float)
    )


class SetOracle:
    """Answers by set arithmetic on the raw rows, one question at a time."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.rows = frame[frame["amount"] >= 0]
        self.all_rows = frame

    def buyers(self, start: pd.Timestamp, end: pd.Timestamp) -> set[object]:
        day = self.rows["timestamp"].dt.normalize()
        return set(self.rows.loc[(day >= start) & (day < end), "customer_id"])

    def active_before(self, day: pd.Timestamp, window_days: int) -> set[object]:
        return self.buyers(day - pd.Timedelta(days=window_days), day)

    def known_before(self, day: pd.Timestamp) -> set[object]:
        return self.buyers(pd.Timestamp("1900-01-01"), day)

    def occasions(self, start: pd.Timestamp, end: pd.Timestamp) -> dict[object, int]:
        counts: dict[object, int] = {}
        seen = {
            (customer, moment.normalize())
            for customer, moment in zip(
                self.rows["customer_id"], self.rows["timestamp"], strict=True
            )
        }
        for customer, day in seen:
            if start <= day < end:
                counts[customer] = counts.get(customer, 0) + 1
        return counts
