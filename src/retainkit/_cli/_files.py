"""Files in: CSV and Parquet as text-safe frames. Files out: all or nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from retainkit.errors import MissingDependencyError, SchemaError


def read_table(path: Path) -> pd.DataFrame:
    """Read a CSV or Parquet file; CSV cells stay text, so that leading zeros survive."""
    if not path.is_file():
        raise SchemaError(
            f"{path} is not a file", rule="a table is a CSV or Parquet file", fix="check the path"
        )
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-1:] in ([".parquet"], [".pq"]):
        return _read_parquet(path)
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except pd.errors.EmptyDataError:
        frame = pd.DataFrame()
    except (UnicodeDecodeError, pd.errors.ParserError, OSError) as error:
        raise SchemaError(
            f"{path} cannot be read: {error}",
            rule="a CSV file is UTF-8 text, comma separated, with one header line",
            fix="save it as CSV UTF-8, or give a Parquet file",
        ) from None
    if frame.empty:
        raise SchemaError(
            f"{path} has no rows", rule="a table has a header and at least one row", fix="fill it"
        )
    return frame


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except ImportError:
        raise MissingDependencyError(
            f"{path} is Parquet, which pyarrow reads",
            rule="pyarrow is optional",
            fix='python -m pip install "retainkit[parquet]", or give a CSV file',
        ) from None
    except (OSError, ValueError) as error:
        raise SchemaError(
            f"{path} cannot be read: {error}", rule="the file is Parquet", fix="check the file"
        ) from None


@contextmanager
def all_or_nothing(out: Path) -> Iterator[Path]:
    """Give a scratch folder; move its files into `out` only if the block succeeds."""
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".retainkit-", dir=out.parent))
    try:
        yield scratch
        out.mkdir(exist_ok=True)
        for file in sorted(scratch.iterdir()):
            file.replace(out / file.name)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
