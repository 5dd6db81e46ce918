"""Several processes from one: the program is loaded once and then forked, so that they share what it takes, and one that falls is back at once."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import structlog

SHORT_LIFE = 10  # seconds: a process that lived longer is started again at once
PAUSE = 1  # seconds before one that did not
STOPPING = {signal.SIGTERM, signal.SIGINT}
WATCHED = {*STOPPING, signal.SIGCHLD}
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG, see prctl(2)
log = structlog.get_logger("workers")


def keep_running(parts: Mapping[str, Callable[[], object]]) -> None:
    """A process for each of these parts, until this one is told to stop; then until the last has finished what it was at."""
    gc.collect()
    gc.freeze()  # the collector would otherwise write into every page that they share
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)  # from here on a signal waits until it is asked for
    running: dict[int, tuple[str, int]] = {}  # by process id: which part, and since when in seconds
    to_start = dict.fromkeys(parts, 0)
    while True:
        at = _seconds()
        for name in [name for name, due in to_start.items() if due <= at]:
            del to_start[name]
            running[_fork(name, parts[name])] = name, at
        heard = signal.sigtimedwait(WATCHED, max(0, min(to_start.values(), default=at + 60) - at))
        if heard and heard.si_signo in STOPPING:
            break
        for pid, status in _ended():
            if pid not in running:
                continue  # in a container this may be process 1, to whom fall the children of a part that was killed
            name, began = running.pop(pid)
            log.error("part_ended", part=name, exit_code=os.waitstatus_to_exitcode(status))
            at = _seconds()
            to_start[name] = at if at - began > SHORT_LIFE else at + PAUSE
    for pid in running:
        os.kill(pid, signal.SIGTERM)
    for pid in running:
        os.waitpid(pid, 0)


def _fork(name: str, play: Callable[[], object]) -> int:
    """Its process id. What it is called is what `ps -o comm` and `top` show."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = os.EX_SOFTWARE
    try:
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGTERM)
        if os.getppid() == parent:  # else it has died before it could be said
            Path("/proc/self/comm").write_text(name)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
            play()
            code = os.EX_OK
    except BaseException as error:
        log.exception("part_failed", part=name, error=repr(error))
    finally:
        with suppress(OSError):  # a full disk: the part has ended all the same
            sys.stdout.flush()
        os._exit(code)


def _seconds() -> int:
    return int(time.monotonic())


def _ended() -> list[tuple[int, int]]:
    """The processes that have ended meanwhile, with what they said about it. One signal may stand for several."""
    found = []
    with suppress(ChildProcessError):
        while (one := os.waitpid(-1, os.WNOHANG))[0]:
            found.append(one)
    return found
