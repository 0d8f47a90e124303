"""`import retainkit` beside `import pandas, pydantic`, each in a fresh interpreter.

Run: python -m pytest benchmarks/test_import.py -s
Promise: at most 1.25 times. The package is lazy, so loading everything a run needs is shown too.
"""

from __future__ import annotations

import subprocess
import sys
from statistics import median
from time import perf_counter

STATEMENTS = {
    "yardstick": "import pandas, pydantic",
    "package": "import retainkit",
    "pipeline": "from retainkit import RetentionPipeline",
}


def seconds(statement: str) -> float:
    start = perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return perf_counter() - start


def test_promised_import() -> None:
    rounds = [{name: seconds(text) for name, text in STATEMENTS.items()} for _ in range(11)]
    times = {name: median(each[name] for each in rounds) for name in STATEMENTS}
    print(f"\n{ {name: f'{time:.3f} s' for name, time in times.items()} }")
    assert times["package"] <= 1.25 * times["yardstick"]
