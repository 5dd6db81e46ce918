"""One folder, one portal: a second start says who is there, and the first stops in order and leaves nothing running."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from ops.folder import free_port
from tests.flows.stack import ROOT, Stack, children_of


def start_again(stack: Stack) -> subprocess.CompletedProcess[str]:
    env = stack.settings() | {"PORT": str(free_port())}
    return subprocess.run([sys.executable, "-m", "ops.local"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)


def test_a_second_start_is_told_of_the_first_which_stops_in_order() -> None:
    stack = Stack()
    try:
        stack.start()
        assert stack.supervisor
        second = start_again(stack)
        assert second.returncode == 1
        assert f"already running at {stack.address} (process {stack.supervisor.pid})" in second.stdout + second.stderr
        started = children_of(stack.supervisor.pid)
        started += [child for one in started for child in children_of(one)]
        os.killpg(stack.supervisor.pid, signal.SIGINT)  # as Ctrl-C does: to the whole group, its helpers too
        stack.supervisor.wait(90)
        told = stack.log.read_text()
        assert re.findall(r"(\w+) stopped \(", told) == ["web", "workers", "sandbox", "valkey", "postgres"]
        assert "everything has stopped" in told
        assert len(started) > 8 and not [pid for pid in started if Path(f"/proc/{pid}").exists()]
    finally:
        stack.stop()
