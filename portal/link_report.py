"""A link's report: how far its visitors come, day by day, where they come from, and why some stop."""

from __future__ import annotations

from flask import Response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core.payments.funnel import Funnel, funnel_of
from core.payments.queries import get_link
from core.payments.weigh import NOT_ACCEPTED
from core.web.filters import day as day_words
from core.web.filters import percent
from core.web.guard import current, may
from core.web.page import page
from core.web.three_d_secure import UNCONFIRMED
from portal.blueprint import portal
from portal.code_words import code_sentence, code_words

PERIODS = (7, 30, 90)
SOURCES = {
    "poster": _l("Printed poster"),
    "code": _l("QR code"),
    "mail": _l("Letter sent from here"),
    "name": _l("Readable address"),
    "filled": _l("Filled-in address"),
    "button": _l("Button on a website"),
    "embed": _l("Shown on a website"),
    "other": _l("The link itself"),
}
# Why somebody who started has not paid, where it was no bank's decline.
STOPPED = {
    "created": _l("Still under way"),
    "requires_action": _l("Still under way"),
    "requires_method": _l("Still under way"),
    "processing": _l("Being checked"),
    "unknown": _l("Being checked"),
    "canceled": _l("Cancelled by the payer"),
    "expired": _l("Left, and the time ran out"),
}


@portal.get("/portal/links/<public_id>/report")
@may("links.see")
def link_report(public_id: str) -> Response:
    me = current()
    link, days = get_link(me.vendor, me.mode, public_id), _period()
    report = funnel_of(me.vendor, link, days=days)
    return page(
        "portal/links/report.html",
        link=link,
        report=report,
        steps=_steps(report),
        bars=[(day_words(day), [step.opened, step.paid]) for day, step in report.days.items()],
        stopped=_words(report),
        declines=[(code_sentence(code), number) for code, number in report.declines.most_common()],
        sources=[(SOURCES.get(source, source), number) for source, number in report.sources.most_common()],
        periods=[
            (ngettext("%(num)s day", "%(num)s days", n), url_for(".link_report", public_id=public_id, days=n), n == days) for n in PERIODS
        ],
        days=days,
    )


def _period() -> int:
    text = request.args.get("days", "")
    return int(text) if text in map(str, PERIODS) else 30


def _steps(report: Funnel) -> list[tuple[str, int, str | None]]:
    """Each step with its number and, beside the first, its share of the step before in whole percents."""
    total = report.total
    names = [(_("Opened"), total.opened), (_("Started"), total.started), (_("Attempted"), total.attempted), (_("Paid"), total.paid)]
    found: list[tuple[str, int, str | None]] = []
    for n, (name, number) in enumerate(names):
        before = names[n - 1][1] if n else 0
        share = _("%(percent)s of the step before", percent=percent(_whole_percents(number, before))) if n and before else None
        found.append((name, number, share))
    return found


def _whole_percents(number: int, of: int) -> int:
    """In basis points, rounded half up to whole percents."""
    return min(100, (200 * number + of) // (2 * of)) * 100


def _words(report: Funnel) -> list[tuple[str, int]]:
    """Why people stopped, in words; states that read the same are added up."""
    found: dict[str, int] = {}
    for code, number in report.stopped.most_common():
        words = str(STOPPED[code]) if code in STOPPED else _declined(code)
        found[words] = found.get(words, 0) + number
    not_started = report.total.opened - report.total.started
    if not_started > 0:
        found[_("Opened it and did not start")] = not_started
    return sorted(found.items(), key=lambda item: -item[1])


def _declined(code: str) -> str:
    """Who was not confirmed, or not let through by our own checks, was declined by no bank."""
    return code_sentence(code) if code in UNCONFIRMED or code == NOT_ACCEPTED else _("Declined: %(reason)s", reason=code_words(code))
