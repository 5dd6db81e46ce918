"""A world of its own: the product on a database of its own, the sandbox in this very process, and one seed for all that is left to chance."""

from __future__ import annotations

import json
import os
import random
import secrets
import tempfile
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from tests.killed import Killed
from tests.simulation.net import BASE, Net
from tests.simulation.reference import Reference
from tests.simulation.weather import Clock, Standing, Weather, put_in_place

START = datetime(2031, 3, 3, 9, tzinfo=UTC)  # a Monday no other clock here knows of
KEY, HOOK = "sk_test_simulated" + "0" * 24, "whsec_simulated" + "0" * 24
CURRENCY = "EUR"
EXPECTED = ("ProviderUnreachable", "ProviderBusy", "URLError", "FeeNotKnown", "HTTPError", "PaperNotPrinted", "RefundDoesNotFit")
IDLE = ("make_receipt", "make_invoice", "make_poster", "make_statement", "make_payout_statement", "prove_book", "prove_books")


class Ear(NamedTuple):
    """Stands where a log stood: what jobs and the clock's parts say when they fail is kept, and what nobody expects is a finding."""

    heard: list[str]

    def error(self, event: str, **facts: Any) -> None:
        self._note(event, facts)

    warning = exception = error

    def info(self, event: str, **facts: Any) -> None:
        pass

    def _note(self, event: str, facts: dict[str, Any]) -> None:
        import sys

        raised = sys.exc_info()[1]
        told = f"{facts.get('error', '')} {raised!r}"
        if not any(one in told for one in EXPECTED):
            self.heard.append(f"{event}: {facts} {raised!r}"[:600])


