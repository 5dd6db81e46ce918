"""The whole stack as ./run starts it, in a folder and on ports of its own, and a hand that ends its processes without warning."""

from __future__ import annotations

import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg
from psycopg.rows import dict_row

from core.providers.stripe_shapes import HEARD, HEARD_OF_SELLERS
from ops.folder import Folder, free_port
from ops.local import Stack as Parts
from ops.local import settle_addresses, start_data
from ops.parts import App
from ops.postgres import Postgres
from workers.runner import ALL

ROOT = Path(__file__).resolve().parents[2]
OURS = ("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL", "PUBLIC_URL", "PORT", "HOST", "PORTAL_VAR", "DEMO", "SMTP_URL")
# How a child of the supervisor is told from the others: words of its command.
CHILDREN = {
    "web": ("gunicorn", "wsgi:create_app()"),
    "sandbox": ("gunicorn", "sandbox.processor:app"),
    "workers": ("workers.runner", "all"),
}


class Stack:
    """A running portal. Only processes that descend from the supervisor started here are ever touched."""

    def __init__(self, **more: str) -> None:
        self.more = more  # settings beside the usual ones
        self.folder = Path(tempfile.mkdtemp(prefix="portal-storm-"))
        self.address = f"http://127.0.0.1:{free_port()}"
        self.log = self.folder / "supervisor.log"
        self.supervisor: subprocess.Popen[bytes] | None = None
        self.environment: dict[str, str] = {}

    def settings(self) -> dict[str, str]:
        clean = {
            name: value for name, value in os.environ.items() if name not in OURS and not name.startswith(("SANDBOX_", "STRIPE_", "BANK_"))
        }
        clean |= {
            "PORT": self.address.rpartition(":")[2],
            "PORTAL_VAR": str(self.folder / "var"),
            "DEMO": "0",
            "RATES_URL": "",
            "VIES_URL": "",
        }
        return clean | self.more

    @contextmanager
    def services(self) -> Iterator[Postgres]:
        """PostgreSQL, Valkey and the processor alone, as an operator starts them who lets nothing leave yet; commands can be run meanwhile."""
        folder, env = Folder(self.folder / "var"), self.settings()
        folder.lock(self.address)
        settle_addresses(env, folder)
        postgres, parts = Postgres(folder), Parts(folder)
        try:
            start_data(parts, env)
            app = App(folder, env)
            parts.start(*app.sandbox())
            postgres.prepare()
            self.environment = app.env
            yield postgres
        finally:
            parts.stop()
            os.close(folder._handle)

    def start(self, patience: float = 240) -> None:
        """Start everything and wait until it says that it is ready."""
        clean = self.settings()
        with self.log.open("wb") as out:
            self.supervisor = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", sys.executable, "-m", "ops.local"],
                cwd=ROOT, env=clean, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + patience
        while "The portal is ready" not in self.log.read_text():
            assert self.supervisor.poll() is None and time.monotonic() < until, self.words()
            time.sleep(0.1)
        told = Path(f"/proc/{self.pid('web')}/environ").read_bytes().decode().split("\0")
        self.environment = dict(line.split("=", 1) for line in told if "=" in line)

    def stop(self) -> None:
        """Stop in order and delete the folder."""
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)

    def halt(self) -> None:
        """Stop in order; everything is kept."""
        if self.supervisor is None:
            return
        self.supervisor.terminate()
        try:
            self.supervisor.wait(90)
        except subprocess.TimeoutExpired:
            self.supervisor.send_signal(signal.SIGINT)  # once more: it ends everything at once
            self.supervisor.wait(30)
        self.supervisor = None

    def words(self, lines: int = 15) -> str:
        """The ends of all logs: what to read when something went wrong."""
        logs = [self.log, *sorted((self.folder / "var/log").glob("*.log"))]
        return "\n".join(f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) for log in logs)

    # --- its processes ------------------------------------------------------------------------------------------------

    def pid(self, name: str) -> int | None:
        """The process of this name among the children of our supervisor, or among those forked for the workers' parts."""
        assert self.supervisor is not None
        if name in ALL:
            master = self.pid("workers")
            return next((pid for pid in children_of(master) if name_of(pid) == name), None) if master else None
        for pid in children_of(self.supervisor.pid):
            words = command_of(pid)
            if not words:
                continue
            program = os.path.basename(words[0])
            if program == name or program.startswith(f"{name}-") or (name in CHILDREN and set(CHILDREN[name]) <= set(words)):
                return pid
        return None

    def kill(self, what: str, dice: random.Random) -> bool:
        """kill -9. `web` and `workers` are the master and what it forked, `web worker` one of them, `backend` one connection's server process."""
        name = {"web worker": "web", "backend": "postgres"}.get(what, what)
        parent = self.pid(name)
        if parent is None:
            return False
        below = children_of(parent)
        if what == "backend":
            below = [pid for pid in below if b"portal_app" in raw_command_of(pid)]
        if what in ("backend", "web worker"):
            victims = [dice.choice(below)] if below else []
        else:
            victims = [parent, *(below if what in ("web", "workers") else [])]
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        return bool(victims)

    def await_recovery(self, patience: float = 45) -> float:
        """Wait until every process is there and pages can be served; says how long that took."""
        began = time.monotonic()
        while not self._whole():
            assert time.monotonic() - began < patience, f"not whole again after {patience:.0f} s\n{self.words()}"
            time.sleep(0.1)
        return time.monotonic() - began

    def _whole(self) -> bool:
        if any(self.pid(name) is None for name in (*CHILDREN, *ALL, "postgres", "valkey")):
            return False
        try:
            return fetch("GET", f"{self.address}/readyz", timeout=5)[0] == 200
        except OSError:
            return False

    # --- what it knows ------------------------------------------------------------------------------------------------

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection[dict[str, Any]]]:
        """A reader's connection, straight to PostgreSQL."""
        with psycopg.connect(self.environment["DATABASE_URL"].replace("+psycopg", ""), autocommit=True, row_factory=dict_row) as connection:
            yield connection

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with self.database() as connection:
            return connection.execute(sql).fetchall()

    def sandbox(self, path: str, **query: Any) -> dict[str, Any]:
        """The processor's answer to the account's owner."""
        url = self.environment["SANDBOX_URL"] + path + (f"?{urlencode(query)}" if query else "")
        status, _, text = fetch("GET", url, headers={"Authorization": f"Bearer {self.environment['SANDBOX_API_KEY']}"})
        assert status == 200, text
        answer: dict[str, Any] = json.loads(text)
        return answer

    def sandbox_list(self, path: str) -> list[dict[str, Any]]:
        """All pages of one of the processor's lists."""
        found: list[dict[str, Any]] = []
        while True:
            part = self.sandbox(path, limit=100, **({"starting_after": found[-1]["id"]} if found else {}))
            found += part["data"]
            if not part["has_more"]:
                return found

    def events_there(self) -> set[str]:
        """What the processor had to tell of that an installation asks to hear."""
        return {event["id"] for event in self.sandbox_list("/v1/events") if event["type"] in (*HEARD, *HEARD_OF_SELLERS)}

    def command(self, *words: str) -> tuple[int, str]:
        """One of the operator's commands, as an operator would run it on this machine."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.returncode, done.stdout + done.stderr


def children_of(parent: int) -> list[int]:
    """The living children of a process."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, ppid = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except (OSError, ValueError):
                continue
            if int(ppid) == parent and state != "Z":
                found.append(int(entry.name))
    return found


def raw_command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def name_of(pid: int) -> str:
    """What the process calls itself."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().rstrip("\n")
    except OSError:
        return ""


def command_of(pid: int) -> list[str]:
    return raw_command_of(pid).decode(errors="replace").rstrip("\0").split("\0")


def fetch(
    method: str, url: str, body: str | None = None, *, headers: dict[str, str] | None = None, source: str = "", timeout: float = 20
) -> tuple[int, http.client.HTTPMessage, str]:
    """One request on a line of its own, no redirects. `source` is the address on this machine to call from."""
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout, source_address=(source, 0) if source else None)
    try:
        line.request(method, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, headers or {})
        answer = line.getresponse()
        return answer.status, answer.headers, answer.read().decode("utf-8", "replace")
    except http.client.HTTPException as broken:
        raise ConnectionError(f"{method} {parts.path[:30]}: {broken!r}") from broken
    finally:
        line.close()
