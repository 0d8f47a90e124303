"""Files in: CSV and Parquet as text-safe frames. Files out: all or nothing."""

from __future__ import annotations

import shutil
import tempfile
import zlib
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
    is_parquet = path.suffix.lower() in (".parquet", ".pq")
    frame = _read_parquet(path) if is_parquet else _read_csv(path)
    if not len(frame):
        raise SchemaError(
            f"{path} has no rows",
            rule="a table has a header and at least one row",
            fix="check that the export is complete, or leave this table out",
        )
    return frame


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise SchemaError(
            f"{path} cannot be read: {error}",
            rule="a CSV file is UTF-8 text, comma separated, with one header line",
            fix="save it as CSV UTF-8, or give a Parquet file",
        ) from None
    if not isinstance(frame.index, pd.RangeIndex):
        raise SchemaError(
            f"{path} has more cells in a row than names in its header",
            rule="every row of a CSV file has as many cells as its header",
            fix="quote cells that contain a comma, or remove the comma at the end of the rows",
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
            f"{path} cannot be read: {error}",
            rule="a file named .parquet or .pq is Parquet",
            fix="check that the file is complete, or give a CSV file",
        ) from None


def check_folder(out: Path) -> None:
    """Refuse an output path that is a file, before any work is done."""
    for part in (out, *out.parents):
        if part.exists():
            if not part.is_dir():
                raise SchemaError(
                    f"{part} is a file", rule="--out is a folder", fix="give another --out"
                )
            return


@contextmanager
def all_or_nothing(out: Path) -> Iterator[Path]:
    """Give a scratch folder; move its files into `out` only if the block succeeds."""
    home = next(part for part in out.absolute().parents if part.is_dir())
    scratch = Path(tempfile.mkdtemp(prefix=".retainkit-", dir=home))
    try:
        yield scratch
        out.mkdir(parents=True, exist_ok=True)
        files = sorted(scratch.iterdir())
        for file in files:
            if (out / file.name).is_dir():
                raise SchemaError(
                    f"{out / file.name} is a folder",
                    rule=f"{file.name} is written there",
                    fix="rename that folder, or give another --out",
                )
        for file in files:
            file.replace(out / file.name)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
