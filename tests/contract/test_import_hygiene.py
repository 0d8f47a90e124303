"""Importing the package, or any room of it, changes nothing and loads nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.walk import PACKAGE

HEAVY = (
    *("lifetimes", "autograd", "matplotlib", "jinja2", "scipy.stats", "scipy.optimize"),
    *("polars", "duckdb", "pyspark", "sklearn", "statsmodels"),
)
ROOMS = sorted(
    {
        f"retainkit.{path.stem}"
        for path in (*PACKAGE.glob("*.py"), *PACKAGE.glob("*/__init__.py"))
        if path.stem != "__init__"
    }
    | {f"retainkit.{path.parent.name}" for path in PACKAGE.glob("*/__init__.py")}
)

SNAPSHOT = """
import importlib, json, locale, logging, os, random, signal, sys, threading, warnings
import numpy, pandas, pydantic, scipy.special, narwhals
from pandas._config import config as options

def pandas_options():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some options are deprecated
        return {key: repr(options.get_option(key)) for key in options._registered_options}

def state():
    return {
        "filters": repr(warnings.filters),
        "pandas": pandas_options(),
        "numpy": repr([numpy.geterr(), numpy.get_printoptions()]),
        "threads": threading.active_count(),
        "files": sorted(os.listdir()),
        "environment": dict(os.environ),
        "directory": os.getcwd(),
        "handlers": repr([logging.root.handlers, logging.root.level]),
        "random": hash((random.getstate(), numpy.random.get_state()[1].tobytes())),
        "recursion": sys.getrecursionlimit(),
        "path": list(sys.path),
        "locale": locale.setlocale(locale.LC_ALL),
        "signals": repr(signal.getsignal(signal.SIGINT)),
        "hooks": repr([sys.excepthook, sys.displayhook]),
    }

before = state()
for name in sys.argv[1:]:
    importlib.import_module(name)
after = state()
print(json.dumps([key for key in before if before[key] != after[key]]))
"""
LOADED = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(sorted(sys.modules)))
"""


def run_python(code: str, *names: str, directory: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", code, *names],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    answer: list[str] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("names", [["retainkit"], ["retainkit", *ROOMS]], ids=["package", "rooms"])
def test_importing_changes_nothing_in_the_process(names: list[str], tmp_path: Path) -> None:
    assert run_python(SNAPSHOT, *names, directory=tmp_path) == []


@pytest.mark.parametrize("names", [["retainkit"], ["retainkit", *ROOMS]], ids=["package", "rooms"])
def test_importing_loads_nothing_heavy(names: list[str], tmp_path: Path) -> None:
    loaded = set(run_python(LOADED, *names, directory=tmp_path))
    assert set(names) <= loaded
    assert sorted(loaded & set(HEAVY)) == []


def test_importing_the_package_loads_no_room(tmp_path: Path) -> None:
    """The rooms come when they are asked for (PEP 562)."""
    loaded = run_python(LOADED, "retainkit", directory=tmp_path)
    assert [name for name in loaded if name in ROOMS] == []
