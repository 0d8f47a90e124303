"""States of a relation: thresholds by hand, claims that must hold, facts that come first."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from retainkit.churn import (
    StateCheck,
    StateConfig,
    StateFacts,
    StateScheme,
    StateTable,
    assign_states,
    fit_state_scheme,
)
from retainkit.forecast import Activity
from retainkit.forecast._activity import PastActivity

AS_OF = "2026-03-31"
NAN = float("nan")


def activity(*rows: tuple[float, float, float, float, float]) -> Activity:
    """p_state, kept, silent, own gap and age of each customer."""
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    return Activity(*table.T)


def scheme(*, gone: bool = True, quiet: bool = True) -> StateScheme:
    checks = [
        StateCheck(state=name, customers=100, returned=5, figure=0.05, upper=0.1, holds=holds)
        for name, holds in (("gone", gone), ("quiet", quiet))
    ]
    return StateScheme(config=StateConfig(), window_days=90, base_gap=30.0, checks=tuple(checks))


def names(table: StateTable) -> list[str]:
    return table.to_frame()["state"].astype(str).tolist()


ROWS = {
    "prospect": (NAN, NAN, NAN, NAN, NAN),
    "new": (0.02, 0.02, 30.0, 30.0, 30.0),  # the first purchase one mean gap ago: never gone
    "present": (0.9, 1.0, 10.0, 30.0, 400.0),
    "quiet_fell": (0.55, 0.59, 40.0, 30.0, 400.0),
    "quiet_silent": (0.49, 0.9, 70.0, 30.0, 400.0),  # 2.3 x 30 = 69
    "present_in_time": (0.49, 0.9, 69.0, 30.0, 400.0),
    "gone_fell": (0.14, 0.34, 40.0, 30.0, 400.0),
    "gone_silent": (0.09, 0.9, 61.0, 30.0, 400.0),  # beyond 2 x 30
    "not_gone_in_time": (0.09, 0.9, 60.0, 30.0, 400.0),
}


def test_states_follow_the_thresholds() -> None:
    table = assign_states(activity(*ROWS.values()), scheme(), as_of=AS_OF)
    assert names(table) == [
        *("prospect", "new", "present", "quiet", "quiet", "present"),
        *("gone", "gone", "present"),
    ]
    assert table.to_frame()["state_code"].astype(str).tolist() == [
        *("never_bought", "first_lately", "in_rhythm", "chance_fell", "beyond_rhythm"),
        *("in_rhythm", "chance_low", "long_silent", "in_rhythm"),
    ]


@pytest.mark.parametrize(
    ("gone", "quiet", "expected"),
    [
        (False, True, ["quiet", "quiet"]),
        (True, False, ["gone", "present"]),
        (False, False, ["present", "present"]),
    ],
)
def test_a_claim_that_did_not_hold_falls_to_the_milder_state(
    gone: bool, quiet: bool, expected: list[str]
) -> None:
    rows = activity(ROWS["gone_fell"], ROWS["quiet_fell"])
    assert names(assign_states(rows, scheme(gone=gone, quiet=quiet), as_of=AS_OF)) == expected


def past(gone: tuple[int, int], quiet: tuple[int, int], present: tuple[int, int]) -> PastActivity:
    """Customers and returns of each state at an earlier origin."""
    groups = ((ROWS["gone_fell"], gone), (ROWS["quiet_fell"], quiet), (ROWS["present"], present))
    rows = [row for row, (n, _) in groups for _ in range(n)]
    back = [i < came for _, (n, came) in groups for i in range(n)]
    nothing = np.zeros(len(back))
    return PastActivity(activity(*rows), np.array(back, dtype=np.bool_), 30.0, nothing, nothing)


def checked(record: PastActivity) -> StateScheme:
    return fit_state_scheme([record], window_days=90, base_gap=30.0)


def test_gone_holds_by_its_upper_limit() -> None:
    # Wilson, one-sided 95 %: 26 of 200 (.13) has the upper limit .174; 4 of 30 (.133) has .266
    wide, narrow = checked(past((200, 26), (0, 0), (0, 0))), checked(past((30, 4), (0, 0), (0, 0)))
    assert wide.uses("gone")
    assert wide.checks[0].upper == pytest.approx(0.1743, abs=5e-4)
    assert not narrow.uses("gone")
    assert narrow.checks[0].upper == pytest.approx(0.2660, abs=5e-4)


def test_too_few_called_gone_are_no_evidence() -> None:
    assert not checked(past((19, 0), (0, 0), (0, 0))).uses("gone")
    assert checked(past((20, 0), (0, 0), (0, 0))).uses("gone")


def test_quiet_holds_where_it_returned_clearly_less_often() -> None:
    assert checked(past((0, 0), (100, 40), (100, 80))).uses("quiet")  # half as often
    assert not checked(past((0, 0), (100, 60), (100, 80))).uses("quiet")  # .75 times
    assert not checked(past((0, 0), (20, 10), (20, 15))).uses("quiet")  # .67, not clearly below 1


def test_quiet_is_checked_with_those_who_fall_to_it() -> None:
    # half of those called gone came back: they count as quiet, 130 of 200 against 80 of 100
    found = checked(past((100, 90), (100, 40), (100, 80)))
    assert not found.uses("gone")
    assert (found.checks[1].customers, found.checks[1].returned) == (200, 130)
    assert not found.uses("quiet")


def test_without_an_earlier_origin_nothing_is_claimed() -> None:
    bare = fit_state_scheme((), window_days=90, base_gap=30.0)
    assert not bare.uses("gone")
    assert not bare.uses("quiet")
    assert StateScheme.from_json(bare.to_json()) == bare


def test_a_running_contract_is_never_gone_and_an_ended_one_is() -> None:
    day = pd.Timestamp(AS_OF).toordinal() - pd.Timestamp("1970-01-01").toordinal()
    rows = activity(*[(NAN, NAN, 400.0, NAN, 500.0)] * 4, ROWS["gone_fell"])
    no, yes = np.zeros(5, dtype=np.bool_), np.array([0, 1, 0, 0, 0], dtype=np.bool_)
    facts = StateFacts(
        contract_status=np.array([1, 1, 4, 3, 1], dtype=np.int8),
        contract_ended_on=np.array([day, day, day - 100, day, day], dtype=np.int32),
        payment_failed=yes,
        complaint_open=no,
    )
    table = assign_states(rows, scheme(), as_of=AS_OF, facts=facts)
    assert names(table) == ["present", "quiet", "gone", "quiet", "quiet"]
    assert table.to_frame()["state_since"].iloc[2] == pd.Timestamp(AS_OF) - pd.Timedelta(days=100)
    assert table.sentences()[1] == "a payment has failed"


def test_an_end_on_record_is_final_whatever_the_activity() -> None:
    rows = activity(ROWS["present"], ROWS["present"])
    facts = StateFacts(ended=np.array([True, False]))
    assert names(assign_states(rows, scheme(), as_of=AS_OF, facts=facts)) == ["ended", "present"]


def test_nobody_moves_nearer_without_a_purchase() -> None:
    before = assign_states(
        activity(ROWS["gone_fell"], ROWS["quiet_fell"], ROWS["new"]), scheme(), as_of="2026-03-21"
    )
    later = activity(ROWS["present_in_time"], (0.9, 1.0, 5.0, 30.0, 400.0), ROWS["present"])
    after = assign_states(later, scheme(), as_of=AS_OF, previous=before)
    assert names(after) == ["gone", "present", "present"]  # the second bought five days ago


def test_reasons_hold_the_customers_own_numbers() -> None:
    table = assign_states(activity(ROWS["quiet_silent"]), scheme(), as_of=AS_OF)
    assert table.sentences()[0] == (
        "silent for 70 days, longer than customers like it pause; "
        "chance of a purchase in 90 days: 49 in 100"
    )
    assert "已 70 天未购买" in table.sentences("zh")[0]


def test_nobody_silent_is_told_to_be_in_rhythm() -> None:
    """A withdrawn claim says that it was not shown; a long silence is told as one."""
    rows = activity(ROWS["quiet_fell"], (0.98, 1.0, 79.0, 25.0, 400.0), ROWS["present"])
    table = assign_states(rows, scheme(quiet=False), as_of=AS_OF)
    assert names(table) == ["present"] * 3
    assert table.to_frame()["state_code"].tolist() == ["unproven", "overdue", "in_rhythm"]
    assert table.sentences()[1] == (
        "silent for 79 days, longer than customers like it pause, "
        "yet the chance of a purchase in 90 days is 98 in 100"
    )


def test_gone_must_ask_for_less_than_quiet() -> None:
    with pytest.raises(ValidationError, match="less chance than quiet"):
        StateConfig(gone_kept=0.7)


@given(
    st.lists(
        st.tuples(
            st.floats(0.0, 1.0),
            st.floats(0.0, 1.5),
            st.floats(0.0, 900.0),
            st.floats(1.0, 400.0),
            st.floats(0.0, 900.0),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_a_customer_alone_has_the_same_state(rows: list[tuple[float, ...]]) -> None:
    """Law: the state of one customer does not depend on the others."""
    together = assign_states(activity(*rows), scheme(), as_of=AS_OF)  # type: ignore[arg-type]
    for place, row in enumerate(rows):
        alone = assign_states(activity(row), scheme(), as_of=AS_OF)  # type: ignore[arg-type]
        assert alone.state[0] == together.state[place]
        assert alone.sentences() == [together.sentences()[place]]
