"""The printed configuration is complete, commented, and reads back as the default."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel

from retainkit._cli._toml import read_toml, to_toml
from retainkit.pipeline import ActivityRate, PipelineConfig
from retainkit.tables import TransactionRules
from retainkit.tiers import ByCuts, ByHeadcount, TierSchemeConfig
from retainkit.value import ValueConfig
from tests.cli.conftest import Command

VARIANTS = [
    PipelineConfig(),
    PipelineConfig(
        unit="month",
        tier_basis="contribution",
        activity_rates=(ActivityRate(activity='a "quoted" call 电话', rate=4.5),),
        rules=PipelineConfig().rules.replace(
            transactions=TransactionRules(
                date_formats=("%d.%m.%Y",), decimal_mark=",", returns="drop"
            )
        ),
        value=ValueConfig(margin_rate=0.25),
    ),
    PipelineConfig(tiers=TierSchemeConfig(names=("a", "b"), rule=ByHeadcount(shares=(0.2,)))),
    PipelineConfig(tiers=TierSchemeConfig(names=("a", "b"), rule=ByCuts(cuts=(100.0,)))),
]


@pytest.mark.parametrize("config", VARIANTS, ids=range(len(VARIANTS)))
def test_toml_reads_back(config: PipelineConfig, tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text(to_toml(config), encoding="utf-8")
    assert PipelineConfig.model_validate(read_toml(path)) == config


def test_what_is_printed_is_the_default(command: Command) -> None:
    said = command(["config"])
    assert said.code == 0
    assert PipelineConfig.model_validate(tomllib.loads(said.out)) == PipelineConfig()


def leaves(config: BaseModel) -> int:
    values = [getattr(config, name) for name in type(config).model_fields]
    return sum(leaves(value) if isinstance(value, BaseModel) else 1 for value in values)


def test_every_setting_is_there_and_commented(command: Command) -> None:
    lines = command(["config"]).out.splitlines()
    setting = re.compile(r"(# )?[a-z_]+ =")
    places = [place for place, line in enumerate(lines) if setting.match(line)]
    assert len(places) == leaves(PipelineConfig())
    bare = [
        lines[place]
        for place in places
        if not lines[place - 1].startswith("# ") or setting.match(lines[place - 1])
    ]
    assert not bare
    tables = [place for place, line in enumerate(lines) if line.startswith("[")]
    assert not [lines[place] for place in tables if not lines[place - 1].startswith("# ")]


def test_a_part_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text("[churn]\nthreshold = 0.7\n", encoding="utf-8")
    config = PipelineConfig.model_validate(read_toml(path))
    assert config.churn.threshold == 0.7
    assert config.value == ValueConfig()


def fields(schema: dict[str, Any], node: dict[str, Any]) -> set[str]:
    (node,) = node.get("allOf", [node])  # older pydantic wraps a reference that has a default
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return set(node["properties"])


def test_the_schema_describes_the_configuration(command: Command) -> None:
    said = command(["schema"])
    assert said.code == 0
    schema = json.loads(said.out)
    assert fields(schema, schema) == set(PipelineConfig.model_fields)
    value = schema["properties"]["value"]
    assert fields(schema, value) == set(ValueConfig.model_fields)
    undescribed = [
        f"{name}.{key}"
        for name, owner in {**schema["$defs"], "": schema}.items()
        for key, node in owner.get("properties", {}).items()
        if "description" not in node and name not in ("Label",)
    ]
    assert not undescribed


def test_the_schema_accepts_the_default_and_refuses_the_rest() -> None:
    schema = PipelineConfig.model_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    default = json.loads(PipelineConfig().model_dump_json())
    jsonschema.validate(default, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**default, "unit": "year"}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**default, "tier_bases": 1}, schema)
