"""The drill of docs/how-to/back-up-and-restore.md: the database is lost and restored to a moment, and what happened since comes into the books."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.ledger.book import SELLER_AVAILABLE
from ops.introduce import bank_accounts
from ops.postgres import OWNER
from tests.browser import Page
from tests.core.hooks.receiver import Receiver, receiving
from tests.flows.evidence import _charges
from tests.flows.people import Diary, Payer, Seller, Visitor, Waits
from tests.flows.stack import Stack
from tests.flows.test_crash_story import left_over, wait_until_quiet
from tests.sandbox.running import wait_until

IBAN = "GB33BUKB20201555555555"
PAYMENTS = "SELECT public_id, email, state, charge, captured_minor, refunded_minor, refunding_minor FROM payments"


class Drill:
    """A stack whose database is archived, a seller with software that listens, and payers."""

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        self.base, self.receiver = folder / "base", receiver
        self.stack = Stack(SANDBOX_BANK_SECONDS="1", WEBHOOKS_TO_LOCALHOST="1")
        self.waits, self.dice, self.diaries = Waits(), random.Random(7), dict[str, Diary]()

    # --- the operator's part, as the how-to says it ----------------------------------------------------------------------------

    def prepare(self) -> None:
        """Have the log archived, and start everything."""
        with self.stack.services() as postgres:
            self.archive, self.server = postgres.on.home / "archive", postgres.on.user
            self.archive.mkdir()
            self._hand_over(self.archive)
            self.data, self.programs, self.password = postgres.data, postgres.on.programs, postgres.passwords[OWNER]
            self.port = postgres.port
            with postgres.connect() as line:
                line.execute("ALTER SYSTEM SET archive_mode = 'on'")
                line.execute(f"ALTER SYSTEM SET archive_command = 'test ! -f {self.archive}/%f && cp %p {self.archive}/%f'")
                line.execute("ALTER SYSTEM SET archive_timeout = '60s'")
            env = self.stack.environment
            self.stack.more["BANK_TEST_ACCOUNTS"] = bank_accounts(env["SANDBOX_URL"], env["SANDBOX_API_KEY"])
        self.stack.start()

    def _hand_over(self, folder: Path) -> None:
        """The server may be another user of the machine (ops/postgres.py): what it reads and writes is its own."""
        if self.server:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self.server.pw_uid, self.server.pw_gid)

    def owner(self) -> psycopg.Connection[tuple[Any, ...]]:
        address = {"host": "127.0.0.1", "port": self.port, "dbname": "portal", "user": OWNER, "password": self.password}
        return psycopg.connect(**address, autocommit=True)

    def back_up(self) -> None:
        self._run("pg_basebackup", "-h", "127.0.0.1", "-p", str(self.port), "-U", OWNER, "-D", str(self.base), "-X", "stream", "-c", "fast")
        self._run("pg_verifybackup", str(self.base))

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [self.programs / program, *words], env=os.environ | {"PGPASSWORD": self.password}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr

    def ask(self, question: str) -> Any:
        """What the database answers: one row of one column."""
        with self.owner() as line:
            ((answer,),) = line.execute(question).fetchall()
        return answer

    def moment(self) -> datetime:
        found: datetime = self.ask("SELECT clock_timestamp()")
        return found

    def command(self, *words: str) -> tuple[int, str]:
        """An operator's command, once it is no longer refused because the clock was heard a moment ago."""
        answers: list[tuple[int, str]] = []

        def is_done() -> bool:
            answers.append(self.stack.command(*words))
            return "The clock runs" not in answers[-1][1]

        wait_until(is_done)
        return answers[-1]

    def lose_everything(self) -> None:
        """The last segment reaches the archive; then the machine with the database burns."""
        last = self.ask("SELECT pg_walfile_name(pg_switch_wal())")
        wait_until(lambda: (self.archive / last).exists())
        self.stack.halt()
        shutil.rmtree(self.data)

    def restore_to(self, moment: datetime) -> None:
        shutil.copytree(self.base, self.data)
        self.data.chmod(0o700)
        (self.data / "recovery.signal").touch()
        with (self.data / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"restore_command = 'cp {self.archive}/%f %p'\nrecovery_target_time = '{moment.isoformat()}'\n")
            settings.write("recovery_target_action = 'promote'\n")
        self._hand_over(self.data)

    # --- seller and payers -----------------------------------------------------------------------------------------------------

    def open_shop(self) -> None:
        self.seller = Seller(self.stack.address, "Harbour Kiosk", self.waits)
        self.seller.settle_in()
        with self.owner() as line:
            line.execute("UPDATE vendors SET release_days = 0")
        self.link = self.seller.make_link(title="Class", amount_kind="fixed", amount="40.00")
        self._send("/portal/payouts/account?currency=GBP", "/portal/payouts/account", holder="Harbour Kiosk", iban=IBAN)
        self._send("/portal/webhooks/new", "/portal/webhooks/new", address=self.receiver.address)

    def _send(self, page: str, action: str, **values: str) -> tuple[int, str, str]:
        shown = self.seller.visitor.open(self.stack.address + page)
        answer = self.seller.visitor.send(shown.form(action), **values)
        assert answer[0] in (200, 303), Page(Told(answer), page).text
        return answer

    def pay(self, name: str, habit: str = "pays") -> None:
        diary = self.diaries.setdefault(name, Diary(f"{name}@mail.example", habit))
        Payer(Visitor(f"127.0.6.{len(self.diaries)}", self.waits), diary, self.dice).pay(self.link)
        assert not diary.trouble, diary.trouble

    def pay_after_all(self, name: str) -> None:
        """Somebody who had left the card page open comes back to it."""
        diary = self.diaries[name]
        diary.habit = "pays"
        Payer(Visitor("127.0.6.99", self.waits), diary, self.dice)._until_done()

    def pay_out(self) -> None:
        self._send("/portal/payouts/new?currency=GBP", "/portal/payouts/new")

    def quiet_but_open(self) -> None:
        """All is done that can be done."""
        _, stuck = wait_until_quiet(self.stack)
        assert not stuck, "\n".join([*stuck, self.stack.words()])

    # --- what must be true -----------------------------------------------------------------------------------------------------

    def breaks(self, before: dict[str, Any], paid_out: list[dict[str, Any]]) -> Iterator[str]:
        """Whatever is not at the processor, at the bank, with the seller's software and here as it was before the database was lost."""
        now = {row["public_id"]: row for row in self.stack.rows(PAYMENTS)}
        yield from self._at_the_processor(now)
        for name, row in before.items():
            same = ("state", "charge", "captured_minor", "refunded_minor")
            if name not in now or [row[each] for each in same] != [now[name][each] for each in same]:
                yield f"{row} became {now.get(name)}"
        yield from self._at_the_bank(paid_out)
        code, told = self.stack.command("audit")
        if code:
            yield told
        contents = defaultdict(set)
        for event in self.receiver.events:
            contents[event["id"]].add(json.dumps(event, sort_keys=True))
        yield from (f"event {name} came with {len(found)} contents" for name, found in contents.items() if len(found) > 1)

    def _at_the_processor(self, now: dict[str, Any]) -> Iterator[str]:
        charges = [one for one in _charges(self.stack) if one["status"] == "succeeded"]
        for name, count in Counter(one["metadata"]["payment"] for one in charges).items():
            if count > 1:
                yield f"{name} was charged {count} times"
        for one in charges:
            row = now.get(one["metadata"]["payment"])
            if row is None or (row["state"], row["charge"]) != ("succeeded", one["id"]):
                yield f"{one['metadata']['payment']} was charged and is {row} here"
            elif (row["captured_minor"], row["refunded_minor"], row["refunding_minor"]) != (one["amount"], one["amount_refunded"], 0):
                yield f"{row} is {one['amount']} less {one['amount_refunded']} there"

    def _at_the_bank(self, paid_out: list[dict[str, Any]]) -> Iterator[str]:
        rows = self.stack.rows
        if rows("SELECT public_id, amount_minor FROM payouts WHERE state = 'paid'") != paid_out:
            yield f"{paid_out} became {rows('SELECT public_id, amount_minor, state FROM payouts')}"
        seen = rows("SELECT counter_account, amount_minor, state FROM bank_lines")
        if seen != [{"counter_account": IBAN, "amount_minor": paid_out[0]["amount_minor"], "state": "booked"}]:
            yield f"the bank has paid {seen}"
        left = rows(f"SELECT -sum(amount_minor)::bigint AS minor FROM entries WHERE code = {SELLER_AVAILABLE}")[0]["minor"]
        if left:
            yield f"{left} is there to be paid out once more"


