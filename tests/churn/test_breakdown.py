"""The breakdown of losses by cause: counts, value, controllable share, unknown shown."""

from __future__ import annotations

import numpy as np
import pytest

from retainkit.churn import ChurnCause, attribute_causes, detect_churn, summarize_causes
from retainkit.errors import AlignmentError
from tests.churn.events import make_churned, make_events

EVENTS = make_events(
    ("a", 0, "complaint"),
    ("b", 0, "relocation"),
    ("c", 0, "port_out"),
    ("d", 0, "payment_failed"),
)
CAUSES = attribute_causes(EVENTS, churn=make_churned("a", "b", "c", "d", "e"))


def test_all_leaves_are_there_and_unknown_is_shown() -> None:
    frame = summarize_causes(CAUSES).to_frame()
    assert frame["cause"].tolist() == [str(cause) for cause in ChurnCause]
    assert frame["customers"].tolist() == [1, 1, 1, 1, 0, 0, 1, 0]
    assert frame["share"].tolist() == [0.2, 0.2, 0.2, 0.2, 0.0, 0.0, 0.2, 0.0]
    assert "value" not in frame


def test_controllable_and_unknown_shares_by_hand() -> None:
    """Fault, competitor and lapsed payment of five lost; four have a known cause."""
    breakdown = summarize_causes(CAUSES)
    assert breakdown.controllable_share == pytest.approx(3 / 5)
    assert breakdown.controllable_share_of_known == pytest.approx(3 / 4)
    assert breakdown.unknown_share == pytest.approx(1 / 5)
    assert breakdown.controllable_value is None
    assert breakdown.value_share is None


def test_value_lost_by_hand_and_unknown_values_are_counted() -> None:
    breakdown = summarize_causes(CAUSES, value=[100.0, 50.0, 30.0, np.nan, 20.0])
    frame = breakdown.to_frame(language="zh")
    assert frame["value"].tolist() == [50.0, 30.0, 100.0, 0.0, 0.0, 0.0, 20.0, 0.0]
    assert frame["value_share"].tolist() == [0.25, 0.15, 0.5, 0.0, 0.0, 0.0, 0.1, 0.0]
    assert int(frame["valued_customers"].sum()) == 4
    assert breakdown.controllable_value == 130.0
    assert frame["owner"].tolist()[3] == "账务"


def test_branches_add_up() -> None:
    frame = summarize_causes(CAUSES, value=[1.0] * 5).summary().set_index("branch")
    assert frame["customers"].to_dict() == {
        "active": 3,
        "passive": 1,
        "unknown": 1,
        "administrative": 0,
    }
    assert frame["value"].sum() == 5.0


@pytest.mark.parametrize("value", [[0.0] * 5, [-10.0, 5.0, 5.0, 5.0, 5.0], [np.nan] * 5])
def test_value_share_is_undefined_where_a_share_makes_no_sense(value: list[float]) -> None:
    share = summarize_causes(CAUSES, value=value).value_share
    assert share is not None
    assert np.isnan(share).all()


def test_nobody_lost_gives_undefined_shares_not_zero() -> None:
    churn = detect_churn([1.0], customer_id=["a"])
    breakdown = summarize_causes(attribute_causes(EVENTS, churn=churn), value=[])
    assert breakdown.total == 0
    for share in (
        breakdown.unknown_share,
        breakdown.controllable_share,
        breakdown.controllable_share_of_known,
    ):
        assert np.isnan(share)


def test_values_of_other_customers_are_refused() -> None:
    with pytest.raises(AlignmentError, match="5 lost customers"):
        summarize_causes(CAUSES, value=[1.0])
