"""Catalogues: every data file is whole, in both languages, and read only when asked for."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import retainkit
from retainkit._core.catalogue import Catalogue, read_catalogue, read_labels

FILES = sorted(Path(retainkit.__file__).parent.glob("*/data/*.toml"))


def tables(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for inner in node.values():
            yield from tables(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from tables(inner)


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows if "id" in row]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_texts_stand_in_both_languages_and_ids_are_unique(path: Path) -> None:
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    for table in tables(document):
        if isinstance(table.get("en", table.get("zh")), str):
            assert table["en"].strip()
            assert table["zh"].strip()
        for rows in table.values():
            if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
                assert len(set(ids(rows))) == len(ids(rows))


def test_entries_are_read_when_the_first_is_asked_for() -> None:
    reads = []

    def read() -> dict[str, int]:
        reads.append(1)
        return {"b": 2, "a": 1}

    entries = Catalogue(read)
    assert not reads
    assert list(entries) == ["b", "a"]
    assert (entries["a"], len(entries), entries == {"a": 1, "b": 2}) == (1, 2, True)
    assert "c" not in entries
    assert repr(entries) == "<Catalogue: b, a>"
    assert len(reads) == 1


def test_importing_reads_none_of_the_larger_catalogues() -> None:
    code = (
        "import retainkit.metrics, retainkit.policy, retainkit.report, retainkit.scorecard\n"
        "from retainkit._core import catalogue\n"
        "seen = catalogue.read_catalogue.cache_info().misses\n"
        "catalogue.read_catalogue('retainkit.tiers', 'catalogue')\n"
        "assert catalogue.read_catalogue.cache_info().misses == seen == 1, seen\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_labels_of_some_tables_and_of_all() -> None:
    some = read_labels("retainkit.tables", "reasons", "reasons")
    every = read_labels("retainkit.tables", "reasons")
    assert set(some) < set(every)
    assert (
        every["missing_"].text("zh")
        == read_catalogue("retainkit.tables", "reasons")["prefixes"]["missing_"]["zh"]
    )


def test_an_id_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"retainkit.tables, reasons.toml: an id appears twice"):
        len(read_labels("retainkit.tables", "reasons", "reasons", "reasons"))
