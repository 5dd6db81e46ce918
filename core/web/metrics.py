"""/metrics: the same figures as the staff's page of the house's health, in the text that Prometheus reads."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterator
from datetime import timedelta

from flask import Flask, Response, request

from core.kernel.config import settings
from core.kernel.errors import NotFound
from core.ledger.models import Proof
from core.ledger.proof import THE_HOUSE
from core.web.guard import public
from core.web.vitals import Vitals, concerns, take_vitals

PASSED_ON = ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via")  # what a proxy writes: then "this machine" says nothing about who asks
SECOND = timedelta(seconds=1)
Sample = tuple[dict[str, str], int]


@public
def metrics() -> Response:
    """For whoever brings HEALTH_TOKEN; where none is set, for this machine itself. To anybody else there is no such address."""
    if not (brings_token() if settings().health_token else is_this_machine()):
        raise NotFound
    lines = [line for name, words, samples in figures(take_vitals()) for line in _written(name, words, samples)]
    return Response("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")


def brings_token() -> bool:
    """Whether whoever asks shows the operator's token."""
    wanted, scheme, given = settings().health_token, *request.headers.get("Authorization", "").partition(" ")[::2]
    return bool(wanted) and scheme == "Bearer" and secrets.compare_digest(given.encode(), wanted.encode())


def is_this_machine() -> bool:
    """Whether a program on this very machine asks, and for nobody behind it."""
    try:
        here = ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
    return here and not any(name in request.headers for name in PASSED_ON)


def figures(of: Vitals) -> Iterator[tuple[str, str, list[Sample]]]:
    """(name, what it says, values with their labels). What has not happened yet has no value."""
    services, books = of.services, of.books
    yield "portal_valkey_up", "Whether Valkey answers.", [({}, services.valkey)]
    yield "portal_workers", "Workers that listen.", _of(services.workers)
    yield "portal_clock_age_seconds", "Since the clock last went.", _age(of.clock)
    yield "portal_tasks_due", "Tasks that are due, by queue.", [({"queue": one.queue}, one.due) for one in of.backlogs]
    yield "portal_tasks_oldest_seconds", "How long the oldest due task has waited.", [({"queue": b.queue}, b.seconds) for b in of.backlogs]
    yield "portal_tasks_dead", "Tasks that gave up and wait for a person.", _of(of.dead)
    yield "portal_letters_due", "Letters that are due and not sent.", _of(of.letters.due)
    yield "portal_letters_oldest_seconds", "How long the oldest of them has waited.", _of(of.letters.seconds)
    yield "portal_events_oldest_seconds", "How long the oldest change has waited to be told to vendors' own software.", _age(of.untold)
    yield "portal_ledger_books", "Books under proof.", _of(books.books)
    yield (
        "portal_ledger_broken_books",
        "Books whose last proof found an invariant violated.",
        [({"book": book}, sum(_book(proof) == book for proof in books.broken)) for book in ("live", "test", "house")],
    )
    yield "portal_ledger_violations", "Violated invariants that the last proofs found, over all books.", _of(of.violations)
    yield "portal_ledger_proof_age_seconds", "Age of the oldest proof of a book.", _age(of.proof)
    yield (
        "portal_reconciliation_age_seconds",
        "Since the last look of the reconciliation ended.",
        [({"mode": mode}, age // SECOND) for mode, age in of.reconciled.items() if age is not None],
    )
    yield "portal_rates_age_seconds", "Since the day of the newest exchange rates.", _age(of.rates)
    yield "portal_backup_age_seconds", "Since the operator's backup last said that it is done.", _age(of.backup)
    yield "portal_concerns", "How many things a person has to do something about.", _of(len(concerns(of)))


def _book(proof: Proof) -> str:
    return "house" if proof.vendor_id == THE_HOUSE else proof.mode


def _of(value: int | None) -> list[Sample]:
    return [] if value is None else [({}, value)]


def _age(age: timedelta | None) -> list[Sample]:
    return [] if age is None else [({}, age // SECOND)]


def _written(name: str, words: str, samples: list[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {words}"
    yield f"# TYPE {name} gauge"
    for labels, value in samples:
        told = ",".join(f'{label}="{text}"' for label, text in labels.items())
        yield f"{name}{{{told}}} {value:d}" if told else f"{name} {value:d}"


def install(app: Flask) -> None:
    app.add_url_rule("/metrics", view_func=metrics)
