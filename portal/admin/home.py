"""The staff's first page: what needs a person, each counted no further than a page can say, and the alarm when a book is broken."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flask import Response, url_for
from flask_babel import gettext as _

from core.accounts.everywhere import vendors_by_id
from core.accounts.house import house
from core.accounts.models import Vendor
from core.admission.decide import count_to_decide_up_to
from core.admission.review import count_to_look_at_up_to
from core.billing.lists import sells
from core.directory.edits import count_waiting
from core.directory.queries import count_for_staff
from core.directory.reports import count_reported
from core.disputes.everywhere import count_due_up_to, count_unread_up_to
from core.kernel.dead_tasks import count_dead_up_to
from core.ledger.proof import THE_HOUSE, Proof
from core.payments.reviews_everywhere import count_waiting_up_to
from core.payouts.everywhere import count_held_up_to
from core.providers.queries import count_unmatched_up_to
from core.reconciliation.queries import count_open_up_to
from core.web.page import page
from core.web.staff_guard import staff, staff_may
from core.web.vitals import concerns, take_vitals
from portal.admin.bank_money import count_unknown_up_to
from portal.admin.blueprint import staff_door
from portal.admin.health import words_of
from portal.admin.house import what_is_lacking

MOST = 100  # counted so far; the page then says "99+"


@dataclass(frozen=True)
class Matter:
    """Something that waits for a person."""

    title: str
    count: int
    text: str
    href: str

    @property
    def said(self) -> str:
        return f"{MOST - 1}+" if self.count >= MOST else str(self.count)


@dataclass(frozen=True)
class Alarm:
    """A book that is broken, as its last proof found it."""

    whose: str
    proof: Proof


@staff_door.get("/staff/")
@staff_may("home.see")
def home() -> Response:
    matters = [
        Matter(
            _("Work that gave up"), count_dead_up_to(MOST), _("Jobs that failed too often. Each says why, and can be tried again."),
            url_for("staff.jobs"),
        ),
        Matter(
            _("Events about nothing of ours"), count_unmatched_up_to(MOST),
            _("What a processor told us and nobody here could place. An event can be opened once more."), url_for("staff.events"),
        ),
    ]  # fmt: skip
    if staff().may("applications.decide"):
        text = _("Businesses that want to take real money. They wait for a yes, a question or a reason.")
        matters.append(Matter(_("Businesses to let in"), count_to_decide_up_to(MOST), text, url_for("staff.applications")))
        text = _("Sent since their business was let in, or accepted and near their last day.")
        papers = url_for("staff.applications", _anchor="papers")
        matters.append(Matter(_("Papers to look at"), count_to_look_at_up_to(MOST), text, papers))
    if staff().may("listings.moderate"):
        count = min(MOST, sum(each(most=MOST) for each in (count_waiting, count_for_staff, count_reported)))
        text = _("Changes to read, listings that ask for a look, and what the public reports.")
        matters.append(Matter(_("To do in the directory"), count, text, url_for("staff.listings", state="review")))
    if staff().may("payouts.see"):
        matters.append(
            Matter(
                _("Payouts that are held"), count_held_up_to(MOST), _("Above the limit: somebody who did not ask for them lets them go."),
                url_for("staff.payouts"),
            )
        )  # fmt: skip
    if staff().may("disputes.see"):
        text = _("Sellers who have not answered yet. Without an answer the payer keeps the money.")
        matters.append(Matter(_("Disputes due within a day"), count_due_up_to(MOST), text, url_for("staff.disputes", due="1")))
        text = _("Vendors wrote to us about a dispute, and nobody has answered.")
        matters.append(Matter(_("Unread messages about disputes"), count_unread_up_to(MOST), text, url_for("staff.disputes", unread="y")))
    if staff().may("reviews.decide"):
        text = _("Payments that a rule wants a person to look at. What is put aside is let go by the clock after six days.")
        matters.append(Matter(_("Payments to review"), count_waiting_up_to(MOST), text, url_for("staff.reviews")))
    if staff().may("bank.see"):
        text = _("Transfers without a reference of ours, or with one that fits nothing.")
        matters.append(Matter(_("Money nobody knows"), count_unknown_up_to(MOST), text, url_for("staff.bank_money")))
    if staff().may("reconciliation.see"):
        text = _("What processors and banks say otherwise than our books.")
        matters.append(Matter(_("Exceptions of the reconciliation"), count_open_up_to(MOST), text, url_for("staff.reconciliation")))
    if staff().may("plans.manage") and (lacking := what_is_lacking()) and sells(house(), "live"):
        text = _("Plans are sold, and their invoices do not say: %(what)s.", what=", ".join(lacking))
        matters.append(Matter(_("Who the house is"), len(lacking), text, url_for("staff.house_page")))
    vitals = take_vitals()
    told = vitals.books
    alarms = alarms_of(told.broken) if staff().may("alarms.see") else []
    return page(
        "portal/admin/home/index.html",
        matters=matters,
        alarms=alarms,
        unwell=[words_of(name) for name in concerns(vitals) if name != "books"],  # broken books have an alarm of their own
        broken=len(told.broken),
        books=told.books,
        oldest=told.oldest_at,
    )


def alarms_of(broken: list[Proof]) -> list[Alarm]:
    vendors = vendors_by_id({proof.vendor_id for proof in broken})
    return [Alarm(_whose(proof, vendors), proof) for proof in broken]


def _whose(proof: Proof, vendors: dict[UUID, Vendor]) -> str:
    if proof.vendor_id == THE_HOUSE:
        return _("The guards in PostgreSQL, the audit log, or the platform’s own book")
    vendor = vendors.get(proof.vendor_id)
    return _("%(vendor)s, %(mode)s book", vendor=vendor.name if vendor else str(proof.vendor_id), mode=proof.mode)
