from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from retainkit.__main__ import main


class Said(NamedTuple):
    """What a command returned and wrote to the terminal."""

    code: int
    out: str
    err: str


Command = Callable[[Sequence[object]], Said]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command line in this process."""

    def run(words: Sequence[object]) -> Said:
        capsys.readouterr()
        code = main([str(word) for word in words])
        return Said(code, *capsys.readouterr())

    return run


@pytest.fixture
def purchases(tmp_path: Path) -> Path:
    """A small CSV with ids that have leading zeros, one return and one unusable row."""
    lines = ["customer,date,money"]
    lines += [
        f"{customer:05d},2024-{month:02d}-{1 + customer % 27:02d},{10 + customer}.50"
        for customer in range(1, 41)
        for month in range(1, 13, 1 + customer % 4)
    ]
    lines += ["00001,2024-12-05,-4.50", ",2024-05-05,9.00"]
    path = tmp_path / "purchases.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


COLUMNS = "customer_id=customer,timestamp=date,amount=money"
