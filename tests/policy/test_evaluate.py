"""The value of a policy: by hand, against the truth, refused without support."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit.errors import (
    AlignmentError,
    InvalidTableError,
    NotComputableError,
    SchemaError,
)
from retainkit.policy import compare_policies, evaluate_policy
from retainkit.typing import FloatArray, IntArray

NAMES = ("none", "mail")


def _trial(seed: int, n: int = 4000) -> tuple[FloatArray, IntArray, FloatArray, FloatArray]:
    """A trial whose chance of mail depends on x, as does the effect of mail."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    p = np.clip(0.5 + 0.2 * x[:, 0], 0.15, 0.85)
    mailed = (rng.random(n) < p).astype(np.int64)
    outcome = 3.0 + x @ [1.0, 0.5, 0.0] + mailed * (0.3 + x[:, 1]) + rng.normal(0.0, 3.0, n)
    return x, mailed, outcome, np.column_stack([1.0 - p, p])


def test_estimators_by_hand() -> None:
    """Ten customers, propensity 1/2 and 1/2; the policy mails the first six."""
    action = [1, 1, 1, 1, 1, 0, 0, 0, 0, 0]
    outcome = [2.0, 4, 6, 8, 10, 1, 2, 3, 4, 5]
    policy = [1, 1, 1, 1, 1, 1, 0, 0, 0, 0]
    result = evaluate_policy(
        policy, action, outcome=outcome, propensity=[0.5, 0.5], measures=NAMES, cost=[0, 1]
    )
    # those who got what the policy wants: net 1 3 5 7 9 and 2 3 4 5; weight 2 each
    values = dict(zip(result.methods, result.value, strict=True))
    assert values["ips"] == pytest.approx(2 * 39 / 10)
    assert values["snips"] == pytest.approx(39 / 9)
    assert result.effective_n == pytest.approx(9.0)
    assert result.largest_weight == 2.0
    assert result.overlap == (("all", "none", 4, 5), ("all", "mail", 6, 5))
    assert np.isnan(result.standard_error[3])


def test_uniform_policy_is_the_mean_of_its_arm() -> None:
    _, mailed, outcome, _ = _trial(1)
    result = evaluate_policy(np.ones(4000), mailed, outcome=outcome, measures=NAMES)
    arm = outcome[mailed == 1]
    np.testing.assert_allclose(result.value[1:3], arm.mean())
    error = np.sqrt(arm.var(ddof=1) / arm.size)
    assert result.standard_error[1] == pytest.approx(error, rel=0.02)


def test_all_estimators_find_the_truth() -> None:
    x, mailed, outcome, p = _trial(2, 40_000)
    policy = x[:, 1] > 0
    result = evaluate_policy(
        policy, mailed, outcome=outcome, propensity=p, measures=NAMES, features=x, cost=[0, 0.2]
    )
    truth = 3.0 + np.mean(policy * (0.3 + x[:, 1] - 0.2))
    np.testing.assert_allclose(result.value, truth, atol=0.12)
    assert result.standard_error[0] < result.standard_error[1]
    low, high = result.interval
    assert low < truth < high
    assert result.to_frame()["low"][0] == pytest.approx(low)


def test_order_of_customers_changes_nothing() -> None:
    x, mailed, outcome, p = _trial(3)
    order = np.random.default_rng(0).permutation(4000)
    a = evaluate_policy(
        x[:, 1] > 0, mailed, outcome=outcome, propensity=p, measures=NAMES, features=x
    )
    b = evaluate_policy(
        x[order, 1] > 0,
        mailed[order],
        outcome=outcome[order],
        propensity=p[order],
        measures=NAMES,
        features=x[order],
        customer_id=pd.Index(order),
    )
    np.testing.assert_allclose(a.value, b.value, rtol=1e-9)


