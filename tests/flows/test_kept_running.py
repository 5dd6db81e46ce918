"""What ./run keeps running: a process that fell is started again whatever became of its log, and a machine without room is told of in one line."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from ops.child import LONGEST_PAUSE, Child
from ops.folder import LONGEST_LOG, Folder
from ops.for_tests import in_memory, launch
from ops.local import in_words
from ops.postgres import FOR_TESTS, Postgres
from tests.flows.stack import ROOT, Stack
from tests.sandbox.running import wait_until

ENDLESS = "while :; do echo line; sleep 0.05; done"


@contextmanager
def kept(folder: Path) -> Iterator[Child]:
    """A process that writes a line now and then."""
    child = Child("writer", ["sh", "-c", ENDLESS], log=folder / "log/writer.log", env=dict(os.environ))
    child.start()
    try:
        yield child
    finally:
        child.kill()


def fell(child: Child) -> None:
    os.kill(child.pid, signal.SIGKILL)
    wait_until(lambda: not child.alive)


def test_one_that_fell_is_started_again_though_somebody_cleared_the_logs_away(tmp_path: Path) -> None:
    with kept(tmp_path) as child:
        shutil.rmtree(child.log.parent)
        fell(child)
        child.tend()
        assert child.alive
        wait_until(lambda: child.log.read_text().startswith("line"))


def test_one_that_cannot_be_started_is_told_of_in_a_line_and_tried_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with kept(tmp_path) as child:
        shutil.rmtree(child.log.parent)
        child.log.parent.touch()  # no folder can be made here
        fell(child)
        for _ in range(3):
            child.tend()
        told = capsys.readouterr().out
        assert told.count("writer could not be started (") == 1 and f"trying again in {LONGEST_PAUSE:.0f} s" in told
        child.log.parent.unlink()
        child.start_again_at = time.monotonic()
        child.tend()
        assert child.alive


def test_a_log_that_grew_too_long_is_turned_over_while_its_process_writes(tmp_path: Path) -> None:
    with kept(tmp_path) as child:
        with child.log.open("ab") as log:
            log.write(b"x" * (LONGEST_LOG + 1))
        child.tend()
        assert child.log.with_suffix(".log.old").stat().st_size > LONGEST_LOG
        wait_until(lambda: child.log.read_text().count("line\n") > 2)
        assert child.log.stat().st_size < 10_000 and set(child.log.read_text().splitlines()) == {"line"}, "no hole where the old lines were"
        assert child.alive


def test_the_tests_database_leaves_nothing_in_memory_when_it_is_ended_at_once(tmp_path: Path) -> None:
    postgres = Postgres(Folder(tmp_path), FOR_TESTS)
    postgres.prepare()
    child = postgres.child()
    child.start()
    try:
        child.wait_until_ready()
        with postgres.connect():
            shared = set(re.findall(r"/dev/shm/PostgreSQL\.\d+", Path(f"/proc/{child.pid}/maps").read_text()))
            segment = (postgres.data / "postmaster.pid").read_text().splitlines()[6].split()[1]
            assert shared and segment in segments()
            child.kill()  # with somebody connected
        assert child.process and child.process.returncode != -signal.SIGKILL, "it went by itself when it was asked to"
    finally:
        child.kill()
        left = [name for name in shared if Path(name).exists()]
        postgres.remove()
    assert not left and segment not in segments()


def segments() -> set[str]:
    """The numbers of the segments of shared memory of this machine."""
    return {line.split()[1] for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]}


def test_what_tests_keep_in_memory_goes_with_the_run_however_it_ends() -> None:
    process, folder = launch()
    assert process.stdin
    try:
        in_memory(folder).mkdir()
        (in_memory(folder) / "of-a-killed-run").touch()
    finally:
        wait_until(lambda: (folder / "local.json").exists())
        process.terminate()  # while it is starting
        process.wait(60)
        process.stdin.close()
    assert not in_memory(folder).exists() and not folder.exists()


def start_in(folder: Path) -> subprocess.CompletedProcess[str]:
    stack = Stack()
    try:
        env = stack.settings() | {"PORTAL_VAR": str(folder)}
        return subprocess.run([sys.executable, "-m", "ops.local"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    finally:
        stack.stop()


def test_a_folder_that_cannot_be_written_is_told_of_in_a_line() -> None:
    told = start_in(Path("/sys/portal-var"))  # where not even root can make one
    assert told.returncode == 1 and told.stderr.strip().startswith("Cannot write to /sys/portal-var: ")
    assert len(told.stderr.strip().splitlines()) == 1


def test_what_stops_a_start_half_way_stops_in_order_what_was_started(tmp_path: Path) -> None:
    (tmp_path / "valkey").touch()  # where its folder belongs
    told = start_in(tmp_path)
    assert told.returncode == 1 and f"Cannot use {tmp_path}/valkey: File exists" in told.stderr and "Traceback" not in told.stderr
    assert "postgres stopped (" in told.stdout


def test_a_full_disk_under_the_database_is_called_a_full_disk() -> None:
    full = psycopg.errors.DiskFull("could not extend file: wrote only 4096 of 8192 bytes at block 2\nHINT:  Check free disk space.")
    assert in_words(full, Path("/there")) == "Cannot write to /there: No space left on device"
    gone = psycopg.OperationalError("connection failed: closed\nDETAIL: more")
    assert in_words(gone, Path("/there")) == "PostgreSQL stopped the start: connection failed: closed"
