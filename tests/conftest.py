"""Fixtures that every test may ask for: real PostgreSQL, Valkey and sandbox, the app, a live address, a browser, the workers' work.

A test that asks for none of them runs without any service. Tests share a database and keep apart by making their own vendor.
"""

from __future__ import annotations

import contextlib
import gc
import os
import secrets
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from ops import for_tests
from ops.for_tests import TEMPLATE, Services
from ops.postgres import OWNER
from ops.say import Stopped

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "PORTAL_TEST_SERVICES"  # the folder of the services, handed from the run to its xdist workers

# No test is about time: a busy machine that takes long to think of an example says nothing about our code.
hypothesis_settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("untimed")

MANY = 100  # tests; then what they left behind costs more time than a new database

NOT_STARTED = "The services of the tests did not start: what they said stands at the end."

_launched: list[subprocess.Popen[bytes]] = []


def _launch() -> None:
    process, folder = for_tests.launch()
    _launched.append(process)
    os.environ[FOLDER] = str(folder)


class Herald:
    """Says what failed when it fails: of a run that is cut short, that would otherwise never be known."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        terminal = self.config.pluginmanager.getplugin("terminalreporter")
        if report.failed and terminal:
            terminal.write_line(f"\n{report.nodeid} failed ({report.when}): {report.longreprtext[-600:]}")


def pytest_configure(config: pytest.Config) -> None:
    """With xdist one set of services serves all workers: it begins to start before they do. Without, the first test that asks waits."""
    if hasattr(config, "workerinput"):
        return
    config.pluginmanager.register(Herald(config))
    os.environ.pop(FOLDER, None)
    if getattr(config.option, "numprocesses", None):
        _launch()


# What these look at is everybody's: every book, every day, everything that is due. They come first, while there is little of it.
SWEEPING = tuple(
    f"tests/{file}.py"
    for file in (
        "core/ledger/test_audit_chain", "core/ledger/test_chain", "core/ledger/test_close_day", "core/ledger/test_closed_days",
        "core/ledger/test_hard_days", "core/payouts/test_carried", "checkout/test_ways_that_take_days", "flows/test_delayed_payments",
        "flows/test_dispute_threads",
        "portal/admin/test_days", "portal/admin/test_proofs", "workers/test_charges", "workers/test_clock", "workers/test_day_papers",
        "workers/test_messages", "workers/test_payments", "workers/test_replay",
    )
)  # fmt: skip


# Half a minute and more each. Whoever begins one of them when the others are through keeps them all waiting.
LONGEST = tuple(
    f"tests/{file}.py"
    for file in (
        "flows/test_crash_story", "flows/test_restore", "simulation/test_simulation", "portal/test_hostile", "checkout/test_every_state", "portal/test_billing_pages",
        "core/billing/test_simulate", "portal/test_in_a_browser", "core/orders/test_races", "checkout/test_every_member_state",
        "core/payments/test_export", "portal/api/test_schemathesis", "core/subscriptions/test_two_years", "flows/test_api_killed",
        "flows/test_seed_interrupted", "flows/test_webhooks_out",
    )
)  # fmt: skip


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Each test stands alone in any order; in this one the run is shorter by a quarter of an hour. xdist deals what it is given in one
    piece to each worker: each begins with its share of the longest, the first one after what sweeps."""
    sweeping = [item for item in items if item.nodeid.startswith(SWEEPING)]
    others = [item for item in items if not item.nodeid.startswith((*SWEEPING, *LONGEST))]
    workers = int(getattr(config, "workerinput", {}).get("workercount", 1))
    long: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for place, file in enumerate(LONGEST):
        long[place % workers] += [item for item in items if item.nodeid.startswith(file)]
    left, dealt = sweeping, []
    for place, mine in enumerate(long):
        share = (len(items) - len(dealt)) // (workers - place) - len(left) - len(mine)
        dealt += left + mine + others[: max(0, share)]
        left, others = [], others[max(0, share) :]
    items[:] = dealt + others


