"""Find the real data sets that pages are executed on; they are not part of the package."""

from __future__ import annotations

import os
from pathlib import Path


def find_data(name: str) -> Path | None:
    """Return the folder of a data set, or None after saying so on the page.

    Parameters
    ----------
    name : str
        Folder of the data set, below RETAINKIT_DATA or `../shared/data` beside the repository.

    Returns
    -------
    pathlib.Path or None
        The folder.
    """
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("RETAINKIT_DATA", default)) / name
    if folder.is_dir():
        return folder
    print(f"The data set {name!r} is not here (set RETAINKIT_DATA).")
    return None