def test_a_policy_without_support_is_refused_and_named() -> None:
    action = [0] * 20 + [1] * 20
    tier = np.array([0] * 20 + [1] * 20)
    with pytest.raises(NotComputableError, match=r"mail in tier key \(0 tried\)"):
        evaluate_policy(
            np.ones(40),
            action,
            outcome=np.ones(40),
            measures=NAMES,
            tier=tier,
            tier_names=("key", "small"),
            propensity=[0.5, 0.5],
        )
    with pytest.raises(NotComputableError, match="mail"):
        evaluate_policy(
            np.ones(40), [0] * 40, outcome=np.ones(40), measures=NAMES, propensity=[1.0, 0.0]
        )
    with pytest.raises(NotComputableError, match="policy 'all'"):
        compare_policies(
            {"all": np.ones(40)}, [0] * 40, outcome=np.ones(40), measures=NAMES, reference="all"
        )


def test_comparison_is_paired() -> None:
    x, mailed, outcome, p = _trial(4, 20_000)
    policies = {"none": np.zeros(20_000), "all": np.ones(20_000), "rule": x[:, 1] > -0.3}
    table: Any = compare_policies(
        policies,
        mailed,
        outcome=outcome,
        propensity=p,
        measures=NAMES,
        features=x,
        reference="all",
    ).set_index("policy")
    assert table.loc["all", "gain"] == 0.0
    truth = np.mean((x[:, 1] > -0.3) * (0.3 + x[:, 1])) - np.mean(0.3 + x[:, 1])
    assert table.loc["rule", "gain_low"] < truth < table.loc["rule", "gain_high"]
    assert table.loc["none", "treated"] == 0.0
    width = table.loc["rule", "gain_high"] - table.loc["rule", "gain_low"]
    assert width < 2 * 1.96 * table.loc["rule", "standard_error"]


def test_input_is_checked() -> None:
    good: dict[str, Any] = {"outcome": np.ones(10), "measures": NAMES}
    action = [0, 1] * 5
    with pytest.raises(InvalidTableError, match="missing"):
        evaluate_policy(np.ones(10), action, outcome=[np.nan] * 10, measures=NAMES)
    with pytest.raises(InvalidTableError, match="outside"):
        evaluate_policy(np.ones(10), action, propensity=[0.5, 1.5], **good)
    with pytest.raises(InvalidTableError, match="was taken"):
        evaluate_policy(np.ones(10), action, propensity=[0.0, 1.0], **good)
    with pytest.raises(InvalidTableError, match="policy"):
        evaluate_policy(np.ones((10, 2)), action, **good)
    with pytest.raises(AlignmentError, match="shape"):
        evaluate_policy(np.ones(10), action, cost=[1.0, 2.0, 3.0], **good)
    with pytest.raises(SchemaError, match="features"):
        evaluate_policy(np.ones(10), action, features=[["a"]] * 10, **good)
    with pytest.raises(SchemaError, match="missing or infinite"):
        evaluate_policy(np.ones(10), action, features=[[np.nan]] * 10, **good)
    with pytest.raises(NotComputableError, match="empty"):
        evaluate_policy([], [], outcome=[], measures=NAMES)


@pytest.mark.slow
def test_doubly_robust_interval_covers() -> None:
    """The 95 % interval holds the truth in 93 to 97 % of 400 simulated trials."""
    covered = []
    errors: dict[str, list[float]] = {m: [] for m in ("dr", "snips", "ips", "dm")}
    for seed in range(400):
        x, mailed, outcome, p = _trial(1000 + seed)
        policy = x[:, 1] > 0
        result = evaluate_policy(
            policy, mailed, outcome=outcome, propensity=p, measures=NAMES, features=x
        )
        truth = 3.0 + 1.0 / np.sqrt(2 * np.pi) + 0.3 * 0.5  # E[(0.3 + x) 1(x > 0)]
        low, high = result.interval
        covered.append(low < truth < high)
        for method, value in zip(result.methods, result.value, strict=True):
            errors[method].append(float(value) - truth)
    rmse = {method: round(float(np.sqrt(np.mean(np.square(e)))), 4) for method, e in errors.items()}
    print(f"coverage {np.mean(covered):.4f}, RMSE {rmse}")  # noqa: T201
    assert 0.93 <= np.mean(covered) <= 0.97
    assert rmse["dr"] < rmse["snips"] < rmse["ips"]
