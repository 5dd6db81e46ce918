"""The portal's own processes as the local stack runs them: migrations, sandbox, web, workers, clock, and the first seed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from core.kernel.config import BadSecrets, ensure_secrets
from core.providers.stripe_shapes import HEARD, HEARD_OF_SELLERS
from ops.child import Child
from ops.folder import Folder
from ops.introduce import bank_accounts, rates_feed, register_webhook, vat_registry
from ops.say import Stopped, say, tail

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
RUNNER = (PYTHON, "-m", "workers.runner")
GUNICORN = (PYTHON, "-m", "gunicorn", "--no-control-socket", "-k", "gthread")


def answers(address: str, below: int = 500) -> bool:
    """Whether a GET is answered with a status below the given one."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status < below
    except urllib.error.HTTPError as refused:
        return refused.code < below
    except (OSError, ValueError):
        return False


class App:
    """Builds the processes for one folder and one environment."""

    def __init__(self, folder: Folder, env: dict[str, str]) -> None:
        self.folder = folder
        try:
            kept = ensure_secrets(folder.path / "secrets.json")
        except BadSecrets as problem:
            raise Stopped(str(problem)) from None
        env.setdefault("SANDBOX_API_KEY", kept["sandbox_api_key"])
        env.setdefault("SANDBOX_WEBHOOK_SECRET", kept["sandbox_webhook_secret"])
        # Memory in two heaps: one for each of eight threads keeps more of it than any of them uses. And of each instruction Python knows
        # the line it stands in, not the columns as well: they underline a fault in its report, and are a megabyte in each process.
        env |= folder.mark() | {"PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "2", "PYTHONNODEBUGRANGES": "1"}
        self.owner_env = env
        # least rights: only the migrations know the password of the role that owns the schema
        self.env = {name: value for name, value in env.items() if name != "MIGRATION_DATABASE_URL"}

    def _flask(self, *words: str, env: dict[str, str], log_name: str, what: str) -> None:
        log = self.folder.log_of(log_name)
        with log.open("ab") as out:
            command = ["setpriv", "--pdeathsig", "TERM", "--", PYTHON, "-m", "flask", "--app", "wsgi", *words]
            done = subprocess.run(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        if done.returncode:
            raise Stopped(f"{what} failed (exit code {done.returncode}).\n{tail(log)}")

    def migrate(self) -> None:
        """Bring the schema up to date; skipped when the database says that it is already where these files lead."""
        mark = _files_mark(ROOT / "migrations")
        url = self.owner_env["MIGRATION_DATABASE_URL"]
        known = self.folder.recall().get("migrated", {})
        if known.get("files") == mark and known.get("version") and known["version"] == _schema_version(url):
            say(f"the schema is up to date ({known['version']})")
            return
        new = _schema_version(url) is None
        self._flask("db", "upgrade", env=self.owner_env, log_name="migrate", what="The migration of the database")
        version = _schema_version(url)
        self.folder.remember(migrated={"files": mark, "version": version})
        if new:
            self.folder.remember(seeded=None)
        say(f"the schema was migrated ({version})")

    def sandbox(self) -> list[Child]:
        """The pretend card processor, unless SANDBOX_URL named one that runs elsewhere."""
        port = self.folder.recall().get("sandbox_port")
        if self.env["SANDBOX_URL"] != f"http://127.0.0.1:{port}":
            return []
        store = self.folder.path / "sandbox"
        store.mkdir(mode=0o700, exist_ok=True)
        # an outsider: it gets its own address and store, and none of our database's secrets
        ours = ("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL", "SMTP_URL", "STRIPE_")
        keep = {name: value for name, value in self.env.items() if not name.startswith(ours)}
        keep |= {"SANDBOX_STORE": str(store / "store.db")}
        return [
            Child(
                "sandbox",
                [
                    *GUNICORN,
                    "-w",
                    "1",
                    "--threads",
                    "8",
                    "--graceful-timeout",
                    "5",
                    "--keep-alive",
                    "75",  # as processors have it: of two seconds, the usual, some end at the very moment at which we ask
                    "-b",
                    f"{self.env['HOST']}:{port}",
                    "sandbox.processor:app",
                ],
                log=self.folder.log_of("sandbox"),
                env=keep,
                ready=lambda: answers(self.env["SANDBOX_URL"] + "/_sandbox/health"),
            )
        ]

    def web(self) -> Child:
        """Two processes of eight threads; each is renewed now and then, not both at once. The program is loaded once and then forked:
        a process that was killed is back at once."""
        port, host = self.env["PORT"], self.env["HOST"]
        shared_memory = ["--worker-tmp-dir", "/dev/shm"] if os.access("/dev/shm", os.W_OK) else []
        limits = ["--max-requests", "20000", "--max-requests-jitter", "4000", "--timeout", "60", "--graceful-timeout", "20"]
        return Child(
            "web",
            [*GUNICORN, "--preload", "-w", "2", "--threads", "8", *limits, *shared_memory, "-b", f"{host}:{port}", "wsgi:create_app()"],
            log=self.folder.log_of("web"),
            env=self.env,
            grace=25,
            ready=lambda: answers(f"http://127.0.0.1:{port}/readyz"),
        )

    def clock_and_workers(self) -> Child:
        """The clock, two workers and the sender of webhooks, which share the memory of one program (workers/together.py)."""
        return Child("workers", [*RUNNER, "all"], log=self.folder.log_of("workers"), env=self.env, grace=45)

    def name_the_banks(self) -> None:
        """In the demo transfers go to the accounts that the sandbox's bank keeps for us, and rates and answers about VAT numbers come from the
        sandbox, unless others were named."""
        if self.env.get("DEMO") == "1":
            self.env.setdefault("RATES_URL", rates_feed(self.env["SANDBOX_URL"]))
            self.env.setdefault("VIES_URL", vat_registry(self.env["SANDBOX_URL"]))
        if self.env.get("DEMO") == "1" and "BANK_TEST_ACCOUNTS" not in self.env:
            self.env["BANK_TEST_ACCOUNTS"] = bank_accounts(self.env["SANDBOX_URL"], self.env["SANDBOX_API_KEY"])

    def introduce_to_sandbox(self) -> None:
        """Tell the sandbox where its signed webhooks go and with which secret."""
        register_webhook(
            self.env["SANDBOX_URL"],
            self.env["SANDBOX_API_KEY"],
            f"http://127.0.0.1:{self.env['PORT']}/hooks/sandbox/test",
            self.env["SANDBOX_WEBHOOK_SECRET"],
            (*HEARD, *HEARD_OF_SELLERS),
        )

    def seed(self) -> None:
        """Fill a new database with a small believable world, once. DEMO=0 leaves it empty."""
        if self.env.get("DEMO") != "1":
            return
        at = urlsplit(self.env["DATABASE_URL"])
        whose = f"{at.hostname}{at.path}"
        if (self.folder.path / "demo.json").exists() and self.folder.recall().get("seeded") == whose:
            return
        say("filling in three demo vendors with a week of payments")
        self._flask("seed-demo", env=self.env, log_name="seed", what="Filling in the demo")
        self.folder.remember(seeded=whose)
        say("the demo world is ready")


def _files_mark(folder: Path) -> str:
    mark = hashlib.sha256()
    for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.sql")]):
        mark.update(path.name.encode() + b"\0" + path.read_bytes())
    return mark.hexdigest()[:16]


def _schema_version(url: str) -> str | None:
    """The migration the database is at, asked of the database itself."""
    try:
        with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://", 1), connect_timeout=10) as connection:
            row = connection.execute("select string_agg(version_num, ',' order by version_num) from alembic_version").fetchone()
    except psycopg.Error:
        return None
    return str(row[0]) if row and row[0] else None
