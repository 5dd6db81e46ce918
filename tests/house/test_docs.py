"""Documents name only files, and only names inside them, that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
QUOTED = re.compile(r"`([^`\n]+)`")
# path/to/file.ext, a folder that ends with a slash, or either followed by ": name"
NAMED = re.compile(r"(?P<path>\.?[\w*.-]+(?:/[\w@*.-]+)*/?)(?:: (?P<name>\w+))?")
SUFFIXES = frozenset({".py", ".html", ".txt", ".css", ".js", ".md", ".sql", ".toml", ".yaml", ".in", ".ini", ".service"})
TOP = {entry.name for entry in ROOT.iterdir()}


def named_in(document: Path) -> list[tuple[str, str | None]]:
    """(path, name inside the file) for everything in backticks that claims to be a file or folder of this repository."""
    found = []
    for quoted in QUOTED.findall(document.read_text()):
        match = NAMED.fullmatch(quoted)
        if match and (path := match["path"]) and ("/" in path or Path(path).suffix in SUFFIXES):
            claims = path.endswith("/") or Path(path).suffix in SUFFIXES or path.split("/")[0] in TOP
            if claims and not path.startswith("/") and not path.endswith(".env"):  # those the reader is told to make
                found.append((path, match["name"]))
    return found


def found(path: str) -> list[Path]:
    """The files a document can mean: by their whole path, by a pattern, or by a bare name that stands in the root or one folder down."""
    patterns = [path.rstrip("/")] if "/" in path.rstrip("/") else [path.rstrip("/"), f"*/{path}"]
    return [file for pattern in patterns for file in ROOT.glob(pattern)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_names_only_what_exists(document: Path) -> None:
    missing = []
    for path, name in named_in(document):
        files = found(path)
        if not files:
            missing.append(path)
        elif name and not re.search(rf"^\s*(def |class |){name}\b", files[0].read_text(), re.M):
            missing.append(f"{path}: {name}")
    assert not missing, f"{document.name} names what is not there: {', '.join(missing)}"


def test_the_documents_really_are_looked_at() -> None:
    assert len(named_in(ROOT / "docs" / "house.md")) > 30


TYPED = re.compile(r"(?:^    |`)flask (?!--app)[a-z-]+", re.M)
FOR_OPERATORS = sorted([*(ROOT / "docs" / "how-to").glob("*.md"), ROOT / "docs" / "retention.md"])


@pytest.mark.parametrize("document", FOR_OPERATORS, ids=lambda path: path.name)
def test_a_command_is_told_as_it_is_typed_in_this_folder_and_on_full_services(document: Path) -> None:
    text = document.read_text()
    assert not re.search(r"^    flask ", text, re.M), "in this folder it is ./run flask"
    if TYPED.search(text) or "./run flask" in text:
        assert "./run flask" in text and "flask --app wsgi" in text
