"""What must be true when the weather has passed: the processor's lists, the bank's statement and our books say the same, act by act."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import text

from core.kernel.db import db, unit_of_work
from core.kernel.shadow import replay
from core.ledger.queries import find_breaks
from core.payments.statements import last_balances
from core.providers.registry import provider_named
from core.providers.settlement import Settles
from core.reconciliation.totals import stands_on
from core.subscriptions.replay import replay_plans
from tests.simulation.oracle_outside import Outside
from tests.simulation.world import CURRENCY, World
from workers.books_commands import SHADOWS

SOURCE = "sandbox"
# What may stay when all is over: what the clock asks for again and again.
ALWAYS_PLANNED = (
    "fetch_statements",
    "send_bank_orders",
    "extend_chains",
    "prune",
    "refresh_rates",
    "settle_attempt",
    "prove_books",
    "prove_book",
    "check_vat_ids",
)
UNFINISHED = {
    "payments": "SELECT public_id, state FROM payments WHERE state IN ('created', 'requires_method', 'requires_action', 'processing', 'unknown')",
    "refunds": "SELECT public_id, state FROM refunds WHERE state NOT IN ('succeeded', 'failed', 'canceled', 'queued')",
    "disputes": "SELECT public_id, state FROM disputes WHERE state IN ('needs_response', 'under_review', 'inquiry')",
    "checkouts": "SELECT public_id, state FROM checkouts WHERE state IN ('open', 'paying', 'waiting', 'unwinding')",
    "payouts": "SELECT public_id, state FROM payouts WHERE state NOT IN ('requested', 'paid', 'failed', 'returned', 'canceled')",
    "events": "SELECT event_id, type FROM provider_events WHERE handled_at IS NULL",
    "tasks that gave up": "SELECT job, last_error FROM outbox WHERE state = 'dead'",
}


class Oracle:
    """Read at one quiet moment."""

    def __init__(self, world: World) -> None:
        self.world = world
        with world.app.app_context():
            self.movements = [row for row in world.shelf().rows("balance_transaction") if row["currency"] == CURRENCY.lower()]
            self.charges = world.shelf().rows("charge")
            with unit_of_work():
                self.journals = self._clearing()
                self.payments = self._rows("SELECT * FROM payments")
                self.refunds = self._rows("SELECT * FROM refunds")
                self.disputes = self._rows("SELECT * FROM disputes")

    def _rows(self, sql: str) -> list[dict[str, Any]]:
        return [dict(row._mapping) for row in db.session.execute(text(sql))]

    def _clearing(self) -> dict[str, int]:
        """What each journal did to what the processor holds for us."""
        sql = """SELECT j.event_key, sum(e.amount_minor) AS minor FROM journals j JOIN entries e
                 ON e.vendor_id = j.vendor_id AND e.mode = j.mode AND e.journal_id = j.id
                 WHERE e.code = 1010 AND e.sub = :source GROUP BY j.vendor_id, j.event_key"""
        found: dict[str, int] = defaultdict(int)
        for key, minor in db.session.execute(text(sql), {"source": SOURCE}):
            found[key] += int(minor)
        return found

    def breaks(self) -> list[str]:
        """A sentence for everything that is not as it should be."""
        with self.world.app.app_context():
            return [
                *self.unfinished(), *self._act_by_act(), *self._payments(), *self._sums(), *self._bank(), *self._news(), *self._letters(),
                *self._proofs(), *Outside(self.world, self._rows).breaks(), *(f"somebody failed: {one}" for one in self.world.ear.heard[:10]),
            ]  # fmt: skip

    def unfinished(self) -> Iterator[str]:
        with unit_of_work():
            for name, sql in UNFINISHED.items():
                for row in self._rows(sql)[:10]:
                    yield f"{name} not at an end: {row}"
            tasks = Counter(row["job"] for row in self._rows("SELECT job FROM outbox WHERE state = 'waiting'"))
        yield from (f"{count} tasks of {job} are left" for job, count in tasks.items() if job not in ALWAYS_PLANNED)

    def _act_by_act(self) -> Iterator[str]:
        """For every movement the processor has, our journal of the same amount; and no journal beyond those."""
        there: dict[str, int] = defaultdict(int)
        ours = {row["provider_reference"]: row["public_id"] for row in self.refunds}
        cases = {row["provider_reference"]: row["public_id"] for row in self.disputes}
        for line in self.movements:
            source, fee = line["source"], line["fee"]
            if line["type"] == "charge":
                there[f"cap:{SOURCE}:{source}:1"] += line["amount"]
            elif line["type"] in ("refund", "refund_failure"):
                there[f"refund {ours.get(source, source)}"] += line["amount"]
            elif line["type"] == "adjustment":
                there[f"dispute {cases.get(source, source)}"] += line["amount"]
            elif line["type"] in ("payout", "payout_failure"):
                there[f"payout {source}"] += line["amount"]
            if fee:
                there[f"fee:{SOURCE}:{line['id']}"] -= fee
        here: dict[str, int] = defaultdict(int)
        for key, minor in self.journals.items():
            kind, number = key.split(":")[0], key.split(":")[1]
            name = {"rf": f"refund {number}", "dp": f"dispute {number}"}.get(kind, key)
            here[f"payout {key.split(':')[2]}" if kind == "st" else name] += minor
        for name in sorted({*here, *there}):
            if here.get(name, 0) != there.get(name, 0):
                yield f"{name}: the processor says {there.get(name, 0)}, our books {here.get(name, 0)}"

    def _payments(self) -> Iterator[str]:
        rows = {row["public_id"]: row for row in self.payments}
        paid: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for charge in self.charges:
            if charge["status"] == "succeeded":
                paid[charge["metadata"].get("payment", "")].append(charge)
        for number, charges in paid.items():
            row = rows.get(number)
            if row is None or row["state"] != "succeeded" or row["charge"] not in {one["id"] for one in charges}:
                yield f"{number or 'nobody'} was charged ({[one['id'] for one in charges]}), here it is {row and (row['state'], row['charge'])}"
                continue
            one = next(one for one in charges if one["id"] == row["charge"])
            back = sum(
                int(r["amount_minor"])
                for r in self.refunds
                if r["charge"] == one["id"] or (r["payment_id"] == row["id"] and r["taken_from"] != "unapplied")
            )
            if row["captured_minor"] != one["amount_captured"]:
                yield f"{number}: {one['amount_captured']} was taken, {row['captured_minor']} is written down"
            if row["refunding_minor"]:
                yield f"{number}: {row['refunding_minor']} is still on its way back, of {back}"
            lost = sum(d["amount"] for d in self.world.shelf().rows("dispute", equal={"charge": one["id"]}) if d["status"] == "lost")
            if row["refunded_minor"] != min(one["amount_refunded"] + lost, one["amount_captured"]):
                yield f"{number}: the processor gave {one['amount_refunded']} back and {lost} was lost, here it is {row['refunded_minor']}"
        yield from (
            f"{row['public_id']} is paid here and not there"
            for row in self.payments
            if row["state"] == "succeeded" and row["public_id"] not in paid and row["public_id"] not in self.world.reference.wishes
        )

    def _sums(self) -> Iterator[str]:
        told = sum(line["net"] for line in self.movements)
        with unit_of_work():
            here = stands_on("test", 1010, SOURCE).get(CURRENCY, 0)
        with self.world.weather.still():
            processor = provider_named(SOURCE, "test")
            says = processor.held().get(CURRENCY, 0) if isinstance(processor, Settles) else None
        if not told == here == says:
            yield f"the processor's movements come to {told}, it says it holds {says}, our books say {here}"

    def _bank(self) -> Iterator[str]:
        """The last statement against what the bank itself has, and against our books."""
        with unit_of_work():
            closings = {account: money for account, (money, _) in last_balances("test").items()}
            for account, money in closings.items():
                if (here := stands_on("test", 1030, account).get(money.currency, 0)) != money.minor:
                    yield f"the bank's statement of {account} ends with {money.minor}, our books with {here}"
        rows = (
            self.world.api.store.connection()
            .execute("SELECT currency, sum(sign * amount) AS minor FROM bank_entries GROUP BY currency")
            .fetchall()
        )
        there, here_too = {row["currency"]: row["minor"] for row in rows}, {money.currency: money.minor for money in closings.values()}
        if {code: minor for code, minor in there.items() if minor} != {code: minor for code, minor in here_too.items() if minor}:
            yield f"the bank has {there}, its statements say {here_too}"
        orders = Counter(
            row["end_to_end"]
            for row in self.world.api.store.connection().execute("SELECT end_to_end FROM bank_entries WHERE sign = -1 AND end_to_end <> ''")
        )
        yield from (f"the bank sent {name} {count} times" for name, count in orders.items() if count > 1)

    def _news(self) -> Iterator[str]:
        """What the processor got rid of is here; what is here it has said. A message is a row by its number: it cannot be here twice."""
        sent = self.world.api.store.connection().execute("SELECT DISTINCT event FROM deliveries WHERE state = 'done'").fetchall()
        with unit_of_work():
            here = {row["event_id"] for row in self._rows("SELECT event_id FROM provider_events")}
        yield from (f"news {row['event']} was taken, and nobody has it" for row in sent if row["event"] not in here)
        told = {row["id"] for row in self.world.shelf().rows("event")}
        yield from (f"news {name} was never sent" for name in here - told)

    def _letters(self) -> Iterator[str]:
        with unit_of_work():
            rows = self._rows(
                "SELECT kind, about, recipient, state, max(last_error) AS why, count(*) AS n FROM messages GROUP BY kind, about, recipient, state"
            )
            wanted = {row["public_id"] for row in self.payments if row["state"] == "succeeded"}
        letters: Counter[tuple[str, str]] = Counter()
        for row in rows:
            letters[row["kind"], row["about"]] += row["n"]
            if row["state"] not in ("kept", "sent", "overtaken"):
                yield f"the letter {row['kind']} about {row['about']} is {row['state']}: {row['why']}"
        for kind in ("receipt", "payment_received"):
            for about in {name for told, name in letters if told == kind} | wanted:
                if letters[kind, about] != (1 if about in wanted else 0):
                    yield f"{about} has {letters[kind, about]} letters of kind {kind}"
        sent = Counter(
            str(row["payment_id"])
            for row in self.refunds
            if row["state"] == "succeeded" and row["requested_by"] != "bank" and row["taken_from"] != "unapplied"
        )
        for row in self.payments:
            if letters["refund_sent", row["public_id"]] < sent[str(row["id"])]:
                yield f"{row['public_id']} was told of {letters['refund_sent', row['public_id']]} refunds, of {sent[str(row['id'])]}"

    def _proofs(self) -> Iterator[str]:
        with unit_of_work():
            yield from find_breaks()
        for shadow in SHADOWS:
            with unit_of_work():
                yield from (f"made anew: {one}" for one in replay(shadow).differences)
        with unit_of_work():
            yield from (f"made anew: {one}" for one in replay_plans().differences)
