"""Print how the forecast does on every kind of firm: `python -m tests.robustness.table`.

One line per kind: seeds, the figure of each bar that is asked of it, and whether all are met.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np

from tests.robustness.bars import (
    BARS,
    NAMES,
    UNBROKEN,
    Bar,
    Run,
    flagged_without_break,
    run_kind,
    seeds_of,
)

MOST_FLAGGED = 0.1


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"


def _cell(bar: Bar, run: Run) -> str:
    """Write a figure, in brackets where nothing is asked, with ! where the bar is not met."""
    if run.name in bar.kinds:
        value = bar.value(run)
        return _number(value) + ("" if bar.met(value) else " !")
    return ""


def misses(run: Run) -> list[str]:
    """Return the bars that a kind does not meet."""
    return [bar.name for bar in BARS if run.name in bar.kinds and not bar.met(bar.value(run))]


def table(runs: Sequence[Run]) -> str:
    """Write the verdicts on each kind as a table in Markdown."""
    names = [bar.name for bar in BARS]
    rows = [["kind", "seeds", *names, "met"], ["---"] * (len(names) + 3)]
    for run in runs:
        cells = [_cell(bar, run) for bar in BARS]
        rows.append([run.name, str(len(run.verdicts)), *cells, "no" if misses(run) else "yes"])
    flagged = flagged_without_break(runs)
    if not np.isnan(flagged):
        cells = [_number(flagged) if name == "flagged" else "" for name in names]
        count = sum(len(run.verdicts) for run in runs if run.name in UNBROKEN)
        met = "yes" if flagged <= MOST_FLAGGED else "no"
        rows.append(["all without a break", str(count), *cells, met])
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


def explain() -> str:
    """Say what is asked."""
    return "\n".join(f"- **{bar.name}**: {bar.text}" for bar in BARS)


def main() -> None:
    """Print the table and what its columns mean."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("firms", nargs="*", help=f"all by default: {', '.join(NAMES)}")
    parser.add_argument("--seeds", type=int, help="for every kind alike")
    args = parser.parse_args()
    runs = [run_kind(name, args.seeds or seeds_of(name)) for name in args.firms or NAMES]
    sys.stdout.write(table(runs) + "\n\n" + explain() + "\n")


if __name__ == "__main__":
    main()
