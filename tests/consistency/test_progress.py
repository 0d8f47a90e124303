"""The bar names the stages, is silent on quick work, and says what it needs."""

from __future__ import annotations

import sys

import pytest

from retainkit.errors import MissingDependencyError
from retainkit.pipeline import ProgressBar


def test_slow_work_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBar(delay=0.0) as progress:
        progress("counting")
        progress._bar.refresh()
    assert "counting" in capsys.readouterr().err


def test_quick_work_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBar(delay=60.0) as progress:
        progress("counting")
    assert capsys.readouterr().err == ""


def test_without_tqdm_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(MissingDependencyError, match="tqdm"):
        ProgressBar()
