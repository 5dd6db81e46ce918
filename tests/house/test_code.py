"""The laws of the house that can be read off its code: one commit, no floats, no sleeping, every file says what it is for."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from core.notifications.notify import KINDS
from workers.jobs import INSIDE, OUTSIDE

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("core", "portal", "checkout", "workers")
Place = tuple[str, int]


def files(*folders: str) -> list[Path]:
    found = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    assert found
    return found


@cache
def nodes_of(file: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(file.read_text())))


def nodes(*folders: str) -> Iterator[tuple[Path, ast.AST]]:
    for file in files(*folders):
        for node in nodes_of(file):
            yield file, node


def says_what_it_is_for(file: Path) -> bool:
    """It begins with a text. No more of it is read: there are more than a thousand files."""
    with file.open("rb") as source:
        before = (tokenize.ENCODING, tokenize.COMMENT, tokenize.NL)
        return next(token.type for token in tokenize.tokenize(source.readline) if token.type not in before) == tokenize.STRING


def place(file: Path, node: ast.AST) -> str:
    return f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', '?')}"


def test_there_is_one_place_where_anything_is_committed() -> None:
    found = [place(file, node).split(":")[0] for file, node in nodes(*PRODUCT) if isinstance(node, ast.Attribute) and node.attr == "commit"]
    found += [
        f
        for f in [str(p.relative_to(ROOT)) for p in files(*PRODUCT)]
        if re.search(r"autocommit\s*=\s*True|\bCOMMIT\b", (ROOT / f).read_text())
    ]
    assert found == ["core/kernel/db.py"]  # finish_unit
    # A statement that is put to a line in no transaction is kept by itself: whole_unit and its kin see to it that none has begun.
    beside = {
        str(file.relative_to(ROOT)) for file in files(*PRODUCT) if re.search(r"\b(rows_beside|_ask_beside|pool\.lend)\(", file.read_text())
    }
    assert beside == {"core/kernel/ask.py", "core/kernel/db.py"}


def test_nothing_is_counted_in_floats() -> None:
    found = [
        place(file, node)
        for file, node in nodes(*PRODUCT)
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id == "float")
        or (isinstance(node, ast.Name) and node.id in ("Float", "Numeric", "Double"))
    ]
    assert found == []


def test_money_is_divided_in_one_file_only() -> None:
    """A slash elsewhere in the business would make a float. (Paths are joined with it: one side is a Path or a text.)"""
    found = []
    for file, node in nodes("core"):
        if file.relative_to(ROOT).parts[1] in ("hooks", "directory", "web"):
            continue  # they wait, search and show, and reckon no money
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not isinstance(node.right, ast.Constant | ast.JoinedStr):
            found.append(place(file, node))
    assert found == []


def test_nothing_is_rounded_but_by_money_itself() -> None:
    found = [place(f, n) for f, n in nodes(*PRODUCT) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "round"]
    assert found == []


def test_nobody_sleeps() -> None:
    found = [place(f, n) for f, n in nodes(*PRODUCT) if isinstance(n, ast.Attribute) and n.attr == "sleep"]
    found += [place(f, n) for f, n in nodes(*PRODUCT) if isinstance(n, ast.alias) and n.name == "sleep"]
    assert found == []


def test_only_the_clock_knows_what_time_it_is() -> None:
    found = [
        place(file, node)
        for file, node in nodes(*PRODUCT)
        if isinstance(node, ast.Attribute)
        and node.attr in ("now", "utcnow", "today")
        and isinstance(node.value, ast.Name)
        and node.value.id in ("datetime", "date")
    ]
    assert [name.split(":")[0] for name in found] == ["core/kernel/clock.py"]


def test_every_file_says_what_it_is_for() -> None:
    everything = files("core", "portal", "checkout", "workers", "sandbox", "ops", "migrations", "tests")
    silent = [str(f.relative_to(ROOT)) for f in everything if f.read_text().strip() and not says_what_it_is_for(f)]
    assert silent == []


def test_no_package_hands_on_what_another_file_defines() -> None:
    assert [str(f.relative_to(ROOT)) for f in files("core") if f.name == "__init__.py" and f.read_text().strip()] == []


@pytest.mark.parametrize("name", ["utils", "helpers", "common"])
def test_there_is_no_drawer_for_odds_and_ends(name: str) -> None:
    assert [f for f in files(*PRODUCT) if name in f.relative_to(ROOT).with_suffix("").parts] == []


# --- jobs ----------------------------------------------------------------------------------------------------------------


def asked_for() -> set[str]:
    """Every job named in an enqueue(...) or a task_row(...), and in the SQL that writes the outbox itself."""
    names: set[str] = set()
    for file, node in nodes(*PRODUCT):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in ("enqueue", "task_row"):
            if file.name in ("runner.py", "outbox.py"):
                continue  # RQ's own: the wake-up; and where the one is made of the other
            assert node.args and isinstance(node.args[0], ast.Constant), f"{place(file, node)} enqueues a job whose name cannot be read"
            names.add(str(node.args[0].value))
        elif isinstance(node, ast.keyword) and node.arg in ("on_settled", "on_saved") and isinstance(node.value, ast.Constant):
            names |= {str(node.value.value)} - {"None"}  # left with a thing for enqueue_named, when there is news of it
    for sql in (ROOT / "migrations" / "sql").glob("*.sql"):
        names |= set(re.findall(r"INSERT INTO outbox.*?VALUES \([^,]+,[^,]+, '\w+', '(\w+)'", sql.read_text(), re.S))
    return names


def test_every_job_that_is_asked_for_exists() -> None:
    assert asked_for() - set(INSIDE) - set(OUTSIDE) == set()


def test_every_job_is_asked_for_by_somebody() -> None:
    assert (set(INSIDE) | set(OUTSIDE)) - asked_for() == set()


def test_a_job_is_either_inside_or_outside() -> None:
    assert set(INSIDE) & set(OUTSIDE) == set()


# --- messages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_message_has_its_three_files(kind: str) -> None:
    assert {file.name for file in (ROOT / "templates" / "emails" / kind).iterdir()} == {"subject.txt", "body.txt", "body.html"}


def test_there_are_no_words_for_messages_nobody_sends() -> None:
    assert {folder.name for folder in (ROOT / "templates" / "emails").iterdir() if folder.is_dir()} == set(KINDS)
