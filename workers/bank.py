"""The bank's jobs: booking what statements say, and the demo's line to the sandbox's bank, over which statements come and orders go."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
import uuid
from typing import Any

import structlog

from core.kernel.config import settings
from core.kernel.db import unit_of_work
from core.kernel.outbox import enqueue
from core.ledger.book import PLATFORM
from core.payments.bank_lines import book_lines
from core.payments.order_status import NotHandedOver, carry_out_refusal, last_report_number, note_refused, take_status_report
from core.payments.statements import import_statement, last_number
from core.payments.unknown import list_unknown
from core.payouts.hand_over import record_handed_over
from core.payouts.held import is_kept_back, kept_back
from core.providers.bank_accounts import accounts, has_line
from core.providers.bank_orders import claim_for_line, give_up_claim, list_waiting_orders, lock_order
from core.providers.statement import StatementRefused
from workers.task import Task

SECONDS = 15  # for one question to the bank
log = structlog.get_logger("workers")


def book_bank_lines(tasks: list[Task]) -> None:
    """Book the next lines; a long statement takes several turns, so that its transactions stay short."""
    mode, *others = sorted({task.args["mode"] for task in tasks})
    for other in others:  # in a turn of its own: it would begin anew with the order in which everybody locks
        enqueue("book_bank_lines", PLATFORM, mode=other)
    if book_lines(mode):
        enqueue("book_bank_lines", PLATFORM, mode=mode)
    elif list_unknown(mode, limit=1):
        enqueue("match_bank_lines", PLATFORM, queue="papers", mode=mode)  # one of them may be a payout of a processor's


def fetch_statements(vendor_id: uuid.UUID, *, mode: str) -> None:
    """Ask the bank for the statements of each account that we have not got yet, and import them."""
    if not has_line(mode):
        return
    for account in accounts(settings().bank_accounts[mode]).values():
        with unit_of_work():
            after = last_number(mode, account.iban)
        told = _ask("GET", "statements?" + urllib.parse.urlencode({"iban": account.iban, "after": after}))
        for one in told["statements"] if told else ():
            try:
                with unit_of_work():
                    import_statement(one["xml"].encode(), name=f"{one['identity']}.xml", by="system")
            except StatementRefused as refusal:
                log.error("statement_refused", statement=one["identity"], reason=refusal.message)
                break
    fetch_status_reports(mode)


def fetch_status_reports(mode: str) -> None:
    """Ask the bank what it says of our files, and take each answer in. One that cannot be taken hides none behind it."""
    with unit_of_work():
        after = last_report_number(mode)
    told = _ask("GET", "status-reports?" + urllib.parse.urlencode({"after": after}))
    for one in told["reports"] if told else ():
        try:
            with unit_of_work():
                take_status_report(mode, one["xml"].encode(), name=f"{one['identity']}.xml", by="system", number=one["number"])
        except NotHandedOver:
            break  # somebody has carried the file there and not said so yet
        except StatementRefused as refusal:
            log.error("status_report_refused", report=one["identity"], reason=refusal.message)
            with unit_of_work():
                note_refused(mode, one["xml"].encode(), name=f"{one['identity']}.xml", refusal=refusal)


def carry_out_bank_refusal(vendor_id: uuid.UUID, *, mode: str, order: str) -> None:
    """The bank has refused a transfer: what waits for it hears so."""
    with unit_of_work():
        carry_out_refusal(mode, order)


def send_bank_orders(vendor_id: uuid.UUID, *, mode: str) -> None:
    """Hand over what waits. The bank knows each order by its own number, so handing one over twice is once.

    Without a line to the bank they wait for a person, who makes the transfers there and says so.
    """
    if not has_line(mode):
        return
    with unit_of_work():
        orders = list_waiting_orders(mode, without=kept_back())
    for order in orders:
        with unit_of_work():
            fresh = lock_order(order.mode, order.end_to_end)  # so that nobody holds its payout meanwhile
            mine = fresh is not None and not is_kept_back(fresh) and claim_for_line(fresh)
        if not mine:  # a file has taken it meanwhile, or somebody has refused it, or holds it
            continue
        body = {
            "iban": order.account, "to_iban": order.to_account, "to_name": order.to_name, "amount": order.amount.decimal_text,
            "end_to_end": order.end_to_end, "text": order.text,
        }  # fmt: skip
        if _ask("POST", "orders", body) is None:
            log.error("order_not_taken", order=order.public_id)
            with unit_of_work():
                give_up_claim(order)
            continue
        with unit_of_work():
            record_handed_over(order)


def _ask(method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any] | None:
    """One question to the sandbox's bank. None when it definitely says no; anything else that goes wrong raises, and is tried again."""
    request = urllib.request.Request(
        f"{settings().sandbox_url}/_sandbox/bank/{path}",
        method=method,
        data=json.dumps(body).encode() if body is not None else None,
        headers={"Authorization": f"Bearer {settings().secrets['sandbox_api_key']}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            told: dict[str, Any] = json.load(answer)
            return told
    except urllib.error.HTTPError as refused:
        if 400 <= refused.code < 500 and refused.code != 429:
            return None
        raise
