"""HTML in, PDF out: keeps one printing press (core/web/press.py) warm per process, gives it a time limit and replaces it when it fails.

Only workers print. A web request that printed would wait, and would share its memory with a text-setting engine.
"""

import atexit
import json
import os
import select
import shutil
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LENGTH = struct.Struct(">I")
LARGEST_HTML = 2_000_000
LARGEST_PDF = 10_000_000
LARGEST_HEAD = 64_000
PAPERS_PER_PRESS = 500  # then a fresh one, so that nothing a library forgets to free can add up


class PaperNotPrinted(Exception):
    """This paper could not be printed; the reason is in the text. Trying again may or may not help."""


class PressMissing(PaperNotPrinted):
    """This machine lacks the libraries that print (pango); the HTML receipt is still there for the reader."""


@dataclass(frozen=True)
class Pdf:
    """A printed paper: its bytes, its pages, and the addresses it asked for and was refused (normally none)."""

    data: bytes
    pages: int
    refused: list[str] = field(default_factory=list)


class _Press:
    """One child process, the pipes to it, and the folder it works in, which it cannot clear away itself once it is killed."""

    def __init__(self):
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        self.owner, self.printed, self.folder = os.getpid(), 0, None
        self.process = subprocess.Popen(
            [sys.executable, "-m", "core.web.press"],
            cwd=ROOT,
            env=environment,
            bufsize=0,
            close_fds=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.set_blocking(self.process.stdin.fileno(), False)

    def hello(self, until) -> None:
        report, _ = self.receive(until)
        if "missing" in report:
            raise PressMissing(report["missing"])
        self.folder = report["folder"]

    def send(self, message: bytes, until) -> None:
        pipe, left = self.process.stdin.fileno(), memoryview(message)
        while left:
            if not select.select([], [pipe], [], _remaining(until))[1]:
                continue
            try:
                left = left[os.write(pipe, left) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise PaperNotPrinted("the press stopped before it took the paper") from None

    def receive(self, until) -> tuple[dict, bytes]:
        size = LENGTH.unpack(self._read(LENGTH.size, until))[0]
        if size > LARGEST_HEAD:
            raise PaperNotPrinted("the press gave an answer nobody can read")
        report = json.loads(self._read(size, until))
        if report["bytes"] > LARGEST_PDF:
            raise PaperNotPrinted(f"the paper would have {report['bytes']} bytes, more than we keep")
        return report, self._read(report["bytes"], until)

    def _read(self, size: int, until) -> bytes:
        pipe, parts = self.process.stdout.fileno(), bytearray()
        while len(parts) < size:
            if select.select([pipe], [], [], _remaining(until))[0]:
                part = os.read(pipe, min(size - len(parts), 65536))
                if not part:
                    raise PaperNotPrinted("the press stopped while printing; the paper probably needed too much memory")
                parts += part
        return bytes(parts)

    def stop(self) -> None:
        if self.owner != os.getpid():  # a forked copy of our parent's press is not ours to end
            return
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


_press: _Press | None = None
_one_at_a_time = threading.Lock()


def render_archive(html: str, *, e_invoice: bytes | None = None, seconds: int = 10) -> Pdf:
    """The same as a PDF/A-3, which may carry an e-invoice inside it. The paper says when it was written (dcterms.created)."""
    return render_pdf(html, seconds=seconds, archive={} if e_invoice is None else {"e_invoice": e_invoice.decode()})


def render_pdf(html: str, *, seconds: int = 10, archive: dict | None = None) -> Pdf:
    """Print this HTML within `seconds`, or raise PaperNotPrinted; the same HTML always gives the same bytes.

    The paper may use files under static/css and static/fonts by their /static/... address and nothing else.
    """
    order = json.dumps({"html": html, "archive": archive}).encode()
    if len(order) > LARGEST_HTML:
        raise PaperNotPrinted("the paper is too long to be printed")
    with _one_at_a_time:
        report, data = _print(order, seconds)
        if "failed" in report and _retire():  # it may be the press: its folder of fonts may have been swept away. A fresh one has its own
            report, data = _print(order, seconds)
    if "failed" in report:
        raise PaperNotPrinted(report["failed"])
    return Pdf(data, report["pages"], report["refused"])


def _print(order: bytes, seconds: int) -> tuple[dict, bytes]:
    """What the press says to one order, and the paper."""
    press = _warm_press()
    until = time.monotonic() + seconds
    try:
        press.send(LENGTH.pack(len(order)) + order, until)
        report, data = press.receive(until)
    except BaseException:  # also when our own job is interrupted: half an answer may wait in the pipe
        _retire()
        raise
    press.printed += 1
    return report, data


def _warm_press() -> _Press:
    """The press of this very process: a fork must not share a pipe with its parent."""
    global _press
    if _press and (_press.owner != os.getpid() or _press.printed >= PAPERS_PER_PRESS or _press.process.poll() is not None):
        _retire()
    if _press is None:
        _press = _Press()
        try:
            _press.hello(time.monotonic() + 15)
        except BaseException:
            _retire()
            raise
    return _press


def _retire() -> bool:
    """End the press of this process; whether it had printed more than once."""
    global _press
    gone, _press = _press, None
    if gone:
        gone.stop()
    return gone is not None and gone.printed > 1


def _remaining(until):
    left = until - time.monotonic()
    if left <= 0:
        raise PaperNotPrinted("printing took longer than it may")
    return left


atexit.register(_retire)
