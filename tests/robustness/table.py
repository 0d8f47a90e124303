"""Print what a default run says of every firm beside what came: `python -m tests.robustness.table`.

One line per firm; medians over the seeds unless the column is a share of seeds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd

from tests.robustness.firms import KINDS
from tests.robustness.judge import Verdict, judge, judge_recorded

COLUMNS = {
    "AUC": "P(active) ranks who was active, median",
    "plain": "the same of the best plain rule (silence, regression, survival by tenure and term)",
    "level": "share of seeds with an AUC at most .01 behind it",
    "money": "expected / actual money, median; `-` where it is refused",
    "right": "share of seeds with this within .67 to 1.5",
    "or said": "share of seeds with this within .67 to 1.5, or a note that names the cause",
    "flagged": "share of seeds in which the forecast as a whole carries a note",
    "empty": "share of customers without a probability, a value or an interval, mean",
    "no reason": "share of customers without one of these and without a reason, mean",
    "error": "calibration error of P(active), median",
    "noise": "what chance alone gives a perfect forecast, median",
    "window named": "calibration error once the recorded window is named, median",
    "within": "share of customers whose money is within the 90 % interval, median",
    "top fifth": "the same among the best fifth by forecast, median",
    "ranks": "what the run says of its ranking: yes / no / not known, share of seeds",
    "power": "share of seeds in which the hidden truth ranks better than chance by two errors",
    "worth 0": "running contracts worth nothing, sum over the seeds",
    "s": "seconds of a run, median",
}


def _middle(values: Sequence[float]) -> float:
    known = [one for one in values if not np.isnan(one)]
    return float(np.median(known)) if known else float("nan")


def _share(values: Sequence[bool]) -> float:
    return float(np.mean(values))


def line(verdicts: Sequence[Verdict], recorded: Sequence[float] = ()) -> dict[str, float | str]:
    """Sum up the verdicts on one firm."""
    said = [one.ranks for one in verdicts]
    shares = [_share([word == wanted for word in said]) for wanted in ("yes", "no", "not known")]
    known = any(word != "not told" for word in said)
    return {
        "firm": verdicts[0].firm,
        "AUC": _middle([one.auc for one in verdicts]),
        "plain": _middle([one.plain_auc for one in verdicts]),
        "level": _share([one.behind <= 0.01 for one in verdicts]),
        "money": _middle([one.expected_over_actual for one in verdicts]),
        "right": _share([one.money_is_right for one in verdicts]),
        "or said": _share([one.money_is_right or one.named for one in verdicts]),
        "flagged": _share([one.flagged for one in verdicts]),
        "empty": float(np.mean([one.empty for one in verdicts])),
        "no reason": float(np.mean([one.unexplained for one in verdicts])),
        "error": _middle([one.calibration for one in verdicts]),
        "noise": _middle([one.noise for one in verdicts]),
        "window named": _middle(recorded),
        "within": _middle([one.coverage for one in verdicts]),
        "top fifth": _middle([one.coverage_top for one in verdicts]),
        "ranks": " / ".join(f"{share:.2f}" for share in shares) if known else "not told",
        "power": _share([one.oracle_beyond_chance > 2 for one in verdicts]),
        "worth 0": sum(one.worthless for one in verdicts),
        "s": _middle([one.seconds for one in verdicts]),
    }


def _work(task: tuple[str, int]) -> tuple[Verdict, Verdict | None]:
    return judge(*task), judge_recorded(*task)


def table(names: Sequence[str], seeds: int, jobs: int = 1) -> pd.DataFrame:
    """Judge the firms, `seeds` times each; one row per firm."""
    tasks = [(name, seed) for name in names for seed in range(seeds)]
    if jobs > 1:
        with ProcessPoolExecutor(jobs) as pool:
            done = list(pool.map(_work, tasks))
    else:
        done = [_work(task) for task in tasks]
    lines = []
    for name in names:
        mine = [pair for pair in done if pair[0].firm == name]
        recorded = [second.calibration for _, second in mine if second is not None]
        lines.append(line([first for first, _ in mine], recorded))
    return pd.DataFrame(lines)


def markdown(frame: pd.DataFrame) -> str:
    """Write a table as Markdown: money and shares with two places, errors with three."""

    def cell(name: str, value: object) -> str:
        if not isinstance(value, float):
            return str(value)
        if np.isnan(value):
            return "-"
        return f"{value:.3f}" if name in ("AUC", "plain", "error", "noise") else f"{value:.2f}"

    names = list(frame.columns)
    rows = [[cell(name, row[name]) for name in names] for row in frame.to_dict("records")]
    body = ["| " + " | ".join(cells) + " |" for cells in [names, ["---"] * len(names), *rows]]
    return "\n".join(body)


def main() -> None:
    """Print the table and what its columns mean."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("firms", nargs="*", help=f"all by default: {', '.join(KINDS)}")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    frame = table(args.firms or list(KINDS), args.seeds, args.jobs)
    notes = [f"- **{name}**: {text}" for name, text in COLUMNS.items()]
    head = f"{args.seeds} seeds per firm.\n\n"
    sys.stdout.write(head + markdown(frame) + "\n\n" + "\n".join(notes) + "\n")


if __name__ == "__main__":
    main()
