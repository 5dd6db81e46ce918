"""The services of one test run: a process that starts PostgreSQL, Valkey and the sandbox in a folder of its own, says where they
are, and stops them and deletes the folder when the run that asked for it ends, however it ends."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.folder import Folder, write_whole
from ops.local import Interrupted, Stack, interrupt, on_signals
from ops.parts import App
from ops.postgres import APP, FOR_TESTS, OWNER, Postgres
from ops.say import Stopped, tail
from ops.valkey import Valkey

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = "portal_template"


@dataclass(frozen=True)
class Services:
    """Where the services of this run are; read from the file that the process writes when all of them are ready."""

    folder: Path
    postgres_port: int
    valkey_port: int
    passwords: dict[str, str]
    valkey_password: str
    sandbox_url: str

    def database_url(self, database: str, role: str = APP) -> str:
        return f"postgresql+psycopg://{role}:{self.passwords[role]}@127.0.0.1:{self.postgres_port}/{database}"

    def redis_url(self, number: int) -> str:
        return f"redis://:{self.valkey_password}@127.0.0.1:{self.valkey_port}/{number}"


def launch() -> tuple[subprocess.Popen[bytes], Path]:
    """Begin to start the services and return at once: the process lives as long as its input stays open."""
    folder = Path(tempfile.mkdtemp(prefix="portal-tests-"))
    with (folder / "services.log").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "ops.for_tests", str(folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C ends the tests; the services end when the tests have
        )
    return process, folder


def in_memory(folder: Path) -> Path:
    """Where the tests of this run keep what is too busy for a disk; it is deleted with their folder, also when they were killed."""
    memory = Path("/dev/shm")
    return memory / folder.name if memory.is_dir() else folder / "memory"


def await_ready(folder: Path, patience: float = 240) -> Services:
    """Wait until the services answer; raises Stopped with what the logs say when they cannot."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if (folder / "failed").exists():
            raise Stopped((folder / "failed").read_text())
        if (folder / "ready.json").exists():
            return Services(folder, **json.loads((folder / "ready.json").read_text()))
        time.sleep(0.05)
    raise Stopped(f"The services of the tests were not ready after {patience:.0f} s.\n{tail(folder / 'services.log')}")


def _start(stack: Stack) -> dict[str, Any]:
    folder = stack.folder
    postgres, valkey = Postgres(folder, FOR_TESTS), Valkey(folder)
    postgres.prepare()
    valkey.prepare()
    stack.start(postgres.child(), valkey.child())
    postgres.make_database(TEMPLATE)
    port = folder.port("sandbox")
    address = f"http://127.0.0.1:{port}"
    env = os.environ | {
        "PORTAL_VAR": str(folder.path),
        "HOST": "127.0.0.1",
        "PORT": "0",
        "DATABASE_URL": postgres.url(APP, TEMPLATE),
        "MIGRATION_DATABASE_URL": postgres.url(OWNER, TEMPLATE),
        "REDIS_URL": valkey.url(),
        "PUBLIC_URL": "http://127.0.0.1",
        "SANDBOX_URL": address,
        "SANDBOX_PUBLIC_URL": address,
    }
    app = App(folder, env)
    sandbox = app.sandbox()
    for child in sandbox:
        child.start()
        stack.children.append(child)
    app.migrate()
    for child in sandbox:
        child.wait_until_ready()
    return {
        "postgres_port": postgres.port,
        "valkey_port": valkey.port,
        "passwords": postgres.passwords,
        "valkey_password": valkey.password,
        "sandbox_url": address,
    }


def _logs(folder: Folder) -> str:
    return "\n".join(tail(log, 12) for log in sorted(folder.log.glob("*.log")))


def main(path: Path) -> int:
    """Start, wait for the end of the input, stop, delete."""
    os.chdir(ROOT)
    os.umask(0o077)
    folder = Folder(path)
    stack = Stack(folder)
    on_signals(interrupt)
    try:
        facts = _start(stack)
        write_whole(folder.path / "ready.json", json.dumps(facts))
        sys.stdin.buffer.read()
    except Interrupted:
        pass
    except Exception as problem:  # whatever it was, the tests must hear of it
        write_whole(folder.path / "failed", f"{problem}\n{_logs(folder)}")
        sys.stdin.buffer.read()
    stack.kill()  # nothing in there is worth an orderly stop
    home = Postgres(folder).on.home
    for ours in (home, folder.path, in_memory(folder.path)):
        shutil.rmtree(ours, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
