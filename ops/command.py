"""`./run flask audit`: an operator's command with the settings of the portal that runs in this folder; without words, a list of them."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from ops.folder import MARK, carrying
from ops.say import Stopped, complain

ROOT = Path(__file__).resolve().parent.parent


def settings_of(path: Path) -> dict[str, str]:
    """The environment of a process of the portal that runs in this folder. Where its database is and who it was told to write to stands in no
    file: only whoever started it knows."""
    for pid in carrying(MARK, str(path)):
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/environ").read_text(errors="surrogateescape").split("\0")
            found = dict(line.split("=", 1) for line in lines if "=" in line)
            if {"DATABASE_URL", "REDIS_URL", "PUBLIC_URL"} <= found.keys():  # the sandbox and the services know less
                # with the rights of the application, and no part of the stack: that one ends whatever carries its mark
                return {name: value for name, value in found.items() if name not in ("MIGRATION_DATABASE_URL", MARK)}
    raise Stopped(
        f"No portal runs in {path}. Start it with ./run in another window, and then ask again.\n"
        "One that runs in another folder: PORTAL_VAR=that-folder ./run flask ...\n"
        "On full services: flask --app wsgi ... in the environment of the portal's processes (docs/how-to/run-on-full-services.md)."
    )


def main(words: list[str]) -> int:
    try:
        env = dict(os.environ) | settings_of(Path(os.environ.get("PORTAL_VAR") or ROOT / "var").resolve())
    except Stopped as problem:
        complain(str(problem))
        return 1
    os.chdir(ROOT)
    os.execve(sys.executable, [sys.executable, "-m", "flask", "--app", "wsgi", *(words or ["--help"])], env)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
