"""Configs and models are immutable, exact and portable; results and errors are too."""

from __future__ import annotations

import dataclasses
import inspect
import pickle
import re
import typing
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from pydantic import ValidationError

from retainkit import errors
from retainkit._core.config import FrozenConfig
from retainkit._core.result import ResultTable
from tests.contract.walk import config_types, public_functions, result_types

MUTABLE = (list, dict, set, bytearray)
CONFIGS = config_types()
DOCUMENTS = {"ResultDocument"}
"""Written once and read back, never used as a key: their rows are JSON objects."""
RESULTS = result_types()


def examples() -> list[FrozenConfig]:
    """Return one record per type that has defaults, or that stands inside such a record."""
    found: dict[type, FrozenConfig] = {}
    waiting: list[Any] = []
    for kind in CONFIGS:
        with suppress(ValidationError):  # a type without a default value
            waiting.append(kind())
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, tuple | frozenset):
            waiting.extend(thing)
        elif isinstance(thing, FrozenConfig) and type(thing) not in found:
            found[type(thing)] = thing
            waiting.extend(getattr(thing, name) for name in type(thing).model_fields)
    return sorted(found.values(), key=name_of)


def name_of(thing: Any) -> str:
    kind = thing if isinstance(thing, type) else type(thing)
    return f"{kind.__module__}.{kind.__qualname__}"


EXAMPLES = examples()


def parts_of(annotation: Any) -> Iterator[Any]:
    yield typing.get_origin(annotation) or annotation
    for part in typing.get_args(annotation):
        yield from parts_of(part)


@pytest.mark.parametrize("kind", CONFIGS, ids=name_of)
def test_a_config_type_keeps_the_rules_of_the_base(kind: type[FrozenConfig]) -> None:
    assert kind.model_config["frozen"] is True
    assert kind.model_config["extra"] == "forbid"
    assert kind.model_config["allow_inf_nan"] is False


@pytest.mark.parametrize("kind", CONFIGS, ids=name_of)
def test_a_config_holds_tuples_and_frozensets_only(kind: type[FrozenConfig]) -> None:
    wrong = [
        name
        for name, field in kind.model_fields.items()
        if any(part in MUTABLE for part in parts_of(field.annotation))
    ]
    assert not wrong or kind.__name__ in DOCUMENTS


@pytest.mark.parametrize("config", EXAMPLES, ids=name_of)
def test_a_config_hashes_and_compares_by_value(config: FrozenConfig) -> None:
    again = type(config).model_validate(
        {name: getattr(config, name) for name in type(config).model_fields}
    )
    assert config == again
    assert hash(config) == hash(again)


@pytest.mark.parametrize("config", EXAMPLES, ids=name_of)
def test_a_config_goes_through_json_and_pickle_unchanged(config: FrozenConfig) -> None:
    assert type(config).model_validate_json(config.model_dump_json()) == config
    assert type(config).model_validate(config.model_dump()) == config
    assert pickle.loads(pickle.dumps(config)) == config


@pytest.mark.parametrize("config", EXAMPLES, ids=name_of)
def test_a_config_cannot_be_changed(config: FrozenConfig) -> None:
    for name in type(config).model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(config, name, getattr(config, name))


@pytest.mark.parametrize("config", EXAMPLES, ids=name_of)
def test_a_config_refuses_unknown_fields(config: FrozenConfig) -> None:
    with pytest.raises(ValidationError, match="no_such_field"):
        type(config).model_validate({**config.model_dump(), "no_such_field": 1})
    with pytest.raises(ValidationError, match="no_such_field"):
        config.replace(no_such_field=1)


@pytest.mark.parametrize("config", EXAMPLES, ids=name_of)
def test_replace_checks_again(config: FrozenConfig) -> None:
    """A value of a foreign type is refused in every field."""
    assert config.replace() == config
    for name in type(config).model_fields:
        with pytest.raises(ValidationError):
            config.replace(**{name: object()})


@pytest.mark.parametrize("config", EXAMPLES, ids=name_of)
def test_no_number_may_be_infinite_or_missing(config: FrozenConfig) -> None:
    for name in type(config).model_fields:
        if isinstance(getattr(config, name), float):
            for value in (float("nan"), float("inf")):
                with pytest.raises(ValidationError):
                    config.replace(**{name: value})


@pytest.mark.parametrize("kind", RESULTS, ids=name_of)
def test_a_result_is_a_frozen_record_that_shows_itself(kind: type[ResultTable]) -> None:
    assert "__dataclass_params__" in vars(kind), "not a dataclass"
    options = vars(kind)["__dataclass_params__"]
    assert (options.frozen, options.eq) == (True, False)
    assert not any("__dict__" in vars(base) for base in kind.__mro__), "no slots"
    fields: dict[str, dataclasses.Field[Any]] = vars(kind)["__dataclass_fields__"]
    positional = [one.name for one in fields.values() if one.kw_only is False]
    assert not positional
    assert not hasattr(kind, "__getattr__")
    assert "next: " in inspect.getsource(kind.__repr__), "the repr was generated"
    for name in ("summary", "__len__"):
        assert getattr(kind, name) is not getattr(ResultTable, name), name
    assert kind._schema or kind.to_frame is not ResultTable.to_frame


@pytest.mark.parametrize("kind", RESULTS, ids=name_of)
def test_a_result_names_a_next_step_that_exists(kind: type[ResultTable]) -> None:
    """Every `.member` and every `function(` in it is public somewhere."""
    step = kind._next_step
    members = re.findall(r"\.(\w+)", step)
    functions = re.findall(r"(?<![.\w])(\w+)\(", step)
    assert members or functions, step
    public = {name.rsplit(".", 1)[-1] for name in public_functions()}
    assert set(functions) <= public, step
    for member in members:
        assert any(hasattr(one, member) for one in RESULTS), step


def error_types() -> list[type[errors.RetainkitError]]:
    waiting, found = [errors.RetainkitError], []
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting.extend(kind.__subclasses__())
    return sorted(found, key=name_of)


@pytest.mark.parametrize("kind", error_types(), ids=name_of)
def test_errors_pickle_with_all_they_say(kind: type[errors.RetainkitError]) -> None:
    error = kind("wrong", rule="rule", where="where", fix="fix")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)
    assert (again.wrong, again.rule, again.where, again.fix) == ("wrong", "rule", "where", "fix")


@pytest.mark.parametrize("kind", error_types(), ids=name_of)
def test_an_error_is_also_the_builtin_a_caller_expects(kind: type[errors.RetainkitError]) -> None:
    if kind is not errors.RetainkitError:
        assert issubclass(kind, (ValueError, TypeError, RuntimeError, ImportError))
        assert not issubclass(kind, KeyError)