class World:
    """Everything there is. Made once in a process: a clock, a network and a source of chance are the process's own."""

    def __init__(self, seed: int, *, prints: bool = False) -> None:
        self.seed, self.weather, self.clock, self.ear = seed, Weather(seed), Clock(START), Ear([])
        self.dice = self.weather.dice
        self._take_over_chance(seed)
        self._let_units_die()
        self.folder = tempfile.TemporaryDirectory(prefix="portal-simulated-", dir=os.environ.get("PORTAL_SIM_FOLDER"))
        self._put_up_the_processor()
        self._put_up_the_portal(prints)
        self.sellers: list[Any] = []
        self.reference = Reference()
        self.trace: list[str] = []

    def _take_over_chance(self, seed: int) -> None:
        """Names and tokens too come from the seed, so a run can be repeated."""
        import core.kernel.clock as ours

        source = random.Random(seed * 7919 + 1)
        put_in_place(secrets, _sysrand=source, randbits=source.getrandbits, choice=source.choice)
        put_in_place(ours, _frozen=Standing(self.clock))

    def _let_units_die(self) -> None:
        """Before a commit, when nothing is kept, and after it, when all is. Whoever takes the act by its name from here on takes this one."""
        import core.kernel.db as unit

        honest: Any = unit.finish_unit

        def finish_unit(*, keep: bool) -> None:
            kept = keep and unit.unit_begun()
            if kept:
                try:
                    self.weather.dies("before a commit", 0.008)
                except Killed:
                    honest(keep=False)
                    raise
            honest(keep=keep)
            if kept:
                self.weather.dies("after a commit", 0.012)

        put_in_place(unit, finish_unit=finish_unit)

    def _put_up_the_processor(self) -> None:
        os.environ |= {"SANDBOX_BANK_SECONDS": "600", "SANDBOX_AVAILABLE_SECONDS": str(86_400)}
        import sandbox.api
        import sandbox.bank
        import sandbox.clockwork
        import sandbox.store
        from sandbox.processor import create_app

        for module in (sandbox.api, sandbox.bank, sandbox.clockwork, sandbox.store):
            put_in_place(module, time=self.clock)
        put_in_place(sandbox.bank, datetime=self.clock)
        self.processor = create_app(self.folder.name, public_url=BASE, async_seconds=90, clockwork=False)
        self.api: Any = self.processor.extensions["sandbox"]
        self.net = Net(self.weather, self.clock, self.processor)
        put_in_place(sandbox.clockwork, post=self.net.post)
        self.clockwork: Any = sandbox.clockwork.Clockwork(self.api)
        self.clockwork._pool = _AtOnce()
        put_in_place(urllib.request, urlopen=self.net.urlopen)
        from core.providers.line import Line

        put_in_place(Line, ask=lambda line, *asked: self.net.ask(line, *asked))

    def _put_up_the_portal(self, prints: bool) -> None:
        from sandbox.bank import accounts_of

        os.environ |= {
            "SANDBOX_URL": BASE, "SANDBOX_PUBLIC_URL": BASE, "SANDBOX_API_KEY": KEY, "SANDBOX_WEBHOOK_SECRET": HOOK, "RATES_URL": "", "VIES_URL": "",
            "BANK_TEST_ACCOUNTS": json.dumps(accounts_of(KEY.removeprefix("sk_test_"))), "PUBLIC_URL": "http://portal.simulated", "DEMO": "1",
        }  # fmt: skip
        from wsgi import create_app

        self.app = self.net.portal = create_app(TESTING=True)
        self._let_processes_die()
        if not prints:
            self._print_nothing()
        self.call("PUT", "webhook_endpoint", api_key=KEY, url="http://portal.simulated/hooks/sandbox/test", secret=HOOK)

    def _let_processes_die(self) -> None:
        """Where one statement is a whole unit: a payment settled, an event stored, a task taken under its lease."""
        import core.payments.settle as settling
        import core.providers.inbox as inbox
        import workers.runner as runner
        import workers.schedule as schedule

        for module, name in ((settling, "whole_answer"), (inbox, "whole_answer"), (runner, "whole_unit")):
            put_in_place(module, **{name: self._deadly(getattr(module, name))})
        for module in (runner, schedule):
            put_in_place(module, log=self.ear)

    def _deadly(self, act: Any) -> Any:
        def done(*asked: Any) -> Any:
            answer = act(*asked)
            self.weather.dies("after a commit", 0.02)
            return answer

        return done

    def _print_nothing(self) -> None:
        """Paper takes a core for a while a sheet and moves no money, and what the clock proves again and again is proved at the end: the long run does
        both, the short ones do neither."""
        from workers.jobs import OUTSIDE

        for name in IDLE:
            OUTSIDE[name] = lambda *_, **__: None

    # --- what the outside does -----------------------------------------------------------------------------------------

    def call(self, method: str, path: str, **body: Any) -> Any:
        """The processor's control calls, which always arrive."""
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        told, status, _ = self.net.send(method, f"{BASE}/_sandbox/{path}", headers, json.dumps(body) if body else None)
        if status >= 400:
            raise Refused(told.decode())
        return json.loads(told)

    def shelf(self) -> Any:
        """What the processor knows, read from its own store."""
        from sandbox.store import Shelf

        return Shelf(self.api.store.connection(), KEY.removeprefix("sk_test_"))

    def bank_entries(self) -> dict[int, dict[str, Any]]:
        """Every entry of the bank's in our currency, by its number: what truly came and went."""
        rows = self.api.store.connection().execute("SELECT * FROM bank_entries WHERE currency = ? ORDER BY seq", (CURRENCY,)).fetchall()
        return {row["seq"]: dict(row) for row in rows}

    def processor_works(self) -> None:
        """Its own clock: what is due there is done, and news leaves for us, in whatever order."""
        with self.processor.app_context():
            self.clockwork._do_tasks()
        if self.weather.calm or self.dice.random() < 0.7:
            self.clockwork._post_deliveries()

    # --- what our processes do -----------------------------------------------------------------------------------------

    def lives(self, what: str, act: Any) -> None:
        """Something is done by a process of ours, which may die of it."""
        from core.kernel.errors import Refusal
        from core.providers.contract import ProviderError

        try:
            act()
            end = "done"
        except Killed as killed:
            end = f"died ({killed})"
        except (Refusal, ProviderError, Refused) as no:
            end = f"refused ({type(no).__name__})"
        self.trace.append(f"{self.clock.at:%d %H:%M:%S} {what}: {end}")

    def worker(self, queue: str) -> None:
        from workers.runner import drain

        def work() -> None:
            with self.app.app_context():
                drain(queue)

        self.lives(f"worker {queue}", work)

    def clock_looks(self) -> None:
        from workers.schedule import tick

        def look() -> None:
            with self.app.app_context():
                tick()

        self.lives("clock", look)

    def pass_by(self, by: timedelta) -> None:
        self.clock.pass_by(by)


class Refused(Exception):
    """The processor would not."""


class _AtOnce:
    """In place of the processor's threads: whatever is handed over is done before the next line."""

    def submit(self, act: Any, *given: Any) -> None:
        act(*given)