class Told:
    mimetype = "text/html"

    def __init__(self, answer: tuple[int, str, str]) -> None:
        self.status_code, self.text = answer[0], answer[2]

    def get_data(self, as_text: bool = True) -> str:
        return self.text


@pytest.fixture
def drill(tmp_path: Path) -> Iterator[Drill]:
    with receiving() as receiver:
        made = Drill(tmp_path, receiver)
        try:
            yield made
        finally:
            made.stack.stop()


def test_a_restored_database_comes_to_the_truth_and_nothing_is_paid_twice(drill: Drill) -> None:
    drill.prepare()
    drill.open_shop()
    for name in ("first", "second", "third"):
        drill.pay(name)
    drill.back_up()
    drill.pay("fourth")
    drill.pay("undecided", "leaves before the card")
    drill.seller.refund("first@mail.example", 2, twice=False)
    drill.quiet_but_open()
    moment = drill.moment()

    drill.pay_after_all("undecided")
    drill.pay("fifth")
    drill.pay("sixth")
    drill.quiet_but_open()
    drill.seller.refund("second@mail.example", 1, twice=False)
    drill.seller.refund("fifth@mail.example", 4, twice=False)
    drill.quiet_but_open()
    drill.pay_out()
    stack = drill.stack
    wait_until(lambda: stack.rows("SELECT state FROM payouts")[0]["state"] == "paid")
    paid_out = stack.rows("SELECT public_id, amount_minor FROM payouts")
    drill.quiet_but_open()
    wait_until(lambda: "payout.paid" in drill.receiver.types)
    before = {row["public_id"]: row for row in stack.rows(PAYMENTS)}
    drill.lose_everything()

    drill.restore_to(moment)
    with stack.services():
        wait_until(lambda: not stack.rows("SELECT pg_is_in_recovery() AS on")[0]["on"])
        assert {row["email"].split("@")[0] for row in stack.rows(PAYMENTS)} == {"first", "second", "third", "fourth", "undecided"}
        assert stack.rows("SELECT 1 FROM payouts") == [], "it was really restored to that moment"
        for word in ("after-restore", "audit", "verify-chain", "replay"):
            code, told = drill.command(word)
            assert code == 0, (word, told)
    stack.start()
    # What the processor told the lost database it does not tell again; all else is done.
    wait_until(lambda: set(left_over(stack)) <= {"events under way"}, seconds=120)
    assert not list(drill.breaks(before, paid_out))
