"""What each command does."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from pydantic import ValidationError

from retainkit._cli._complaints import explain_validation
from retainkit._cli._files import all_or_nothing, check_folder, read_table
from retainkit._cli._previous import PRICES, read_previous, write_plan
from retainkit._cli._progress import StageProgress
from retainkit._cli._summary import summarize_run
from retainkit._cli._toml import read_toml, to_toml
from retainkit._core.config import FrozenConfig
from retainkit._core.time import parse_as_of
from retainkit.datasets import load_cdnow_sample
from retainkit.errors import AsOfError, SchemaError
from retainkit.pipeline import (
    BacktestResult,
    PipelineConfig,
    RetentionPipeline,
    RetentionResult,
    backtest,
)
from retainkit.tables import (
    ActivityColumns,
    ContractColumns,
    CustomerColumns,
    EventColumns,
    SurveyColumns,
    TransactionColumns,
)
from retainkit.typing import Language

_LISTS = ("strategic_flags", "traits", "protected_attributes", "covariates")


class _Table(NamedTuple):
    option: str
    argument: str
    columns: type[FrozenConfig]


TABLES: dict[str, _Table] = {
    "transactions": _Table("", "columns", TransactionColumns),
    "customers": _Table("customer", "customer_columns", CustomerColumns),
    "contracts": _Table("contract", "contract_columns", ContractColumns),
    "events": _Table("event", "event_columns", EventColumns),
    "surveys": _Table("survey", "survey_columns", SurveyColumns),
    "activities": _Table("activity", "activity_columns", ActivityColumns),
}


OPTIONS = {
    table.columns.__name__: f"--{table.option}-columns" if table.option else "--columns"
    for table in TABLES.values()
}
"""The option that says what each column map says in Python."""


def run_demo(options: argparse.Namespace) -> None:
    """Run everything on the CDNOW sample and write it to a folder."""
    _check_output(options.out)
    with StageProgress() as progress:
        progress("reading CDNOW")
        result = RetentionPipeline().run(load_cdnow_sample(), as_of="1998-06-30", progress=progress)
        _write(result, options.out, options.language, progress)
    _print_summary(result, options.out, options.language)


def run_files(options: argparse.Namespace) -> None:
    """Run everything on the user's files and write it to a folder."""
    as_of = parse_as_of(options.as_of)
    _need_rows(options)
    config = _read_config(options.config)
    chosen = _read_columns(options)
    before = None if options.previous is None else read_previous(options.previous)
    _check_output(options.out)
    with StageProgress() as progress:
        arguments = {"as_of": as_of, "progress": progress, **chosen}
        arguments |= _read_tables(options, progress)
        result = RetentionPipeline(config).run(previous=before, **arguments)
        tested = None
        if options.backtest > 0:
            tested = backtest(config=config, folds=options.backtest, **arguments)
        _write(result, options.out, options.language, progress, tested)
    _print_summary(result, options.out, options.language)


def run_backtest(options: argparse.Namespace) -> None:
    """Run on past days, hold that against what came next, and write both to a folder."""
    as_of = parse_as_of(options.as_of)
    _need_rows(options)
    config, folds = _read_config(options.config), _read_folds(options.folds)
    chosen = _read_columns(options)
    check_folder(options.out)
    with StageProgress() as progress:
        arguments = _read_tables(options, progress)
        tested = backtest(
            as_of=as_of, config=config, folds=folds, progress=progress, **chosen, **arguments
        )
        progress("writing files")
        with all_or_nothing(options.out) as folder:
            _write_csv(tested.to_frame(), folder / "backtest.csv")
            _write_csv(tested.summary(), folder / "summary.csv")
            _write_csv(tested.folds, folder / "folds.csv")
    lines = [*tested.describe(options.language), ""]
    lines.append(f"written to {options.out}: backtest.csv, summary.csv, folds.csv")
    sys.stdout.write("\n".join(lines) + "\n")


def _need_rows(options: argparse.Namespace) -> None:
    if options.transactions is None and options.contracts is None:
        raise SchemaError(
            "neither transactions nor contracts are given",
            rule="a run starts from purchases or, for a contract business, from contracts",
            where="run",
            fix="name the CSV or Parquet file of transactions after `run`, or add --contracts FILE",
        )


def _read_tables(options: argparse.Namespace, progress: StageProgress) -> dict[str, Any]:
    """Return the tables that were given, by the name of the pipeline's argument."""
    tables: dict[str, Any] = {}
    for name in TABLES:
        path = getattr(options, name)
        if path is not None:
            progress(f"reading {name}")
            tables[name] = read_table(path)
    return tables


