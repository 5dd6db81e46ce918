"""What ./run test does: the style, the floors of the house, then the whole suite. With arguments: pytest alone, with those arguments."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


def step(title: str, *command: str) -> bool:
    """Run one named step in plain sight; answers whether it passed."""
    print(f"\n== {title}", flush=True)
    began = time.monotonic()
    code = subprocess.run([PYTHON, *command], cwd=ROOT).returncode
    print(f"== {title}: {'passed' if code == 0 else f'FAILED ({code})'} in {time.monotonic() - began:.1f} s", flush=True)
    return code == 0


def main(arguments: list[str]) -> int:
    """Every step runs even when an earlier one failed: one run tells everything that is wrong."""
    if arguments:
        return subprocess.run([PYTHON, "-m", "pytest", *arguments], cwd=ROOT).returncode
    workers = str(max(1, min(4, len(os.sched_getaffinity(0)))))
    passed = [
        step("style (ruff)", "-m", "ruff", "check", "."),
        step("floors of the house (import-linter)", "-c", LINT_IMPORTS, "--no-cache", "--no-logo"),
        step("the suite (pytest)", "-m", "pytest", "-q", "-n", workers),
    ]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
