"""The local stack in one command: real PostgreSQL and Valkey, migrations, sandbox, web, workers and clock, kept running until Ctrl-C."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

import psycopg

from ops.child import Child
from ops.folder import Folder, is_free
from ops.parts import App
from ops.postgres import APP, OWNER, Postgres
from ops.say import BEGAN, Stopped, complain, plain, say, tail
from ops.valkey import Valkey

ROOT = Path(__file__).resolve().parent.parent
PROBLEMS = (Stopped, OSError, psycopg.Error)  # of the machine, not of the program
UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}


class Interrupted(BaseException):
    """Ctrl-C, a kill or a closed terminal, while the stack was starting or running."""


class Stack:
    """What runs, in the order it was started; it is stopped in the opposite order."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.children: list[Child] = []

    def start(self, *children: Child) -> None:
        """Start all of them, then wait for each."""
        for child in children:
            child.start()
            self.children.append(child)
        for child in children:
            child.wait_until_ready()

    def confirm(self) -> None:
        """Before saying that all is well: nothing that was started has ended meanwhile."""
        for child in self.children:
            if not child.alive:
                raise Stopped(f"{child.name} ended while the others were starting.\n{tail(child.log)}")

    def tend(self) -> None:
        """Start again whatever fell. Called every fraction of a second."""
        for child in self.children:
            child.tend()

    def stop(self) -> None:
        """Doors first, data last, so that nothing works on a closed database."""
        for child in reversed(self.children):
            began = time.monotonic()
            child.stop()
            say(f"{child.name} stopped ({time.monotonic() - began:.1f} s)")

    def kill(self) -> None:
        for child in reversed(self.children):
            child.kill()


def start_data(stack: Stack, env: dict[str, str]) -> None:
    """Start PostgreSQL and Valkey unless the environment names servers of the user's own, and put their addresses into it."""
    folder = stack.folder
    if env.get("DATABASE_URL"):
        env.setdefault("MIGRATION_DATABASE_URL", env["DATABASE_URL"])
        say("PostgreSQL: the server named by DATABASE_URL")
    else:
        postgres = Postgres(folder)
        made = postgres.prepare()
        if made:
            say("PostgreSQL made its data folder")
        stack.start(postgres.child())
        postgres.make_database()
        env["DATABASE_URL"], env["MIGRATION_DATABASE_URL"] = postgres.url(APP), postgres.url(OWNER)
        say(f"PostgreSQL {postgres.version} is ready on port {postgres.port}")
    if env.get("REDIS_URL"):
        say("Valkey: the server named by REDIS_URL")
        return
    valkey = Valkey(folder)
    valkey.prepare()
    try:
        stack.start(valkey.child())
    except Stopped:
        stack.children.pop().kill()
        if not valkey.set_aside():
            raise
        say("Valkey could not read its file; it was set aside (nothing that matters lives there)")
        stack.start(valkey.child())
    env["REDIS_URL"] = valkey.url()
    say(f"Valkey is ready on port {valkey.port}")


def start_everything(stack: Stack, env: dict[str, str]) -> None:
    """From an empty folder, or a killed one, to a portal that answers."""
    start_data(stack, env)
    app = App(stack.folder, env)
    app.migrate()
    own_sandbox = app.sandbox()
    stack.start(*own_sandbox)
    app.name_the_banks()
    app.seed()  # before anybody listens: the demo's week lies in the past, and its webhooks with it
    app.introduce_to_sandbox()
    stack.start(app.clock_and_workers(), app.web())
    stack.confirm()
    say(f"web, workers, clock and sandbox are ready ({len(stack.children)} processes)")


def summary(env: dict[str, str], folder: Folder) -> None:
    """Where to go and what to try."""
    seconds = time.monotonic() - BEGAN
    plain()
    plain(f"  The portal is ready: {env['PUBLIC_URL']}    (after {seconds:.1f} s)")
    try:
        demo = json.loads((folder.path / "demo.json").read_text())
    except (OSError, ValueError):
        demo = {}
    for person in demo.get("sign_ins", []):
        who = f"{person['email']}  {person['password']}"
        plain(f"    sign in as   {who}" + (f"   {person['note']}" if person.get("note") else ""))
    if demo.get("staff"):
        plain(f"    as staff     {demo['staff']['email']}  {demo['staff']['password']}   at {env['PUBLIC_URL']}/staff/")
    if demo.get("payment_link"):
        plain(f"    pay a link   {demo['payment_link']}")
    if demo.get("card"):
        plain(f"    with card    {demo['card']}")
    plain(f"    sandbox      {env['SANDBOX_PUBLIC_URL']}    the pretend card processor")
    plain(f"    logs         {folder.log}")
    plain("  This runs on bundled services, for trying and developing. Ctrl-C stops everything.")
    plain()


