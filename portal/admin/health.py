"""How the house is: its services, its queues, and how long ago each thing that has to happen again and again last did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask import Response, url_for
from flask_babel import format_timedelta, ngettext
from flask_babel import gettext as _

from core.kernel.config import settings
from core.kernel.queues import MOST, Backlog
from core.web.page import page
from core.web.staff_guard import staff, staff_may
from core.web.vitals import Vitals, concerns, take_vitals
from portal.admin.blueprint import staff_door


@dataclass(frozen=True)
class Words:
    """Something that is bad, and what to do about it."""

    title: str
    text: str


@dataclass(frozen=True)
class Fact:
    """One line of the page: what it is, how it is, and whether that is bad (None: nobody asks for it here)."""

    name: str
    value: str
    bad: bool | None
    note: str = ""
    href: str = ""


@staff_door.get("/staff/health")
@staff_may("health.see")
def health() -> Response:
    vitals = take_vitals()
    bad = concerns(vitals)
    return page(
        "portal/admin/health/index.html",
        services=_services(vitals, bad),
        work=_work(vitals, bad),
        nightly=_nightly(vitals, bad),
        bad=[words_of(name) for name in bad],
    )


def words_of(concern: str) -> Words:
    """What core/web/vitals.py calls it, in words for whoever has to act."""
    known = {
        "queue_money": (_("Work on money waits too long"), _("Payments, refunds or payouts are due and nobody does them. See whether the workers run and what they log.")),
        "queue_messages": (_("Letters wait too long"), _("They are due and not sent. See whether the workers run, and whether the mail server answers.")),
        "queue_papers": (_("Papers and proofs wait too long"), _("They are due and nobody does them. See whether the workers run and what they log.")),
        "valkey": (_("Valkey does not answer"), _("Work goes on by the clock alone, some moments later, and tries are counted in each process for itself. Start it again.")),
        "workers": (_("No worker listens"), _("The clock does what is due by itself, one after the other. Start the workers.")),
        "clock": (_("The clock stands still"), _("Nothing that goes by time happens: releases, payouts, questions to processors, proofs. Start it again.")),
        "hooks": (_("Vendors’ software hears nothing"), _("Changes wait to be told, and no webhook leaves. See whether the sender of webhooks runs and what it logs.")),
        "books": (_("Books are broken"), _("An invariant is violated. Money of these books must not move before it is understood.")),
        "proofs": (_("A book has not been proved for too long"), _("The clock or the worker for papers does not keep up.")),
        "reconciliation_live": (_("The live reconciliation has not run"), _("It runs every night. See what the worker for papers logs.")),
        "reconciliation_test": (_("The test reconciliation has not run"), _("It runs every night. See what the worker for papers logs.")),
        "rates": (_("The exchange rates are old"), _("The feed has brought nothing new for days. Soon nothing can be exchanged.")),
        "backup": (_("The last backup is too old"), _("The backup has not said that it is done, as it should every night. See what it logs.")),
    }  # fmt: skip
    return Words(*known[concern])


def _services(of: Vitals, bad: list[str]) -> list[Fact]:
    valkey = of.services
    listening = _("not known") if valkey.workers is None else ngettext("%(num)s listens", "%(num)s listen", valkey.workers)
    return [
        Fact(_("PostgreSQL"), _("answers"), False),
        Fact(
            _("Valkey"),
            _("answers") if valkey.valkey else _("does not answer") if settings().redis_url else _("not used"),
            "valkey" in bad if settings().redis_url else None,
        ),
        Fact(_("Workers"), listening, None if valkey.workers is None else "workers" in bad),
        Fact(_("Clock"), _ago(of.clock, _("has not been heard")), "clock" in bad if valkey.valkey else None),
    ]


def _work(of: Vitals, bad: list[str]) -> list[Fact]:
    names = {"money": _("Work on money"), "messages": _("Letters and notices"), "papers": _("Papers and proofs")}
    queues = [Fact(names[one.queue], _due(one), f"queue_{one.queue}" in bad) for one in of.backlogs]
    gave_up = ngettext("%(num)s task", "%(num)s tasks", of.dead) if of.dead else _("none")
    return [
        *queues,
        Fact(_("Letters that wait"), _due(of.letters), "queue_messages" in bad),
        Fact(_("Changes to be told to vendors’ software"), _ago(of.untold, _("none")), "hooks" in bad),
        Fact(_("Work that gave up"), gave_up, of.dead > 0, href=url_for("staff.jobs")),
    ]


def _nightly(of: Vitals, bad: list[str]) -> list[Fact]:
    never = _("not yet")
    books = url_for("staff.proofs") if staff().may("balances.see") else ""
    broken = (
        ngettext("%(num)s book is broken", "%(num)s books are broken", len(of.books.broken))
        if of.books.broken
        else _("no invariant is violated")
    )
    stamp = settings().backup_stamp
    return [
        Fact(_("Books"), broken, "books" in bad, href=books),
        Fact(_("Oldest proof of a book"), _ago(of.proof, never), "proofs" in bad, href=books),
        *_reconciled(of, bad),
        Fact(_("Exchange rates"), _ago(of.rates, never), "rates" in bad if settings().rates_url else None),
        Fact(
            _("Backup"), _ago(of.backup, _("has not been heard")) if stamp else _("not watched from here"), "backup" in bad if stamp else None,
            note="" if stamp else _("Set BACKUP_STAMP to the file that your backup touches when it is done."),
        ),
    ]  # fmt: skip


def _reconciled(of: Vitals, bad: list[str]) -> list[Fact]:
    names = {"live": _("Reconciliation, live"), "test": _("Reconciliation, test")}
    return [
        Fact(
            names[mode], _ago(of.reconciled[mode], _("not yet")), f"reconciliation_{mode}" in bad,
            href=url_for("staff.reconciliation", mode=mode) if staff().may("reconciliation.see") else "",
        )
        for mode in ("live", "test")
    ]  # fmt: skip


def _ago(age: timedelta | None, never: str) -> str:
    if age is None:
        return never
    return _("just now") if age < timedelta(minutes=1) else _("%(time)s ago", time=format_timedelta(age))


def _due(one: Backlog) -> str:
    if not one.due:
        return _("nothing is due")
    count = f"{one.due}+" if one.due >= MOST else str(one.due)
    return _("%(count)s due, the oldest for %(time)s", count=count, time=format_timedelta(timedelta(seconds=one.seconds)))
