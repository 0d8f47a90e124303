"""The command line: files in, files out.

`python -m retainkit demo` shows everything on real purchases, `run` does it on yours, `backtest`
holds what it would have said on past days against what came, `config` prints the default
configuration, `schema` its JSON Schema.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from retainkit._cli._commands import (
    OPTIONS,
    TABLES,
    print_config,
    print_schema,
    run_backtest,
    run_demo,
    run_files,
)
from retainkit._cli._complaints import Parser, in_options
from retainkit.errors import RetainkitError, RetainkitWarning

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words after the program's name; default those of the process.

    Returns
    -------
    int
        0 on success, 2 when the input or the command line is wrong; then nothing is written.

    Examples
    --------
    >>> from retainkit.__main__ import main
    >>> main(["run", "missing.csv", "--as-of", "2024-12-31", "--out", "out"])
    2
    """
    parser = _parser()
    try:
        options = parser.parse_args(arguments)
        with warnings.catch_warnings(record=True) as noticed:
            warnings.simplefilter("always", RetainkitWarning)
            options.command(options)
    except SystemExit as stop:
        return int(stop.code or 0)
    except RetainkitError as error:
        sys.stderr.write(f"retainkit: {in_options(error, OPTIONS)}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"retainkit: {error}\n")
        return 2
    for notice in noticed:
        sys.stderr.write(f"retainkit: note: {notice.message}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m retainkit",
        description="Turn raw customer records into governed decisions.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="run everything on real purchases (CDNOW)")
    demo.add_argument("--out", type=Path, default=Path("demo"), help="folder to write to")
    demo.add_argument("--language", choices=("en", "zh"), default="en", help="display language")
    demo.set_defaults(command=run_demo)
    _add_run(commands.add_parser("run", help="run everything on your files"))
    _add_backtest(
        commands.add_parser("backtest", help="run on past days, hold against what came next")
    )
    config = commands.add_parser("config", help="print the default configuration, commented")
    config.set_defaults(command=print_config)
    schema = commands.add_parser("schema", help="print the JSON Schema of the configuration")
    schema.set_defaults(command=print_schema)
    return parser


def _add_run(run: argparse.ArgumentParser) -> None:
    _add_files(run)
    run.add_argument(
        "--backtest",
        type=int,
        default=0,
        metavar="FOLDS",
        help="also run on this many past days, and show in the report how far it can be trusted",
    )
    run.add_argument(
        "--previous",
        type=Path,
        metavar="DIR",
        help="folder of an earlier run: its tiers and states hold, its list of actions lives on,"
        " and its trial is read when it is over",
    )
    run.set_defaults(command=run_files)


def _add_backtest(run: argparse.ArgumentParser) -> None:
    _add_files(run)
    run.add_argument(
        "--folds",
        default="3",
        metavar="N|DATE,...",
        help="how many past days to stand on, or which: YYYY-MM-DD,...",
    )
    run.set_defaults(command=run_backtest)


def _add_files(run: argparse.ArgumentParser) -> None:
    """Add the tables, their columns, and where everything goes."""
    run.add_argument(
        "transactions",
        type=Path,
        nargs="?",
        help="CSV or Parquet file of transactions; leave it out for contracts alone",
    )
    run.add_argument(
        "--as-of", required=True, metavar="DATE", help="last observed day, inclusive: YYYY-MM-DD"
    )
    run.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    run.add_argument("--config", type=Path, metavar="FILE", help="configuration, see `config`")
    run.add_argument("--language", choices=("en", "zh"), default="en", help="display language")
    for table in TABLES:
        if table != "transactions":
            run.add_argument(f"--{table}", type=Path, metavar="FILE", help=f"{table} table")
        option = "--columns" if table == "transactions" else f"--{TABLES[table].option}-columns"
        run.add_argument(
            option,
            default="",
            metavar="ROLE=NAME,...",
            dest=f"{table}_columns",
            help=f"column names of {table}, e.g. customer_id=CustomerID",
        )


if __name__ == "__main__":
    sys.exit(main())
