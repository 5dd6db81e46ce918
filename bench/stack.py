"""The services of one benchmark run: durable PostgreSQL, Valkey and the sandbox in a folder of their own, and what is measured on them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from redis import Redis
from rq import Worker
from rq.serializers import JSONSerializer

from bench.processes import tree
from ops.child import Child
from ops.folder import Folder, free_port
from ops.local import Stack, settle_addresses
from ops.parts import GUNICORN, RUNNER, App, answers
from ops.postgres import APP, OWNER, Postgres
from ops.valkey import Valkey

# Room for the loads of a run; everything that makes a commit durable stays as PostgreSQL ships it.
SETTINGS = ("max_connections=120", "shared_buffers=512MB", "max_wal_size=8GB", "checkpoint_timeout=30min")
WORKERS = ("-w", "2", "--threads", "8")


class Services:
    """What one run has started. Databases: `portal` for the money path, `portal_small` and `portal_large` for reading."""

    def __init__(self, folder: Path) -> None:
        self.folder = Folder(folder)
        self.stack = Stack(self.folder)
        self.postgres = Postgres(self.folder, SETTINGS)
        self.valkey = Valkey(self.folder)
        self.port = free_port()
        self.env = dict(os.environ) | {"PORT": str(self.port), "PUBLIC_URL": f"http://127.0.0.1:{self.port}", "DEMO": "1"}
        for name in ("SMTP_URL", "DATABASE_URL", "REDIS_URL", "SANDBOX_URL", "STRIPE_TEST_SECRET_KEY", "STRIPE_LIVE_SECRET_KEY"):
            self.env.pop(name, None)
        settle_addresses(self.env, self.folder)

    def start(self) -> None:
        """Data first, then the schema, then the sandbox; whoever measures starts the rest."""
        self.postgres.prepare()
        self.valkey.prepare()
        self.stack.start(self.postgres.child(), self.valkey.child())
        self.postgres.make_database()
        self.env |= {
            "DATABASE_URL": self.postgres.url(APP),
            "MIGRATION_DATABASE_URL": self.postgres.url(OWNER),
            "REDIS_URL": self.valkey.url(),
        }
        self.app = App(self.folder, self.env)
        self.app.migrate()
        for name in ("portal_small", "portal_large"):
            self.postgres.make_database(name, template="portal")
        self.stack.start(*self.app.sandbox())
        self.app.introduce_to_sandbox()
        os.environ.update(self.app.env)

    @property
    def postgres_pid(self) -> int:
        return self.stack.children[0].pid

    @property
    def api_key(self) -> str:
        return self.env["SANDBOX_API_KEY"]

    def connect(self, database: str = "portal") -> psycopg.Connection:
        """A connection of the owner, each statement for itself."""
        return self.postgres.connect(database)

    def environment(self, database: str) -> dict[str, str]:
        """What a process of the portal is told when it works on this database."""
        return self.app.env | {"DATABASE_URL": self.postgres.url(APP, database)}

    @contextmanager
    def web(self, database: str = "portal") -> Iterator[Child]:
        """The web server as the portal starts it, at its own address."""
        kept, self.app.env = self.app.env, self.environment(database)
        try:
            child = self.app.web()
        finally:
            self.app.env = kept
        with self.running(child):
            yield child

    @contextmanager
    def server(self, name: str, module: str, *words: str) -> Iterator[tuple[Child, int]]:
        """Another application under the same server with the same settings, on a port of its own."""
        port = free_port()
        child = Child(
            name,
            [*GUNICORN, *(words or WORKERS), "-b", f"127.0.0.1:{port}", module],
            log=self.folder.log_of(name),
            env=self.app.env | {"PORT": str(port)},
            ready=lambda: answers(f"http://127.0.0.1:{port}/"),
        )
        with self.running(child):
            yield child, port

    @contextmanager
    def worker(self, database: str = "portal", *queues: str) -> Iterator[Child]:
        """One worker process for these queues; it has loaded the program and listens."""
        child = self.part("worker", "work", *(queues or ("money",)), env=self.environment(database))
        child.ready = lambda: self._listens(child)
        with self.running(child):
            yield child

    def part(self, name: str, *words: str, env: dict[str, str] | None = None) -> Child:
        """The clock, a worker or the sender of webhooks, in a process that runs no other."""
        return Child(name, [*RUNNER, *words], log=self.folder.log_of(name), env=env or self.app.env)

    def _listens(self, child: Child) -> bool:
        """RQ knows a worker of this very process. One that was killed before stays in its list for a while."""
        with Redis.from_url(self.valkey.url()) as line:
            return any(worker.pid in tree(child.pid) for worker in Worker.all(connection=line, serializer=JSONSerializer))

    @contextmanager
    def running(self, child: Child) -> Iterator[Child]:
        """A process that lives as long as the block."""
        child.start()
        self.stack.children.append(child)
        try:
            child.wait_until_ready()
            yield child
        finally:
            self.stack.children.remove(child)
            child.kill()


@contextmanager
def services() -> Iterator[Services]:
    """Start them in a new temporary folder; stop them and delete it whatever happens. TMPDIR decides where, and so on which disk."""
    folder = Path(tempfile.mkdtemp(prefix="portal-bench-"))
    made = Services(folder)
    try:
        made.start()
        yield made
    finally:
        made.stack.kill()
        made.postgres.remove()
        shutil.rmtree(folder, ignore_errors=True)
