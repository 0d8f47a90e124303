"""Imports only go down; kernels know arrays only; nothing reaches for what is forbidden."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

import pytest

from tests.contract.walk import FLOORS, Source, dotted, room_of, sources

KERNEL_IMPORTS = {"numpy", "scipy", *sys.stdlib_module_names}
BANNED_IMPORTS = {
    *("pickle", "cPickle", "dill", "joblib", "marshal", "shelve"),
    *("requests", "urllib", "urllib3", "http", "httpx", "socket", "ftplib", "smtplib"),
}
BANNED_CALLS = {
    *("eval", "exec", "compile", "__import__"),
    *("time.time", "time.time_ns"),
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
    *("Timestamp.now", "Timestamp.today", "Timestamp.utcnow"),
    *("pickle.loads", "pickle.load", "pd.read_pickle", "np.load"),
}
SEEDED_RANDOM = {"Generator", "PCG64", "PCG64DXSM", "SeedSequence", "default_rng"}


def imports(source: Source) -> Iterator[tuple[str, ast.Import | ast.ImportFrom]]:
    """Give every dotted module name the file imports, wherever the statement stands."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield module, node
            if module == "retainkit":
                for alias in node.names:
                    yield f"retainkit.{alias.name}", node


def inner_imports(source: Source) -> Iterator[tuple[str, ast.Import | ast.ImportFrom]]:
    """Give the room of every import from the package itself."""
    for name, node in imports(source):
        if name.startswith("retainkit.") and name != "retainkit.__version__":
            yield room_of(name.removeprefix("retainkit.")), node


def calls(source: Source) -> Iterator[tuple[str, ast.expr]]:
    """Give the dotted name of everything called or mentioned as an attribute."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, node
        elif isinstance(node, ast.Attribute):
            yield dotted(node), node


def test_every_file_belongs_to_a_room_with_a_floor() -> None:
    unknown = {source.room for source in sources() if source.name} - set(FLOORS)
    assert not unknown, "give the room a floor in tests/contract/walk.py"


def test_imports_only_go_down_and_siblings_do_not_import_each_other() -> None:
    wrong = [
        f"{source.at(node)}: {source.room} (floor {FLOORS[source.room]}) imports {room}"
        for source in sources()
        if source.name
        for room, node in inner_imports(source)
        if room != source.room
        and FLOORS.get(room, 99) >= FLOORS[source.room]
        and not (source.room == "_core" and room in ("errors", "typing"))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_ground_is_the_ground() -> None:
    """`errors` and `typing` import nothing of the package."""
    wrong = [
        source.at(node)
        for source in sources()
        if source.room in ("errors", "typing")
        for _, node in inner_imports(source)
    ]
    assert not wrong


def test_kernels_import_arrays_and_kernels_only() -> None:
    wrong = []
    for source in sources():
        for name, node in imports(source) if source.is_kernel else ():
            last = name.rsplit(".", 1)[-1]
            ours = name.split(".")[0] == "retainkit"
            if ours:
                allowed = (
                    name == "retainkit.typing"
                    or name.startswith("retainkit._core.kernels")
                    or last.startswith("_kernel")
                )
            else:
                allowed = name.split(".")[0] in KERNEL_IMPORTS
            if not allowed:
                wrong.append(f"{source.at(node)}: {name}")
    assert not wrong, "\n".join(wrong)


def test_lifetimes_is_imported_in_one_file_inside_a_function() -> None:
    homes = set()
    for source in sources():
        for name, node in imports(source):
            if name.split(".")[0] == "lifetimes":
                homes.add(source.name)
                assert node.col_offset > 0, source.at(node)
                assert not any(node is statement for statement in source.tree.body)
    assert homes <= {"lifetime._lifetimes"}


def test_imports_are_absolute() -> None:
    wrong = [
        source.at(node)
        for source in sources()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]
    assert not wrong


def test_no_import_reaches_for_the_network_or_unsafe_formats() -> None:
    wrong = [
        f"{source.at(node)}: {name}"
        for source in sources()
        for name, node in imports(source)
        if name.split(".")[0] in BANNED_IMPORTS
    ]
    assert not wrong, "\n".join(wrong)


def test_nothing_reads_the_clock_or_runs_text() -> None:
    wrong = [
        f"{source.at(node)}: {name}"
        for source in sources()
        for name, node in calls(source)
        if any(name == banned or name.endswith(f".{banned}") for banned in BANNED_CALLS)
        and name != "re.compile"
    ]
    assert not wrong, "\n".join(wrong)


def test_only_the_command_line_prints() -> None:
    wrong = [
        source.at(node)
        for source in sources()
        for name, node in calls(source)
        if name in ("print", "sys.stdout.write") and source.room != "__main__"
    ]
    assert not wrong, "\n".join(wrong)


def test_no_global_random_state() -> None:
    wrong = [
        f"{source.at(node)}: {name}"
        for source in sources()
        for name, node in calls(source)
        if name.startswith(("np.random.", "numpy.random."))
        and name.split(".")[2] not in SEEDED_RANDOM
    ]
    wrong += [
        f"{source.at(node)}: {name}"
        for source in sources()
        for name, node in imports(source)
        if name == "random"
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("heavy", ["scipy.stats", "scipy.optimize", "matplotlib", "jinja2"])
def test_heavy_packages_are_imported_inside_functions(heavy: str) -> None:
    top = [
        source.at(node)
        for source in sources()
        for name, node in imports(source)
        if (name == heavy or name.startswith(f"{heavy}.")) and node.col_offset == 0
    ]
    top += [
        source.at(node)
        for source in sources()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom)
        and node.col_offset == 0
        and any(f"{node.module}.{alias.name}" == heavy for alias in node.names)
    ]
    assert not top, "\n".join(top)


def test_no_file_imports_itself_in_a_circle() -> None:
    """Not under TYPE_CHECKING and not inside functions either; the lazy package itself aside."""
    files = {source.name for source in sources() if source.name}
    needs = {source.name: set(needed(source, files)) - {source.name} for source in sources()}
    needs.pop("", None)
    while free := [name for name, others in needs.items() if not others & needs.keys()]:
        for name in free:
            del needs[name]
    assert not needs, f"in or behind a circle: {sorted(needs)}"


def needed(source: Source, files: set[str]) -> Iterator[str]:
    """Give the files of the package that a file imports, a folder by its own file."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("retainkit."):
            module = str(node.module).removeprefix("retainkit.")
            for alias in node.names:
                part = f"{module}.{alias.name}"
                yield part if part in files else module