def _read_folds(text: str) -> int | tuple[date, ...]:
    """Read how many past days to stand on, or which."""
    if text.strip().isdecimal() and int(text) > 0:
        return int(text)
    try:
        return tuple(parse_as_of(day) for day in text.split(","))
    except AsOfError:
        raise SchemaError(
            f"--folds is {text!r}",
            rule="how many past days to stand on (1 or more), or which: YYYY-MM-DD,...",
            where="--folds",
            fix="--folds 3, or --folds 2024-03-31,2024-09-30",
        ) from None


def _check_output(out: Path) -> None:
    """Find out before the work, not after it, that nothing could be written."""
    from retainkit.report.plots._canvas import need

    check_folder(out)
    for package in ("matplotlib", "jinja2"):
        need(package)


def _read_config(path: Path | None) -> PipelineConfig:
    if path is None:
        return PipelineConfig()
    try:
        return PipelineConfig.model_validate(read_toml(path))
    except ValidationError as error:
        raise SchemaError(explain_validation(error, PipelineConfig, str(path))) from None


def _read_columns(options: argparse.Namespace) -> dict[str, Any]:
    """Return the column maps that were given, by the name of the pipeline's argument."""
    chosen: dict[str, Any] = {}
    for name, table in TABLES.items():
        text = getattr(options, f"{name}_columns")
        if not text:
            continue
        if getattr(options, name) is None:
            raise SchemaError(
                f"--{table.option}-columns is given without --{name}",
                rule="column names belong to a table",
                fix=f"add --{name} FILE",
            )
        chosen[table.argument] = parse_columns(text, table)
    return chosen


def print_config(options: argparse.Namespace) -> None:  # noqa: ARG001 - one shape of command
    """Print the default configuration as commented TOML."""
    sys.stdout.write(to_toml(PipelineConfig()) + "\n")


def print_schema(options: argparse.Namespace) -> None:  # noqa: ARG001 - one shape of command
    """Print the JSON Schema of the configuration."""
    schema = PipelineConfig.model_json_schema()
    sys.stdout.write(json.dumps(schema, indent=2, ensure_ascii=False) + "\n")


def parse_columns(text: str, table: _Table) -> FrozenConfig:
    """Read `role=name,role=name`; a role that lists several columns may be repeated."""
    kind, option = table.columns, f"--{table.option}-columns" if table.option else "--columns"
    chosen: dict[str, Any] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        role, found, name = (part.strip() for part in pair.partition("="))
        if not found or role not in kind.model_fields:
            near = get_close_matches(role, kind.model_fields, n=1)
            roles = ", ".join(kind.model_fields)
            raise SchemaError(
                f"{pair!r} does not name a column",
                rule=f"ROLE=NAME, with role one of {roles}",
                where=option,
                fix=f"{option} {near[0]}={name or 'NAME'}"
                if near
                else f"leave it out, or name one of the roles {roles}",
            )
        if role in _LISTS:
            chosen[role] = (*chosen.get(role, ()), name)
        else:
            chosen[role] = name or None
    try:
        return kind.model_validate(chosen)
    except ValidationError as error:
        raise SchemaError(explain_validation(error, kind, option)) from None


def _write(
    result: RetentionResult,
    out: Path,
    language: Language,
    progress: Callable[[str], None],
    tested: BacktestResult | None = None,
) -> None:
    """Write every file, or none."""
    from retainkit.report import write_report

    progress("writing files")
    with all_or_nothing(out) as folder:
        _write_csv(result.customers.to_frame(language=language), folder / "customers.csv")
        write_plan(result, folder, language)
        _write_csv(result.ledger.to_frame(), folder / "ledger.csv")
        _write_csv(result.ledger.rows(), folder / "rejected.csv")
        (folder / "result.json").write_text(result.to_document().to_json(), encoding="utf-8")
        write_report(result, folder / "report.html", language=language, backtest=tested)


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False, encoding="utf-8")


def _print_summary(result: RetentionResult, out: Path, language: Language) -> None:
    """Print the few lines that say what came out, and where the rest is."""
    names = "customers.csv, plan.csv, ledger.csv, rejected.csv, result.json, report.html"
    names += f", {PRICES}" if result.prices else ""
    sys.stdout.write("\n".join(summarize_run(result, out, names, language)) + "\n")
