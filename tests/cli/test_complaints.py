"""Every wrong input: code 2, a message that names the fix, nothing written."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.cli.conftest import COLUMNS, Command, Said

pytest.importorskip("matplotlib", reason="the report needs the extra 'report'")
pytest.importorskip("jinja2", reason="the report needs the extra 'report'")


def refused(said: Said, tmp_path: Path, *words: str) -> None:
    """Check code, words and that no output folder came into being."""
    assert said.code == 2
    for word in words:
        assert word in said.err, said.err
    assert "Traceback" not in said.err
    assert said.out == ""
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".retainkit-*"))


def test_as_of_is_missing(command: Command, purchases: Path, tmp_path: Path) -> None:
    said = command(["run", purchases, "--out", tmp_path / "out"])
    refused(said, tmp_path, "--as-of", "fix:", "add --as-of YYYY-MM-DD, the last day")


@pytest.mark.parametrize("day", ["31.12.2024", "2024-02-30", "today"])
def test_as_of_is_no_day(command: Command, purchases: Path, tmp_path: Path, day: str) -> None:
    said = command(["run", purchases, "--as-of", day, "--out", tmp_path / "out"])
    refused(said, tmp_path, repr(day), "YYYY-MM-DD", "fix:")


def test_as_of_before_the_data(command: Command, purchases: Path, tmp_path: Path) -> None:
    words = ["run", purchases, "--as-of", "2019-12-31", "--out", tmp_path / "out"]
    refused(command([*words, "--columns", COLUMNS]), tmp_path, "2019-12-31", "fix:")


def test_a_column_is_unknown(command: Command, purchases: Path, tmp_path: Path) -> None:
    words = ["run", purchases, "--as-of", "2024-12-31", "--out", tmp_path / "out"]
    said = command([*words, "--columns", "customer_id=custmer,timestamp=date,amount=money"])
    refused(said, tmp_path, "'custmer'", "'customer'", "fix:")


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("costumer_id=customer", "--columns customer_id=customer"),
        ("customer", "--columns customer_id="),
        ("amout=money", "--columns amount=money"),
    ],
)
def test_a_role_is_unknown(
    command: Command, purchases: Path, tmp_path: Path, text: str, fix: str
) -> None:
    words = ["run", purchases, "--as-of", "2024-12-31", "--out", tmp_path / "out"]
    refused(command([*words, "--columns", text]), tmp_path, "does not name a column", fix)


def test_missing_columns_are_told_at_once_and_as_options(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "raw.csv"
    path.write_text("Customer ID,Order Date,Sales\na,2024-01-01,3\n", "utf-8")
    said = command(["run", path, "--as-of", "2024-12-31", "--out", tmp_path / "out"])
    fix = '--columns "customer_id=Customer ID,timestamp=Order Date,amount=Sales"'
    refused(said, tmp_path, "'customer_id'", "'timestamp'", "'amount'", fix)
    assert "TransactionColumns" not in said.err


def test_names_with_a_space_need_quotes(command: Command, purchases: Path, tmp_path: Path) -> None:
    words = ["run", purchases, "--as-of", "2024-12-31", "--out", tmp_path / "out"]
    said = command([*words, "--columns", "customer_id=Customer", "ID,amount=Sales"])
    refused(said, tmp_path, "unrecognized arguments", '--columns "customer_id=Customer ID"')


def test_a_role_like_no_other_gets_the_list(
    command: Command, purchases: Path, tmp_path: Path
) -> None:
    words = ["run", purchases, "--as-of", "2024-12-31", "--out", tmp_path / "out"]
    said = command([*words, "--columns", "discount=Discount"])
    refused(said, tmp_path, "'discount=Discount'", "one of the roles customer_id, timestamp")
    assert "customer_id=Discount" not in said.err


def test_columns_of_a_table_that_is_not_given(
    command: Command, purchases: Path, tmp_path: Path
) -> None:
    words = ["run", purchases, "--as-of", "2024-12-31", "--out", tmp_path / "out"]
    said = command([*words, "--event-columns", "kind=what"])
    refused(said, tmp_path, "add --events FILE")


BROKEN = {
    "missing.csv": None,
    "empty.csv": b"",
    "header.csv": b"customer_id,timestamp,amount\n",
    "latin.csv": "customer_id,timestamp,amount\nM\u00fcller,2024-01-01,3\n".encode("latin-1"),
    "ragged.csv": b"customer_id,timestamp,amount\na,2024-01-01,3\nb,2024-01-01,3,4,5\n",
    "shifted.csv": b"customer_id,timestamp,amount\na,2024-01-01,3,x\nb,2024-01-01,3,y\n",
    "torn.csv.gz": gzip.compress(b"customer_id,timestamp,amount\na,2024-01-01,3\n")[:-12],
    "fake.csv.gz": b"not gzip at all",
    "fake.parquet": b"not parquet at all",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_cannot_be_used(command: Command, tmp_path: Path, name: str) -> None:
    content = BROKEN[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    said = command(["run", tmp_path / name, "--as-of", "2024-12-31", "--out", tmp_path / "out"])
    refused(said, tmp_path, name, "rule:", "fix:")


def test_a_folder_is_no_file(command: Command, tmp_path: Path) -> None:
    said = command(["run", tmp_path, "--as-of", "2024-12-31", "--out", tmp_path / "out"])
    refused(said, tmp_path, "is not a file")


def test_nothing_is_usable(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("customer_id,timestamp,amount\na,05/06/2024,3\n,2024-01-01,3\n", "utf-8")
    said = command(["run", path, "--as-of", "2024-12-31", "--out", tmp_path / "out"])
    refused(said, tmp_path, "no transaction was accepted", "unparsable_timestamp 1", "date_formats")


def test_the_output_is_a_file(command: Command, purchases: Path, tmp_path: Path) -> None:
    words = ["run", purchases, "--as-of", "2024-12-31", "--columns", COLUMNS, "--out"]
    said = command([*words, purchases / "deeper"])
    refused(said, tmp_path, "purchases.csv is a file", "give another --out")


CONFIGS = {
    'tier_bases = "contribution"': ("tier_bases: no such setting", "did you mean tier_basis?"),
    "horizon_day = 30": ("horizon_day: no such setting", "did you mean horizon_days?"),
    "horizon_days = -3": ("horizon_days", "greater than 0", "-3"),
    'unit = "year"': ("unit: ", "'day', 'week' or 'month'", "'year'"),
    "[churn]\nthreshold = 2": ("churn.threshold", "less than or equal to 1"),
    "unit = week": ("my.toml", "fix:"),
    "[tiers]\nnames = []\n[tiers.rule]\nkind = 'cuts'": ("tiers",),
}


@pytest.mark.parametrize("text", CONFIGS)
def test_a_setting_is_wrong(command: Command, purchases: Path, tmp_path: Path, text: str) -> None:
    config = tmp_path / "my.toml"
    config.write_text(text, encoding="utf-8")
    words = ["run", purchases, "--as-of", "2024-12-31", "--out", tmp_path / "out"]
    said = command([*words, "--columns", COLUMNS, "--config", config])
    refused(said, tmp_path, "my.toml", "retainkit config", *CONFIGS[text])
    assert "pydantic" not in said.err


def test_the_configuration_is_missing(command: Command, purchases: Path, tmp_path: Path) -> None:
    words = ["run", purchases, "--as-of", "2024-12-31", "--out", tmp_path / "out"]
    said = command([*words, "--config", tmp_path / "none.toml"])
    refused(said, tmp_path, "none.toml", "python -m retainkit config > retainkit.toml")


def test_the_configuration_is_not_text(command: Command, purchases: Path, tmp_path: Path) -> None:
    config = tmp_path / "my.toml"
    config.write_bytes(b"\xff\xfe\x00")
    words = ["run", purchases, "--as-of", "2024-12-31", "--out", tmp_path / "out"]
    refused(command([*words, "--config", config]), tmp_path, "my.toml", "UTF-8")


@pytest.mark.parametrize("words", [[], ["walk"], ["demo", "--language", "fr"], ["run"]])
def test_the_command_itself_is_wrong(command: Command, words: list[str]) -> None:
    said = command(words)
    assert said.code == 2
    assert "usage:" in said.err


def test_help_is_no_error(command: Command) -> None:
    said = command(["run", "--help"])
    assert said.code == 0
    assert "--as-of" in said.out
