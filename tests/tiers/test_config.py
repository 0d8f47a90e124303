from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from retainkit._core.labels import Label
from retainkit.tiers import (
    ByCuts,
    ByHeadcount,
    ByValueShare,
    LifecycleConfig,
    StandingConfig,
    TierSchemeConfig,
)


@pytest.mark.parametrize(
    "config",
    [
        TierSchemeConfig(),
        TierSchemeConfig(names=("only",), rule=ByCuts(cuts=())),
        TierSchemeConfig(names=("a", "b", "c", "d"), rule=ByHeadcount(shares=(0.1, 0.2, 0.5))),
        TierSchemeConfig(rule=ByValueShare(base="net")),
        TierSchemeConfig(
            names=("gold", "rest"),
            rule=ByCuts(cuts=(-3.5,)),
            labels=(Label(en="Gold", zh="黄金"), Label(en="Rest", zh="其他")),
        ),
    ],
)
def test_json_round_trip_keeps_the_rule(config: TierSchemeConfig) -> None:
    again = TierSchemeConfig.model_validate_json(config.model_dump_json())
    assert again == config
    assert hash(again) == hash(config)
    assert type(again.rule) is type(config.rule)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"names": ("key", "small")}, "2 tiers need 1 cuts; the rule makes 2"),
        ({"names": ("key", "key", "small")}, "unique"),
        ({"names": ("key", "ordinary", "bad")}, "'bad' is kept for the standing"),
        ({"names": ("key", " ordinary", "small")}, "pattern"),
        ({"names": ()}, "at least 1"),
        ({"labels": (Label(en="a", zh="b"),)}, "3 tiers need as many labels"),
        ({"rule": {"kind": "value_share", "shares": (0.95, 0.8)}}, "ascend strictly"),
        ({"rule": {"kind": "headcount", "shares": (0.2, 0.2)}}, "ascend strictly"),
        ({"rule": {"kind": "value_share", "shares": (0.0, 0.8)}}, "greater than 0"),
        ({"rule": {"kind": "value_share", "shares": (0.8, 1.1)}}, "less than or equal to 1"),
        ({"rule": {"kind": "cuts", "cuts": (10.0, 20.0)}}, "descend strictly"),
        ({"rule": {"kind": "cuts", "cuts": (float("inf"), 20.0)}}, "finite"),
        ({"rule": {"kind": "elbow"}}, "value_share"),
        ({"hysteresis": 0.15}, "Extra inputs"),
    ],
)
def test_refuses_what_is_not_a_scheme(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TierSchemeConfig.model_validate(wrong)


def test_replace_checks_again() -> None:
    with pytest.raises(ValidationError, match="4 tiers need 3 cuts"):
        TierSchemeConfig().replace(names=("a", "b", "c", "d"))


def test_labels_default_to_the_catalogue_and_then_to_the_name() -> None:
    config = TierSchemeConfig(names=("key", "rest"), rule=ByCuts(cuts=(1.0,)))
    assert [label.zh for label in config.tier_labels] == ["关键客户", "rest"]


def test_limits_must_be_in_order() -> None:
    with pytest.raises(ValidationError, match="watch_after_days must not exceed"):
        StandingConfig(watch_after_days=91)
    with pytest.raises(ValidationError, match="declining_gaps must not exceed"):
        LifecycleConfig(declining_gaps=4)
