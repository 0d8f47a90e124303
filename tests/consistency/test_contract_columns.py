"""What a contracts table may say besides the span reaches the metrics through validation."""

from __future__ import annotations

import pandas as pd
import pytest

from retainkit.metrics import MetricConvention, Period, index_contracts, retention_rate
from retainkit.tables import ContractColumns, split_valid_table, validate_contracts


def contracts() -> pd.DataFrame:
    """Three running in February; the second asked to leave on the 10th and is served to the end."""
    return pd.DataFrame(
        {
            "customer_id": [1, 2, 3],
            "start": ["2025-01-01"] * 3,
            "end": ["", "2025-03-01", ""],
            "amount": ["$10", "$20", "$30"],
            "asked": ["", "2025-02-10", ""],
            "paused": ["", "yes", "no"],
            "discount": ["", "5", ""],
            "term_months": ["12", "1", ""],
            "currency": ["USD", "USD", "USD"],
        }
    )


COLUMNS = ContractColumns(cancel_requested="asked")


def test_optional_columns_are_read_in_their_types() -> None:
    valid = validate_contracts(contracts(), columns=COLUMNS)
    assert valid["cancel_requested"].isna().tolist() == [True, False, True]
    assert valid["cancel_requested"][1] == pd.Timestamp("2025-02-10")
    assert valid["discount"].fillna(-1.0).tolist() == [-1.0, 5.0, -1.0]
    assert valid["paused"].isna().tolist() == [True, False, False]
    assert valid["currency"].tolist() == ["USD"] * 3


@pytest.mark.parametrize(
    ("convention", "kept"),
    [(MetricConvention.stripe(), 2), (MetricConvention.chartmogul(), 3)],
    ids=["at the request", "at the end of service"],
)
def test_the_convention_decides_when_a_leaver_is_lost(
    convention: MetricConvention, kept: int
) -> None:
    """Stripe removes at cancellation, ChartMogul by default when the service ends."""
    base = index_contracts(validate_contracts(contracts(), columns=COLUMNS), as_of="2025-06-30")
    rate = retention_rate(base, period=Period.month(2025, 2), convention=convention)
    assert (rate.numerator, rate.denominator) == (kept, 3)


def test_an_unreadable_optional_cell_rejects_its_row_with_a_reason() -> None:
    broken = contracts().assign(asked=["", "soon", ""], discount=["", "5", "much"])
    valid, ledger = split_valid_table(broken, COLUMNS)
    assert len(valid) == 1
    assert ledger.reconciles
    assert sum(ledger.counts().values()) == 2
