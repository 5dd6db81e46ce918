"""What ./run test does: the style, the floors of the house, then the whole suite. With arguments: pytest alone, with those arguments."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
stopped: list[bool] = []


def watched(*command: str) -> int:
    """Run a step to its end. Told to stop, it passes that on; the services of the tests stop when pytest has ended."""
    child = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "--", PYTHON, *command], cwd=ROOT)

    def pass_on(_number: int, _frame: FrameType | None) -> None:
        child.terminate()
        stopped.append(True)

    signal.signal(signal.SIGTERM, pass_on)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:  # the terminal has sent it to the child as well
            stopped.append(True)


def step(title: str, *command: str) -> bool:
    """Run one named step in plain sight; answers whether it passed."""
    if stopped:
        return False
    print(f"\n== {title}", flush=True)
    began = time.monotonic()
    code = watched(*command)
    print(f"== {title}: {'passed' if code == 0 else f'FAILED ({code})'} in {time.monotonic() - began:.1f} s", flush=True)
    return code == 0


def main(arguments: list[str]) -> int:
    """Every step runs even when an earlier one failed: one run tells everything that is wrong."""
    if arguments:
        return watched("-m", "pytest", *arguments)
    workers = str(1 + min(4, len(os.sched_getaffinity(0))))  # one more than there are cores: a test often waits for a service or a browser
    passed = [
        step("style (ruff)", "-m", "ruff", "check", "."),
        step("floors of the house (import-linter)", "-c", LINT_IMPORTS, "--no-cache", "--no-logo"),
        step("the suite (pytest)", "-m", "pytest", "-q", "-n", workers, "--dist", "worksteal"),
    ]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
