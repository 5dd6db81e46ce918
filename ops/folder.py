"""The data folder of one copy of the stack: its lock, what it remembers, and what a killed run left behind."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import shutil
import signal
import socket
import time
from pathlib import Path
from typing import Any

from ops.say import Stopped, say

MARK = "PORTAL_STACK"
LONGEST_LOG = 10_000_000  # bytes


class Folder:
    """PORTAL_VAR. One supervisor at a time owns it; several copies run side by side in several folders."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.log = self.path / "log"
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.log.mkdir(mode=0o700, exist_ok=True)
        self._facts = self.path / "local.json"

    def lock(self, address: str) -> None:
        """Take the folder or say who has it. The kernel drops the lock when its holder dies, however it dies."""
        handle = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Stopped(self._already_running(os.read(handle, 4096))) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps({"pid": os.getpid(), "address": address}).encode(), 0)
        self._handle = handle

    def _already_running(self, text: bytes) -> str:
        try:
            other = json.loads(text)
            where = f"at {other['address']} (process {other['pid']})"
            stop = f"stop it with Ctrl-C in its window or with: kill {other['pid']}"
        except (ValueError, KeyError):
            where, stop = "(it is just starting)", "wait a moment"
        return (
            f"The portal is already running {where}.\n"
            f"Open that address, or {stop}\n"
            f"For a second copy beside it: PORT=8010 PORTAL_VAR={self.path}-2 ./run"
        )

    def recall(self) -> dict[str, Any]:
        """What this folder remembers between runs."""
        try:
            return json.loads(self._facts.read_text())
        except (OSError, ValueError):
            return {}

    def remember(self, **facts: Any) -> None:
        """Add to what is remembered; written whole and renamed, so a kill never leaves half a file."""
        write_whole(self._facts, json.dumps(self.recall() | facts, indent=1))

    def port(self, name: str) -> int:
        """The port a service had last time, or a new free one when somebody else has taken it."""
        key = f"{name}_port"
        port = self.recall().get(key)
        if port is None or not is_free(port):
            port = free_port()
            self.remember(**{key: port})
        return port

    def log_of(self, name: str) -> Path:
        """The log of a process; what grew too long before is turned over."""
        path = self.log / f"{name}.log"
        turn_over(path)
        return path

    def mark(self) -> dict[str, str]:
        """What every process of this stack carries in its environment, so that it is known again after the supervisor was killed."""
        return {MARK: str(self.path)}

    def clear_leftovers(self, patience: float = 15) -> None:
        """Wait for what a killed run left behind (the kernel told it to end when its parent died), then end it."""
        left = carrying(MARK, str(self.path))
        if left:
            say(f"waiting for {len(left)} processes of the last run to end")
        until = time.monotonic() + patience
        while left:
            if time.monotonic() > until:
                for pid in left:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
            left = carrying(MARK, str(self.path))


def carrying(name: str, value: str) -> list[int]:
    """The processes that were started with this very variable in their environment (those that ended do not show theirs)."""
    wanted, found = f"{name}={value}".encode(), []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def turn_over(log: Path) -> None:
    """A log that grew too long is kept once under .old and begins anew. Its process holds it open, and writes at the end wherever that is:
    so it is emptied in its place. A line that comes between the two steps is lost."""
    with contextlib.suppress(OSError):  # not there yet, or no room for a second one: then it goes on
        if log.stat().st_size > LONGEST_LOG:
            shutil.copyfile(log, log.with_suffix(".log.old"))
            os.truncate(log, 0)


def write_whole(path: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only."""
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether nobody listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A free port below the range from which the kernel takes ports for outgoing calls."""
    for _ in range(200):
        port = random.randint(20_000, 31_000)
        if is_free(port):
            return port
    raise Stopped("No free port was found between 20000 and 31000.")