def settle_addresses(env: dict[str, str], folder: Folder) -> None:
    """Fill in the addresses everybody needs to know; what the user has set stays."""
    port = env.setdefault("PORT", "8000")
    host = env.setdefault("HOST", "127.0.0.1")
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host
    env["PORTAL_VAR"] = str(folder.path)
    env.setdefault("PUBLIC_URL", f"http://{shown}:{port}")
    env.setdefault("DEMO", "1")
    if "SANDBOX_URL" not in env:
        sandbox_port = folder.port("sandbox")
        env["SANDBOX_URL"] = f"http://127.0.0.1:{sandbox_port}"
        env.setdefault("SANDBOX_PUBLIC_URL", f"http://{shown}:{sandbox_port}")
    env.setdefault("SANDBOX_PUBLIC_URL", env["SANDBOX_URL"])


def var_of(env: Mapping[str, str]) -> Path:
    """The data folder that this environment names."""
    return Path(env.get("PORTAL_VAR") or ROOT / "var")


def take_folder(env: dict[str, str]) -> Folder:
    """Lock the data folder and make sure that the web port is ours to use."""
    port, host = env.get("PORT", "8000"), env.get("HOST", "127.0.0.1")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise Stopped(f"PORT must be a number between 1 and 65535, not {port!r}.")
    folder = Folder(var_of(env))
    folder.lock(env.get("PUBLIC_URL") or f"http://127.0.0.1:{port}")
    folder.clear_leftovers()
    if not is_free(int(port), host):
        raise Stopped(
            f"Port {port} is taken by another program. Choose another one: PORT={int(port) + 10} ./run\n"
            f"(if it is another copy of the portal that you want to keep, give this one a folder too: PORTAL_VAR=var-2)"
        )
    return folder


def on_signals(action: object) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, action)  # type: ignore[arg-type]


def interrupt(number: int, _frame: FrameType | None) -> None:
    """The first signal: leave whatever is going on and stop in order."""
    on_signals(signal.SIG_IGN)  # until the orderly stop has begun
    raise Interrupted(number)


def _insist(_number: int, _frame: FrameType | None) -> None:
    raise Interrupted("again")


def in_words(problem: BaseException, folder: Path) -> str:
    """What the person at the terminal can do something about: a full disk, a folder that is not theirs, a database that gave up."""
    if isinstance(problem, psycopg.errors.DiskFull):
        problem = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # the database would name one of its files, by a number
    if isinstance(problem, psycopg.Error):
        return f"PostgreSQL stopped the start: {str(problem).partition(chr(10))[0]}"
    if isinstance(problem, OSError):
        place = getattr(problem, "filename", None) or folder
        return f"{'Cannot write to' if problem.errno in UNWRITABLE else 'Cannot use'} {place}: {problem.strerror or problem}"
    return str(problem)


def run(env: dict[str, str]) -> int:
    """Start, tend until told to stop, stop in order."""
    folder = take_folder(env)
    settle_addresses(env, folder)
    stack, code = Stack(folder), 0
    on_signals(interrupt)
    try:
        start_everything(stack, env)
        summary(env, folder)
        while True:
            stack.tend()
            time.sleep(0.2)
    except Interrupted:
        plain()
    except PROBLEMS as problem:
        complain(in_words(problem, folder.path))
        code = 1
    say("stopping everything in order (once more Ctrl-C ends it at once)")
    try:
        on_signals(_insist)
        stack.stop()
        say("everything has stopped")
    except Interrupted:
        on_signals(signal.SIG_IGN)
        stack.kill()
        say("everything was ended at once; the next start recovers what was going on")
    return code


def main() -> int:
    os.chdir(ROOT)
    os.umask(0o077)
    with contextlib.suppress(AttributeError, OSError):
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        return run(dict(os.environ))
    except PROBLEMS as problem:
        complain(in_words(problem, var_of(os.environ)))
        return 1


if __name__ == "__main__":
    sys.exit(main())
