"""Short ways to write events and churn tables in tests."""

from __future__ import annotations

import pandas as pd

from retainkit.churn import ChurnTable, detect_churn

DAY_ZERO = pd.Timestamp("2026-01-01")


def make_events(*rows: tuple[str, int, str] | tuple[str, int, str, str | None]) -> pd.DataFrame:
    """Build events from (customer, day, kind[, code])."""
    full = [(*row, None) if len(row) == 3 else row for row in rows]
    return pd.DataFrame(
        {
            "customer_id": pd.Series([row[0] for row in full], dtype="str"),
            "timestamp": pd.Series(
                [DAY_ZERO + pd.Timedelta(days=row[1]) for row in full], dtype="datetime64[us]"
            ),
            "kind": pd.Series([row[2] for row in full], dtype="str"),
            "code": pd.Series([row[3] for row in full], dtype="str"),
        }
    )


def make_churned(*customers: str) -> ChurnTable:
    """Build a churn table in which every customer left."""
    return detect_churn([0.0] * len(customers), customer_id=list(customers))


EVENT_KINDS = (
    "cancellation_request",
    "service_ended",
    "survey_reason",
    "agent_note",
    "contact",
    "complaint",
    "dispute",
    "chargeback",
    "payment_failed",
    "payment_recovered",
    "never_paid",
    "bills_unpaid",
    "debt_default",
    "low_satisfaction",
    "fraud",
    "death",
    "relocation",
    "business_closed",
    "port_out",
    "competitor_mention",
    "life_event",
    "price_increase",
    "product_retired",
    "compliance_closure",
    "term_ended",
    "other",
)
"""The kinds that the built-in catalogue knows."""
