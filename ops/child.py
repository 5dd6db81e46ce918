"""One process of the stack: its own log, it dies with the supervisor, and it is started again with growing patience."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ops.folder import turn_over
from ops.say import Stopped, say, tail

SHORT_LIFE = 10.0  # seconds: a process that lived longer than this is started again at once
LONGEST_PAUSE = 15.0
MOMENT = 5.0  # seconds in which a process may clear away what it shares, when all is ended at once


class Child:
    """A process of ours. `ready` answers whether it does its work; without one, being alive is enough."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        env: dict[str, str],
        stop_signal: signal.Signals = signal.SIGTERM,
        kill_signal: signal.Signals = signal.SIGKILL,
        grace: float = 20,
        ready: Callable[[], bool] | None = None,
        wrapped: bool = False,
    ) -> None:
        # setpriv asks the kernel to pass the signal on when the supervisor dies, and then becomes the program itself
        self.argv = list(argv) if wrapped else ["setpriv", "--pdeathsig", stop_signal.name[3:], "--", *argv]
        self.name, self.log, self.env = name, log, env
        self.stop_signal, self.kill_signal, self.grace, self.ready = stop_signal, kill_signal, grace, ready
        self.process: subprocess.Popen[bytes] | None = None
        self.falls = 0
        self.started_at = 0.0
        self.start_again_at: float | None = None

    def start(self) -> None:
        """Start it in a session of its own: Ctrl-C reaches the supervisor alone, which then stops all in order."""
        self.log.parent.mkdir(mode=0o700, exist_ok=True)  # somebody may have cleared the logs away meanwhile
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=self.env, start_new_session=True
            )
        self.started_at = time.monotonic()
        self.start_again_at = None

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    def wait_until_ready(self, patience: float = 180, tries: int = 5) -> None:
        """Wait until it works. One that falls while starting (an old backend still holds its memory, say) gets a few more tries."""
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if not self.alive:
                tries -= 1
                if tries <= 0:
                    raise Stopped(f"{self.name} did not start.\n{tail(self.log)}")
                time.sleep(0.5)
                self.start()
            if self.ready is None or self.ready():
                return
            time.sleep(0.03)
        raise Stopped(f"{self.name} was not ready after {patience:.0f} seconds.\n{tail(self.log)}")

    def tend(self) -> None:
        """Called often: start the process again when it fell, and keep its log short. Where it cannot be started (no room, no memory) the
        others go on, and it is tried again."""
        turn_over(self.log)
        if self.alive:
            return
        now = time.monotonic()
        if self.start_again_at is None:
            code = self.process.returncode if self.process else None
            self.falls = self.falls + 1 if now - self.started_at < SHORT_LIFE else 1
            pause = 0.0 if self.falls == 1 else min(0.5 * 2 ** (self.falls - 2), LONGEST_PAUSE)
            self.start_again_at = now + pause
            self._end_group()
            say(f"{self.name} ended ({_why(code)}); starting it again" + (f" in {pause:.1f} s, see {self.log}" if pause else ""))
        if now >= self.start_again_at:
            try:
                self.start()
            except OSError as problem:
                self.start_again_at = now + LONGEST_PAUSE
                say(f"{self.name} could not be started ({problem}); trying again in {LONGEST_PAUSE:.0f} s")

    def stop(self) -> None:
        """Ask it to stop, wait as long as its work may need, then insist."""
        if self.process is None:
            return
        if self.alive:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(self.grace)
            except subprocess.TimeoutExpired:
                say(f"{self.name} did not stop within {self.grace:.0f} s and is ended")
        self._end_group()
        self.process.wait()

    def kill(self) -> None:
        """End it without ceremony, but for what it would leave behind in the memory of the machine for ever."""
        if self.process is not None:
            if self.alive and self.kill_signal != signal.SIGKILL:
                self.process.send_signal(self.kill_signal)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(MOMENT)
            self._end_group()
            self.process.wait()

    def _end_group(self) -> None:
        # what it forked (gunicorn's workers hold the listening socket) must not outlive it
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)


def _why(code: int | None) -> str:
    if code is None:
        return "never started"
    if code >= 0:
        return f"exit code {code}"
    return f"signal {signal.Signals(-code).name}"
