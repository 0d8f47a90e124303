"""Catalogues are data: TOML files of a room, read when something in them is first asked for."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, TypeVar

from retainkit._core.labels import Label

V = TypeVar("V")


def read_data(room: str, path: str) -> str:
    """Return the text of `data/<path>` of a room, for example of "retainkit.churn"."""
    return files(room).joinpath("data").joinpath(path).read_text(encoding="utf-8")


@cache
def read_catalogue(room: str, name: str) -> Mapping[str, Any]:
    """Return the document `data/<name>.toml` of a room; it is shared, so not to be changed."""
    return tomllib.loads(read_data(room, f"{name}.toml"))


class Catalogue(Mapping[str, V]):
    """Entries by id in the order of the file, read when one of them is first asked for."""

    def __init__(self, read: Callable[[], Mapping[str, V]]) -> None:
        self._read = read

    @cached_property
    def _entries(self) -> Mapping[str, V]:
        return self._read()

    def __getitem__(self, key: str) -> V:
        return self._entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<Catalogue: {', '.join(self)}>"


def read_labels(room: str, name: str, *tables: str) -> Catalogue[Label]:
    """Return the labels in some tables of a document, or in all of them."""

    def read() -> Mapping[str, Label]:
        document = read_catalogue(room, name)
        rows = [row for table in tables or document for row in document[table].items()]
        labels = {key: Label(**texts) for key, texts in rows}
        if len(labels) < len(rows):
            raise ValueError(f"{room}, {name}.toml: an id appears twice")
        return labels

    return Catalogue(read)