def pytest_unconfigure(config: pytest.Config) -> None:
    for process in _launched:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(60)
    _launched.clear()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the services said when they could not start, once, at the end."""
    reason = Path(os.environ.get(FOLDER, "/nowhere")) / "failed"
    if _launched and reason.exists():
        terminalreporter.section("the services of the tests did not start")
        terminalreporter.write_line(reason.read_text())


# --- services ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def services(request: pytest.FixtureRequest) -> Services:
    """The PostgreSQL, Valkey and sandbox of this run. When they do not start, the run ends there and shows their logs."""
    if FOLDER not in os.environ:
        _launch()
    with contextlib.suppress(Stopped):
        Course.services = for_tests.await_ready(Path(os.environ[FOLDER]))
        return Course.services
    request.session.shouldfail = NOT_STARTED
    return pytest.fail(NOT_STARTED, pytrace=False)


@pytest.fixture(scope="session")
def worker(request: pytest.FixtureRequest) -> str:
    """The name of this xdist worker: gw0, gw1 ... or main."""
    return getattr(request.config, "workerinput", {}).get("workerid", "main")


def make_database(services: Services, name: str) -> None:
    """A migrated database with nothing in it, in the place of one of this name."""
    import psycopg

    with psycopg.connect(services.database_url("postgres", OWNER).replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f'drop database if exists "{name}" with (force)')
        connection.execute(f'create database "{name}" template "{TEMPLATE}" owner {OWNER}')


def sandbox_account(url: str) -> dict[str, str]:
    """The settings of an account at the sandbox that nobody has used."""
    from ops.introduce import bank_accounts

    key = f"sk_test_{secrets.token_hex(24)}"
    return {"SANDBOX_API_KEY": key, "BANK_TEST_ACCOUNTS": bank_accounts(url, key)}


class Course:
    """How far this worker is: what it has made, the file it is at, and how many tests its database has seen."""

    services: Services | None = None
    environment: dict[str, str]
    app: Flask | None = None
    live = False
    pools: ClassVar[
        list[Any]
    ] = []  # those of databases that are gone: who was still at work there brings its connection back to one of them
    file = ""
    seen = 0


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests share a database, and what they leave there is looked through by others: now and then a file begins with an empty one."""
    Course.seen += 1
    if Course.file != (file := item.nodeid.partition("::")[0]):
        Course.file = file
        if Course.app and Course.services and Course.seen > MANY:
            _begin_anew(Course.app, Course.services)
            Course.seen = 0


def _begin_anew(app: Flask, services: Services) -> None:
    from checkout.way_in import openings
    from core.kernel.config import settings
    from core.kernel.db import db
    from core.providers import registry
    from workers.wake import redis

    openings.flush(app)
    with app.app_context():
        db.session.remove()
        _let_go()
    make_database(services, Course.environment["DATABASE_URL"].rpartition("/")[2])
    redis().flushdb()
    Course.environment.update(sandbox_account(services.sandbox_url))
    os.environ.update(Course.environment)
    settings.cache_clear()
    registry._made.cache_clear()
    if Course.live:
        hear_from_sandbox(Course.environment)


def _let_go() -> None:
    """Close what is at rest; what is lent comes back to a pool that is kept, so that it is closed next time and not found by chance."""
    from core.kernel.db import db

    Course.pools.append(db.engine.pool)
    db.engine.dispose()
    for pool in Course.pools:
        pool.dispose()


def hear_from_sandbox(environment: dict[str, str]) -> None:
    """The sandbox sends this account's events to the app's address: all of them, more than an installation asks for, as they come and in any order."""
    from ops.introduce import register_webhook

    there = f"{environment['PUBLIC_URL']}/hooks/sandbox/test"
    register_webhook(environment["SANDBOX_URL"], environment["SANDBOX_API_KEY"], there, environment["SANDBOX_WEBHOOK_SECRET"], ["*"])


@pytest.fixture(scope="session")
def address() -> str:
    """Where the app of this worker is reached. Settled before the app is made, as its links carry it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture(scope="session")
def environment(services: Services, worker: str, address: str) -> dict[str, str]:
    """This worker's own database, Valkey number and sandbox account, in the environment before the app is made."""
    from ops.introduce import rates_feed, vat_registry

    database = f"portal_{worker}"
    make_database(services, database)
    number = int(worker.removeprefix("gw")) + 1 if worker.startswith("gw") else 0
    made = {
        "PORTAL_VAR": str(services.folder),
        "DATABASE_URL": services.database_url(database),
        "MIGRATION_DATABASE_URL": services.database_url(database, OWNER),
        "REDIS_URL": services.redis_url(number),
        "PUBLIC_URL": address,
        "PORT": address.rpartition(":")[2],
        "SANDBOX_URL": services.sandbox_url,
        "SANDBOX_PUBLIC_URL": services.sandbox_url,
        "SANDBOX_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(24)}",
        "DEMO": "1",
    } | sandbox_account(services.sandbox_url)
    made["RATES_URL"] = rates_feed(made["SANDBOX_URL"])
    made["VIES_URL"] = vat_registry(made["SANDBOX_URL"])
    os.environ.update(made)
    for name in ("SMTP_URL", "STRIPE_TEST_SECRET_KEY", "STRIPE_LIVE_SECRET_KEY"):
        os.environ.pop(name, None)
    from core.kernel.config import settings

    settings.cache_clear()
    Course.environment = made
    return made


