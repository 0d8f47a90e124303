"""Checks of the project: `python -m nox` runs all that a change must pass.

Two sessions run at a time and print what they say when they end; `-j 1` runs them one by one.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = False
nox.needs_version = ">=2026.8.17"
nox.options.parallel = 2
nox.options.sessions = ["lint", "typing", "tests", "docs", "wheel", "doctests"]
if sys.version_info[:2] == (3, 11):
    nox.options.sessions.insert(1, "lowest")  # what takes long begins early

ROOT = Path(__file__).parent
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""Where two processes work, each keeps to one core."""
TWO_PROCESSES = ("-n", "2", "--dist", "worksteal")
"""Each process takes half of the files, so that what the tests of a file share is worked out once;
who has finished takes over from the other, so that both end together."""
OURS_ALONE = ("consistency", "contract", "property", "real", "robustness")
"""Folders of tests that call dependencies as the tests of the rooms do; see `lowest`."""
DATA = {"RETAINKIT_DATA": os.environ.get("RETAINKIT_DATA", str(ROOT.parent / "shared" / "data"))}
SHARED = ROOT / ".nox" / "environment" / ("Scripts" if os.name == "nt" else "bin")
"""Commands of the environment that `typing`, `tests`, `doctests` and `docs` share."""


def group(*names: str) -> list[str]:
    """Return the requirements of dependency groups (works with any version of pip)."""
    return list(nox.project.dependency_groups(PYPROJECT, *names))


def run(session: nox.Session, command: str, *words: str) -> None:
    """Run a command of the shared environment on the data, each process on one core."""
    path = {"PATH": os.pathsep.join([str(SHARED), os.environ.get("PATH", "")])}
    env = {**DATA, **ONE_THREAD, **path}
    session.run(str(SHARED / command), *words, env=env, external=True)


@nox.session(allow_parallel=True)
def lint(session: nox.Session) -> None:
    """Style and format."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(allow_parallel=True)
def environment(session: nox.Session) -> None:
    """Install once what `typing`, `tests`, `doctests` and `docs` share."""
    session.install("--no-compile", "-e", ".[all]", *group("typing", "test", "docs"))


@nox.session(venv_backend="none", requires=["environment"], allow_parallel=True)
def typing(session: nox.Session) -> None:
    """Strict types on the package, its tests and this file."""
    run(session, "mypy", *session.posargs)


@nox.session(venv_backend="none", requires=["environment"], allow_parallel=True)
def tests(session: nox.Session) -> None:
    """Unit, reference, consistency, property, contract and real-data tests."""
    run(session, "pytest", *(session.posargs or [*TWO_PROCESSES, "-m", "not slow"]))


@nox.session(venv_backend="none", requires=["environment"], allow_parallel=True)
def doctests(session: nox.Session) -> None:
    """Every example in the docstrings and in the README."""
    where = ("--doctest-modules", "--doctest-glob=README.md", "src/retainkit", "README.md")
    run(session, "pytest", *where, "-q", *TWO_PROCESSES)


@nox.session(venv_backend="none", requires=["environment"], allow_parallel=True)
def docs(session: nox.Session) -> None:
    """Build the documentation, executing its pages in two processes; a warning is an error."""
    out = session.posargs[0] if session.posargs else "docs/_build/html"
    how = ("-W", "--keep-going", "-q", "-j", "2", "-b", "html")
    run(session, "sphinx-build", *how, "docs", out)


@nox.session(allow_parallel=True)
def wheel(session: nox.Session) -> None:
    """Build the wheel, install it bare, and run the demonstration from it."""
    session.install("build")
    dist = session.create_tmp()
    session.run("python", "-m", "build", "--outdir", dist, ".")
    built = sorted(Path(dist).glob("*.whl"))[-1]
    session.install("--no-compile", "--force-reinstall", f"{built}[report]")
    session.chdir(dist)
    session.run("python", "-m", "pip", "check")
    session.run("python", "-m", "retainkit", "demo", "--out", "demo")
    session.run(
        "python", "-c", "import retainkit; print(retainkit.__version__, retainkit.__file__)"
    )


@nox.session(allow_parallel=True)
def lowest(session: nox.Session) -> None:
    """The tests of every room once more, with the lowest versions the package declares.

    What an older dependency lacks or does otherwise shows where it is called: each call stands in
    a room, and the folder of tests that mirrors the room makes it; `cli`, `engines` and `report`
    run the pipeline whole, on every kind of table and file. Left out is what makes the same calls
    again to ask something of our own code: whether two ways agree (`consistency`, of which the
    pipeline by hand and every kind of frame stay), what the source looks like (`contract`, of which
    the records of pydantic stay), random tables and firms (`property`, `robustness` and every law
    drawn by hypothesis) and whole bases (`real`).
    A new folder is included unless it is named among `OURS_ALONE`.
    """
    session.install("--no-compile", ".[all]", *group("test"), "-c", "tests/lowest.txt")
    kept = (
        "consistency/test_metamorphic",
        "consistency/test_pipeline_by_hand",
        "contract/test_records",
    )
    stays = (f"tests/{name}.py" for name in kept)
    left_out = (f"--ignore=tests/{folder}" for folder in OURS_ALONE)
    which = "not slow and not hypothesis"
    args = session.posargs or [*TWO_PROCESSES, "-m", which, *left_out, "tests", *stays]
    session.run("pytest", *args, env={**DATA, **ONE_THREAD})


@nox.session(python=["3.12", "3.13"])
def compatibility(session: nox.Session) -> None:
    """The tests on the other supported versions of Python (outside the default run)."""
    session.install(".[all]", *group("test"))
    session.run("pytest", *TWO_PROCESSES, "-m", "not slow", *session.posargs, env=DATA)


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Side-by-side timings (outside the default run); see benchmarks/README.md."""
    session.install(".[all]", *group("benchmark"))
    session.run("pytest", "benchmarks", "-s", "-q", *session.posargs, env=DATA)


@nox.session
def slow(session: nox.Session) -> None:
    """Stress grids and simulations (outside the default run)."""
    session.install(".[all]", *group("test"))
    session.run("pytest", "-m", "slow and not robustness", *session.posargs, env=DATA)


@nox.session
def robustness(session: nox.Session) -> None:
    """Forecasts on simulated firms over 20 or 200 seeds, as one table (outside the default run)."""
    session.install(".[all]", *group("test"))
    session.run("pytest", "tests/robustness", "-m", "robustness", *session.posargs, env=DATA)
