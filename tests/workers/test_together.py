"""Parts of one program in processes of their own: one that falls is back, told to stop all stop, and none outlives the one that forked it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from tests.flows.stack import ROOT, children_of, name_of
from tests.sandbox.running import wait_until
from workers.together import PAUSE

# `slow` needs a moment when it is told to stop, `broken` never begins, and nobody looks after the child of `parent`.
PROGRAM = """
import ctypes, os, signal, sys, threading
from pathlib import Path
from core.kernel import logs
from workers.together import keep_running

logs.configure()
ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: as process 1 of a container it is left the children of those that fall

def slow():
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    note("slow began")
    told.wait()
    threading.Event().wait(0.3)
    note("slow finished")

def broken():
    note("broken began")
    raise ValueError("it is broken")

def parent():
    if os.fork() == 0:
        os._exit(0)
    note("parent began")
    signal.pause()

def note(words):
    with Path(sys.argv[1]).open("a") as notes:
        notes.write(words + chr(10))

keep_running({"slow": slow, "idle": signal.pause, "broken": broken, "parent": parent})
note("master ended")
"""


@contextmanager
def together(folder: Path, log: int | Path = subprocess.PIPE) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[], list[str]]]]:
    """The process that keeps them running, and what they have written down so far."""
    notes = folder / "notes"
    notes.touch()
    with log.open("wb") if isinstance(log, Path) else nullcontext(log) as out:
        master = subprocess.Popen([sys.executable, "-c", PROGRAM, str(notes)], cwd=ROOT, start_new_session=True, stdout=out)
    try:
        wait_until(lambda: "slow began" in notes.read_text())
        yield master, lambda: notes.read_text().splitlines()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(master.pid, signal.SIGKILL)
        master.communicate()


def part(master: int, name: str) -> int | None:
    return next((pid for pid in children_of(master) if name_of(pid) == name), None)


def test_one_that_falls_is_started_again_and_the_others_go_on(tmp_path: Path) -> None:
    with together(tmp_path) as (master, noted):
        wait_until(lambda: part(master.pid, "idle"))
        slow, idle = part(master.pid, "slow"), part(master.pid, "idle")
        assert slow and idle
        os.kill(slow, signal.SIGKILL)
        wait_until(lambda: part(master.pid, "slow") not in (None, slow))
        assert part(master.pid, "idle") == idle
        wait_until(lambda: noted().count("broken began") > 1)
        assert noted().count("slow began") == 2


def test_one_that_fails_at_once_says_why_and_rests_before_the_next_try(tmp_path: Path) -> None:
    with together(tmp_path) as (master, noted):
        began = time.monotonic()
        wait_until(lambda: noted().count("broken began") == 3)
        assert time.monotonic() - began > PAUSE
        master.terminate()
        out, _ = master.communicate(timeout=30)
    assert b"ValueError('it is broken')" in out
    assert out.count(b"part_ended") in (2, 3)


def test_a_log_that_cannot_be_written_stops_neither_the_parts_nor_what_starts_them_again(tmp_path: Path) -> None:
    with together(tmp_path, log=Path("/dev/full")) as (master, noted):
        wait_until(lambda: noted().count("broken began") == 3)
        slow = part(master.pid, "slow")
        assert slow
        os.kill(slow, signal.SIGKILL)
        wait_until(lambda: noted().count("slow began") == 2)
        master.terminate()
        master.wait(30)
        assert noted()[-2:] == ["slow finished", "master ended"]


def test_the_child_of_a_part_that_is_left_to_it_is_no_part(tmp_path: Path) -> None:
    with together(tmp_path) as (master, noted):
        wait_until(lambda: "parent began" in noted() and part(master.pid, "idle"))
        parent, idle = part(master.pid, "parent"), part(master.pid, "idle")
        assert parent
        os.kill(parent, signal.SIGKILL)
        wait_until(lambda: noted().count("parent began") == 2)
        assert part(master.pid, "idle") == idle


def test_told_to_stop_each_finishes_what_it_is_at(tmp_path: Path) -> None:
    with together(tmp_path) as (master, noted):
        master.terminate()
        assert master.wait(30) == 0
        assert noted()[-2:] == ["slow finished", "master ended"]


def test_none_outlives_the_one_that_forked_it(tmp_path: Path) -> None:
    with together(tmp_path) as (master, noted):
        slow = part(master.pid, "slow")
        master.kill()
        wait_until(lambda: "slow finished" in noted())
        assert slow
        wait_until(lambda: not name_of(slow))