# --- the app -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def app(environment: dict[str, str], services: Services) -> Iterator[Flask]:
    """The whole web application on this worker's database. What a template was compiled to serves all workers of this run."""
    from jinja2 import FileSystemBytecodeCache

    from checkout.way_in import openings
    from wsgi import create_app

    made = Course.app = create_app(TESTING=True)
    compiled = services.folder / "templates"
    compiled.mkdir(exist_ok=True)
    made.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(compiled))
    gc.freeze()  # what is loaded stays: to look through it again and again took a twentieth of a run
    yield made
    openings.flush(made)  # what is still gathered would be written after everything is gone
    with made.app_context():
        _let_go()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Flask's test client: a browser with its own cookies."""
    return app.test_client()


@pytest.fixture
def unit(app: Flask) -> Iterator[None]:
    """An application context without a request, for tests that call rooms directly; what is left open is rolled back."""
    from core.kernel.db import finish_unit

    with app.app_context():
        yield
        finish_unit(keep=False)


@pytest.fixture(scope="session")
def live_server(app: Flask, address: str, environment: dict[str, str]) -> Iterator[str]:
    """The app on a real address, so that a browser and the sandbox's webhooks reach it. Gives the address."""
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", int(environment["PORT"]), app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, name="live-server", daemon=True)
    thread.start()
    hear_from_sandbox(environment)
    Course.live = True
    yield address
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture(autouse=True)
def only_own_work(request: pytest.FixtureRequest) -> None:
    """What earlier tests left to be done is not done by a test that lets everything be done: with thousands of tests that takes minutes."""
    if "work" in request.fixturenames:
        from core.kernel.db import db, unit_of_work
        from core.kernel.outbox import OutboxTask

        app = request.getfixturevalue("app")
        with app.app_context(), unit_of_work():
            db.session.query(OutboxTask).delete()


@pytest.fixture
def work(app: Flask) -> Callable[[], int]:
    """Call it to do, here and now, everything that is due and that the workers would do; answers how many tasks were done."""
    from core.kernel.outbox import QUEUES
    from workers.runner import drain

    def run() -> int:
        done = 0
        with app.app_context():
            while step := sum(drain(queue) for queue in QUEUES):
                done += step
        return done

    return run


# --- browsers ----------------------------------------------------------------------------------------------------------------

CHROMIUM = "/usr/bin/chromium-headless-shell"
SOON = 60_000  # milliseconds; a page of a busy machine comes late, and one that never comes is found all the same
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian’s Chromium, as the shell without a window, which takes a third less of the processor."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=SOON)
    if not Path(CHROMIUM).exists():
        pytest.fail(f"{CHROMIUM} is missing: ./run test installs it", pytrace=False)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Visitors:
    """Opens pages as different visitors, and remembers what their browsers complained about."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser, self.address = browser, address
        self.contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def __call__(self, *, scripts: bool = True, phone: bool = False, **options: Any) -> Page:
        """A new visitor: own cookies; scripts on or off; a desk or a phone."""
        size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 900}
        context = self.browser.new_context(
            base_url=self.address, java_script_enabled=scripts, viewport=size, has_touch=phone, locale="en-GB", **options
        )
        context.set_default_timeout(SOON)
        self.contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        page.on("console", self._listen)
        return page

    def _listen(self, message: Any) -> None:
        if "Content Security Policy" in message.text:
            self.complaints.append(message.text)


@pytest.fixture
def visitor(browser: Browser, live_server: str) -> Iterator[Visitors]:
    """Makes pages: visitor(), visitor(scripts=False), visitor(phone=True). A script error or a breach of the CSP fails the test."""
    visitors = Visitors(browser, live_server)
    yield visitors
    for context in visitors.contexts:
        context.close()
    assert not visitors.complaints, "\n".join(visitors.complaints)


@pytest.fixture
def page(visitor: Visitors) -> Page:
    """One visitor's page at a desk, with scripts."""
    return visitor()
