"""Payment records and the standings they lead to: by hand and by law."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.errors import AlignmentError, AsOfError, InvalidTableError, SchemaError
from retainkit.tiers import (
    InvoiceColumns,
    StandingConfig,
    StandingTable,
    assess_standing,
    summarize_invoices,
)
from retainkit.tiers._config import SEVERITY_STEPS, STANDING_REASONS
from retainkit.tiers._invoices import AGES

NAN = float("nan")
LAW = settings(deadline=None, derandomize=True, max_examples=40)
TODAY = "2026-06-30"


def invoices(*lines: tuple[Any, ...]) -> pd.DataFrame:
    """Return invoices (customer, amount, due, settled, disputed), issued 30 days before due."""
    frame = pd.DataFrame(
        lines, columns=["customer_id", "amount", "due", "settled", "disputed"]
    ).astype({"amount": float, "disputed": bool})
    frame["due"] = pd.to_datetime(frame["due"])
    frame["settled"] = pd.to_datetime(frame["settled"])
    frame["invoiced"] = frame["due"] - pd.Timedelta(days=30)
    return frame


LINES = invoices(
    ("a", 100, "2026-05-31", "2026-05-30", False),  # in time
    ("a", 50, "2026-05-31", "2026-06-20", False),  # 20 days late
    ("a", 30, "2026-05-31", None, False),  # open, 30 days
    ("a", 20, "2026-07-10", None, False),  # not yet due
    ("b", 70, "2026-03-31", None, True),  # open, 91 days, disputed
    ("b", 10, "2026-03-31", "2026-07-05", False),  # paid, but later than today: open, 91 days
    ("c", 5, "2027-01-01", None, False),  # not yet issued
)


def test_balances_by_hand() -> None:
    table = summarize_invoices(LINES, as_of=TODAY)
    assert table.customer_id.tolist() == ["a", "b", "c"]
    assert table.invoices.tolist() == [4, 2, 0]
    assert table.billed.tolist() == [200.0, 80.0, 0.0]
    assert table.settled.tolist() == [150.0, 0.0, 0.0]
    assert table.open_amount.tolist() == [50.0, 80.0, 0.0]
    assert table.ageing.tolist() == [[20, 30, 0, 0, 0], [0, 0, 0, 0, 80], [0] * 5]
    assert table.overdue_amount.tolist() == [30.0, 10.0, 0.0]
    assert table.disputed_amount.tolist() == [0.0, 70.0, 0.0]
    np.testing.assert_array_equal(table.days_overdue, [30.0, 91.0, NAN])
    assert table.after_as_of == 1
    assert table.reconciles
    assert table.summary()["amount"].tolist() == [20, 30, 0, 0, 80, 130]


def test_habits_by_hand() -> None:
    table = summarize_invoices(LINES, as_of=TODAY, config=StandingConfig(grace_days=25))
    assert table.judged.tolist() == [3, 2, 0]
    # a: 0, 20 and (open) 30 days late; b: 91 and 91
    np.testing.assert_allclose(table.late_share, [1 / 3, 1.0, NAN])
    np.testing.assert_allclose(table.seriously_late_share, [0.0, 1.0, NAN])
    np.testing.assert_allclose(table.average_days_late, [50 / 3, 91.0, NAN])
    np.testing.assert_allclose(table.disputed_share, [0.0, 0.5, NAN])


def test_the_ages_and_their_edges() -> None:
    for days, age in ((0, 0), (1, 1), (30, 1), (31, 2), (60, 2), (61, 3), (90, 3), (91, 4)):
        due = pd.Timestamp(TODAY) - pd.Timedelta(days=days)
        table = summarize_invoices(invoices(("a", 1, due, None, False)), as_of=TODAY)
        assert np.flatnonzero(table.ageing[0]).tolist() == [age], (days, AGES[age])


def test_only_the_window_is_judged() -> None:
    lines = invoices(("a", 1, "2025-06-30", None, False), ("a", 1, "2025-07-01", None, False))
    assert summarize_invoices(lines, as_of=TODAY).judged.tolist() == [1]


def standing_of(*lines: tuple[Any, ...], **changes: Any) -> tuple[str, str, str]:
    config = StandingConfig(**changes)
    payments = summarize_invoices(invoices(*lines), as_of=TODAY, config=config)
    table = assess_standing(None, customer_id=pd.Index(["a"]), payments=payments, config=config)
    row = table.to_frame().iloc[0]
    return row["standing"], row["standing_reason"], row["all_reasons"]


def paid(days_late: int, *, disputed: bool = False) -> tuple[Any, ...]:
    due = pd.Timestamp("2026-04-01")
    return ("a", 10, due, due + pd.Timedelta(days=days_late), disputed)


def test_overdue_by_invoices() -> None:
    assert standing_of(("a", 10, "2026-05-31", None, False))[:2] == ("good", "credit_good")
    assert standing_of(("a", 10, "2026-05-30", None, False))[:2] == ("watch", "overdue")
    assert standing_of(("a", 10, "2026-04-01", None, False))[:2] == ("watch", "overdue")
    assert standing_of(("a", 10, "2026-03-31", None, False))[:2] == ("bad", "overdue_beyond_limit")


def test_a_disputed_invoice_is_a_complaint_and_no_debt() -> None:
    assert standing_of(("a", 10, "2026-01-01", None, True))[:2] == ("watch", "in_dispute")


def test_what_is_owed_must_be_material() -> None:
    old, new = ("a", 10, "2026-01-01", None, False), ("a", 990, "2026-07-15", None, False)
    assert standing_of(old, new)[0] == "bad"
    assert standing_of(old, new, minimum_overdue_amount=10)[0] == "good"
    assert standing_of(old, new, minimum_overdue_share=0.01)[0] == "good"
    assert standing_of(old, new, minimum_overdue_share=0.009)[0] == "bad"


def test_habits_need_enough_invoices() -> None:
    assert standing_of(*[paid(5)] * 5)[1] == "credit_good"
    assert standing_of(*[paid(5)] * 6)[1] == "pays_late"
    assert standing_of(*[paid(5)] * 3, *[paid(0)] * 3)[1] == "pays_late"
    assert standing_of(*[paid(5)] * 3, *[paid(0)] * 4)[1] == "credit_good"
    assert standing_of(*[paid(5)] * 6, grace_days=5)[1] == "credit_good"


def test_chronic_lateness_is_bad_and_every_reason_is_kept() -> None:
    found = standing_of(*[paid(31)] * 2, *[paid(2, disputed=True)] * 4)
    assert found == (
        "bad",
        "chronically_late",
        "chronically_late; pays_late; disputes_often",
    )
    assert standing_of(*[paid(30)] * 6)[1] == "pays_late"


def test_record_and_invoices_are_weighed_together() -> None:
    payments = summarize_invoices(LINES, as_of=TODAY, customer_id=pd.Index(["a", "b"]))
    record = pd.DataFrame({"customer_id": ["a", "b"], "credit_standing": ["fraud", "good"]})
    table = assess_standing(record, customer_id=pd.Index(["b", "a"]), payments=payments)
    frame = table.to_frame()
    assert frame["standing_reason"].tolist() == ["overdue_beyond_limit", "fraud"]
    assert frame["days_overdue"].tolist() == [91.0, 30.0]
    assert frame["severity"].tolist() == ["bad_payer", "fraud"]
    assert frame["severity"].cat.categories.tolist() == list(SEVERITY_STEPS)


# --- entry and exit ------------------------------------------------------------------------------


def assess(days_overdue: float, day: str, previous: StandingTable | None) -> StandingTable:
    record = pd.DataFrame({"customer_id": ["a"], "days_overdue": [days_overdue]})
    return assess_standing(record, customer_id=pd.Index(["a"]), previous=previous, as_of=day)


def follow(*course: tuple[str, float]) -> list[tuple[str, str]]:
    table, seen = None, []
    for day, overdue in course:
        table = assess(overdue, day, table)
        row = table.to_frame().iloc[0]
        seen.append((row["standing"], row["standing_reason"]))
    return seen


def test_a_bad_standing_ends_after_probation() -> None:
    assert follow(
        ("2026-01-01", 100.0),
        ("2026-02-01", 0.0),  # the first assessment without a bad sign
        ("2026-03-01", 0.0),
        ("2026-05-01", 0.0),  # 89 days later
        ("2026-05-02", 0.0),  # 90 days later
    ) == [
        ("bad", "overdue_beyond_limit"),
        ("bad", "on_probation"),
        ("bad", "on_probation"),
        ("bad", "on_probation"),
        ("good", "credit_good"),
    ]


def test_a_new_bad_sign_starts_the_probation_anew() -> None:
    seen = follow(
        ("2026-01-01", 100.0),
        ("2026-02-01", 0.0),
        ("2026-03-01", 95.0),
        ("2026-04-01", 0.0),
        ("2026-06-01", 40.0),  # a watch sign does not end the probation, nor restart it
        ("2026-06-30", 0.0),
    )
    assert [reason for _, reason in seen[2:5]] == ["overdue_beyond_limit", *["on_probation"] * 2]
    assert seen[5] == ("good", "credit_good")


def test_who_was_never_bad_needs_no_probation() -> None:
    assert follow(("2026-01-01", 40.0), ("2026-02-01", 0.0))[1] == ("good", "credit_good")


def test_probation_may_be_nothing() -> None:
    before = assess(100.0, "2026-01-01", None)
    record = pd.DataFrame({"customer_id": ["a"], "days_overdue": [0.0]})
    table = assess_standing(
        record,
        customer_id=pd.Index(["a"]),
        previous=before,
        as_of="2026-01-02",
        config=StandingConfig(probation_days=0),
    )
    assert table.to_frame()["standing"].tolist() == ["good"]


def test_a_previous_assessment_needs_a_day() -> None:
    before = assess(100.0, "2026-01-01", None)
    with pytest.raises(AsOfError):
        assess_standing(None, customer_id=pd.Index(["a"]), previous=before)


# --- laws and refusals ---------------------------------------------------------------------------

MANY = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 100),
        st.integers(-400, 60),
        st.one_of(st.none(), st.integers(0, 200)),
        st.booleans(),
    ),
    min_size=1,
    max_size=25,
)


@LAW
@given(MANY)
def test_every_amount_is_settled_or_of_some_age(lines: list[tuple[Any, ...]]) -> None:
    """Billed is settled plus the ageing, for each customer and in total; overdue is part of it."""
    today = pd.Timestamp(TODAY)
    frame = invoices(
        *(
            (who, amount, due := today + pd.Timedelta(days=offset),
             None if paid_after is None else due + pd.Timedelta(days=paid_after - 30), disputed)
            for who, amount, offset, paid_after, disputed in lines
        )
    )  # fmt: skip
    table = summarize_invoices(frame, as_of=TODAY)
    assert table.reconciles
    issued = frame[frame["invoiced"] <= today]
    assert table.billed.sum() == issued["amount"].sum()
    late = issued[(issued["due"] < today) & ~(issued["settled"] <= today)]
    assert table.ageing[:, 1:].sum() == late["amount"].sum()
    assert table.overdue_amount.sum() == late.loc[~late["disputed"], "amount"].sum()
    shuffled = summarize_invoices(
        frame.sample(frac=1, random_state=1), as_of=TODAY, customer_id=table.customer_id
    )
    pd.testing.assert_frame_equal(shuffled.to_frame(), table.to_frame())


def test_texts_zones_and_names() -> None:
    frame = pd.DataFrame(
        {
            "Kunde": [7, 7],
            "Betrag": [1.0, 2.0],
            "am": ["2026-01-01", "2026-01-02"],
            "bis": pd.to_datetime(["2026-02-01", "2026-02-02"]).tz_localize("Europe/Berlin"),
            "bezahlt": [None, "2026-02-01"],
        }
    )
    columns = InvoiceColumns(
        customer_id="Kunde", amount="Betrag", invoiced="am", due="bis", settled="bezahlt",
        disputed=None,
    )  # fmt: skip
    table = summarize_invoices(frame, as_of=TODAY, columns=columns, customer_id=pd.Index(["7"]))
    assert table.open_amount.tolist() == [1.0]


def test_refuses_what_is_no_table_of_invoices() -> None:
    with pytest.raises(SchemaError, match="no column 'due'"):
        summarize_invoices(LINES.drop(columns="due"), as_of=TODAY)
    with pytest.raises(SchemaError, match="not days"):
        summarize_invoices(LINES.assign(due="soon"), as_of=TODAY)
    with pytest.raises(SchemaError, match="disputed has type"):
        summarize_invoices(LINES.assign(disputed="Yes"), as_of=TODAY)
    broken = LINES.assign(amount=[-1.0, NAN, *[1.0] * 5])
    with pytest.raises(InvalidTableError, match="1 invoices without an amount; 1 invoices"):
        summarize_invoices(broken, as_of=TODAY)
    with pytest.raises(InvalidTableError, match="7 invoices settled before"):
        summarize_invoices(LINES.assign(settled="2020-01-01"), as_of=TODAY)
    with pytest.raises(InvalidTableError, match="numbered twice"):
        summarize_invoices(LINES.assign(no=1), as_of=TODAY, columns=InvoiceColumns(invoice_id="no"))
    payments = summarize_invoices(LINES, as_of=TODAY)
    with pytest.raises(AlignmentError, match="1 customers are not in payments"):
        assess_standing(None, customer_id=pd.Index(["z"]), payments=payments)


def test_every_reason_has_one_standing_and_one_step() -> None:
    table = assess_standing(None, customer_id=pd.Index([1]))
    assert table.to_frame()["standing_reason"].tolist() == ["no_credit_record"]
    assert len(STANDING_REASONS) <= 16  # one bit each
