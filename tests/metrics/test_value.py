from __future__ import annotations

import json
import pickle
import subprocess
import sys

from retainkit.metrics import (
    MetricValue,
    Period,
    PurchaseIndex,
    compute_metric,
    retention_rate,
)
from retainkit.metrics._value import REASON_TEXT, REASONS

MARCH = Period.month(1998, 3)


def test_the_line_shows_the_formula_with_its_numbers() -> None:
    share = MetricValue("x_rate", 0.25, 1.0, 4.0, 4, period=MARCH)
    assert repr(share) == "x_rate = 1 / 4 = 0.25 (n = 4; 1998-03)"
    count = MetricValue("x", 12_345.0, 12_345.0, None, 12_345, period=MARCH)
    assert repr(count) == "x = 12,345 (n = 12,345; 1998-03)"
    money = MetricValue("m", 2.625, 10.5, 4.0, 3)
    assert repr(money) == "m = 10.50 / 4 = 2.625 (n = 3)"


def test_a_missing_value_says_why() -> None:
    missing = MetricValue("x_rate", None, 0.0, 0.0, 0, reason="zero_denominator", period=MARCH)
    text = "x_rate = not computable (zero_denominator: nothing to divide by; 0 / 0; n = 0; 1998-03)"
    assert repr(missing) == text
    assert not missing.computable


def test_every_reason_has_a_text() -> None:
    assert tuple(REASON_TEXT) == REASONS


def test_html_is_escaped() -> None:
    value = MetricValue("<b>", 1.0, 1.0, 1.0, 1, notes=("a < b",))
    html = value._repr_html_()
    assert "<b>" not in html
    assert "a &lt; b" in html


def test_dicts_are_json(cdnow_base: PurchaseIndex) -> None:
    for value in (
        retention_rate(cdnow_base, period=MARCH),
        retention_rate(cdnow_base, period=Period.year(1999)),
        compute_metric(cdnow_base, "average_order_value", period=MARCH),
        compute_metric(cdnow_base, "active_customers", period=MARCH),
    ):
        data = value.to_dict()
        assert json.loads(json.dumps(data, allow_nan=False)) == data
        assert data["computable"] == (data["value"] is not None)
        assert data["period"]["start"] == str(value.period.start if value.period else "")


def test_values_pickle(cdnow_base: PurchaseIndex) -> None:
    value = retention_rate(cdnow_base, period=MARCH)
    assert pickle.loads(pickle.dumps(value)) == value


def test_importing_the_room_loads_nothing_heavy() -> None:
    code = (
        "import sys, retainkit.metrics; "
        "heavy = {'scipy.stats', 'scipy.optimize', 'lifetimes', 'matplotlib'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
