"""The table of what was judged, at the end of a run over all seeds."""

from __future__ import annotations

import pytest

from tests.robustness.bars import RUNS


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print one line per kind of firm."""
    if RUNS:
        from tests.robustness.table import explain, table

        terminalreporter.write_sep("=", "simulated firms")
        terminalreporter.write_line(table(list(RUNS.values())) + "\n\n" + explain())
