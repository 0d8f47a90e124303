"""ProgressBar: the stages of a run in a terminal or a notebook."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from retainkit.errors import MissingDependencyError


class ProgressBar:
    """Show the running stage once the work has lasted `delay` seconds (extra `progress`).

    Parameters
    ----------
    delay : float, default 1.0
        How long to stay silent [second].

    Raises
    ------
    MissingDependencyError
        If tqdm is not installed.

    Examples
    --------
    >>> import retainkit as rk
    >>> from retainkit.pipeline import ProgressBar
    >>> with ProgressBar() as progress:
    ...     result = rk.RetentionPipeline().run(
    ...         rk.load_cdnow_sample(), as_of="1998-06-30", progress=progress)
    >>> len(result)
    2357
    """

    def __init__(self, delay: float = 1.0) -> None:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            raise MissingDependencyError(
                "a progress bar is drawn by tqdm, which is not installed",
                rule="tqdm is optional",
                fix='python -m pip install "retainkit[progress]", or pass any callable',
            ) from None
        self._bar: Any = tqdm(delay=delay, unit=" stages", leave=False)

    def __call__(self, stage: str) -> None:
        """Announce the stage that begins now.

        Parameters
        ----------
        stage : str
            What is being done.

        Examples
        --------
        >>> from retainkit.pipeline import ProgressBar
        >>> with ProgressBar() as progress:
        ...     progress("counting")
        """
        self._bar.set_description(stage, refresh=False)
        self._bar.update()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.close()
