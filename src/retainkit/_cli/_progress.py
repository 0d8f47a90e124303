"""Progress on standard error, only for work that takes longer than a second."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Self


class StageProgress:
    """Show the running stage once the work has lasted `delay` seconds.

    Parameters
    ----------
    delay : float, default 1.0
        How long to stay silent [second].
    """

    def __init__(self, delay: float = 1.0) -> None:
        self._delay = delay
        self._stage = ""
        self._visible = False
        self._lock = threading.Lock()

    def __call__(self, stage: str) -> None:
        """Announce the stage that begins now."""
        with self._lock:
            self._stage = stage
            if self._visible:
                self._show()

    def __enter__(self) -> Self:
        self._timer = threading.Timer(self._delay, self._appear)
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()

    def _appear(self) -> None:
        with self._lock:
            self._visible = True
            if self._stage:
                self._show()

    def _show(self) -> None:
        sys.stderr.write(f"… {self._stage}\n")
        sys.stderr.flush()
