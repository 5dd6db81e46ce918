"""Looking at processes from outside: processor time and memory of whole trees, and clients forked from a loaded application."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from flask import Flask

TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def cpu_seconds(*roots: int) -> float:
    """Processor time used so far by these trees, with what their ended children used."""
    total = 0
    for root in roots:
        for pid in tree(root):
            with contextlib.suppress(OSError, IndexError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                total += sum(int(field) for field in fields[11:15])
    return total / TICKS


def memory_mb(pid: int, kind: str = "Pss") -> float:
    """Memory of one process; Pss counts a shared page once over all its users, Rss counts it in each."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(f"{kind}:"):
            return int(line.split()[1]) / 1024
    return 0.0


def flush_microseconds(folder: Path, times: int = 200) -> float:
    """How long the disk takes to keep 8 kB, as pg_test_fsync asks: the median of some."""
    handle = os.open(folder / "flush", os.O_RDWR | os.O_CREAT, 0o600)
    took = []
    for _ in range(times):
        began = time.perf_counter()
        os.pwrite(handle, b"\0" * 8192, 0)
        os.fdatasync(handle)
        took.append(time.perf_counter() - began)
    os.close(handle)
    return median(took) * 1e6


@dataclass(frozen=True)
class Run:
    """What some clients did together."""

    done: int
    seconds: float
    client_cpu: float

    @property
    def rate(self) -> float:
        return self.done / self.seconds


def run_clients(app: Flask, shares: Sequence[Sequence[Any]], act: Callable[[Any], None], warm: int = 8, threads: int = 1) -> Run:
    """A client for each share, so many threads in each of the forked processes; all begin together once each process has connected and
    done the first few of its shares, which are not counted."""
    context = multiprocessing.get_context("fork")
    crews = [shares[begin : begin + threads] for begin in range(0, len(shares), threads)]
    start = context.Barrier(len(crews))
    lines = [context.Pipe(duplex=False) for _ in crews]
    clients = [
        context.Process(target=_client, args=(app, crew, act, warm, start, line[1])) for crew, line in zip(crews, lines, strict=True)
    ]
    gc.freeze()  # what was there before stays untouched by the clients' collectors
    for client in clients:
        client.start()
    told = [line[0].recv() if line[0].poll(300) else None for line in lines]
    for client in clients:
        client.join(30)
    failed = [one for one in told if not isinstance(one, tuple)]
    if failed:
        raise RuntimeError(f"{len(failed)} clients failed: {failed[0]}")
    seconds = max(one[1] for one in told) - min(one[0] for one in told)
    return Run(sum(len(share) - warm for share in shares), seconds, sum(one[2] for one in told))


def _client(app: Flask, crew: Sequence[Sequence[Any]], act: Callable[[Any], None], warm: int, start: Any, line: Any) -> None:
    from core.kernel.db import db
    from workers import wake

    def work(items: Sequence[Any]) -> None:
        with app.app_context():
            for item in items:
                act(item)

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        wake._redis = None  # a fork must not share its parent's lines
        with app.app_context():
            db.engine.dispose(close=False)
        with ThreadPoolExecutor(len(crew)) as threads:
            list(threads.map(work, [share[:warm] for share in crew]))
            start.wait(120)
            began, cpu = time.monotonic(), time.process_time()
            list(threads.map(work, [share[warm:] for share in crew]))
            line.send((began, time.monotonic(), time.process_time() - cpu))
    except BaseException as problem:
        start.abort()
        line.send(repr(problem))
    os._exit(0)
