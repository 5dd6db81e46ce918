"""Disputes across vendors as the staff see them: how soon an answer is due, who has written, one with its money, and in the sandbox the bank's decision."""

from __future__ import annotations

import uuid

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.queries import names_of
from core.accounts.staff import staff_names
from core.disputes.check import missing_in
from core.disputes.everywhere import DUE, count_unread_up_to, get_everywhere, list_everywhere
from core.disputes.evidence import answers_of, why_not_answerable
from core.disputes.files import list_files
from core.disputes.health import above_limits
from core.disputes.models import Dispute
from core.disputes.queries import STAGES, history_of, payment_behind
from core.disputes.states import ANSWERABLE
from core.disputes.thread import list_said
from core.kernel.errors import NotFound
from core.ledger.queries import journals_about
from core.providers.contract import ProviderUnreachable
from core.providers.practice import decide_dispute
from core.web.dispute_words import FILES, NEEDS, QUESTIONS, REASONS, STEPS
from core.web.fields import BooleanField, ChoiceField, Form, options
from core.web.page import cursor, page, see_other, step_outside
from core.web.staff_guard import seen, staff, staff_may
from portal.admin.blueprint import staff_door
from portal.admin.payments import VendorField
from portal.dispute_answer import pack_page
from portal.dispute_form import MessageForm, empty_message
from portal.disputes import ACTORS, MONEY, STAGE_WORDS, left_of, stage_of
from portal.explain import book_lines

ON_A_PAGE = 50
MOST_COUNTED = 100
DUE_WORDS = {"1": later("Within a day"), "3": later("Within three days"), "7": later("Within a week")}
OUTCOMES = {
    "won": later("The seller wins"),
    "lost": later("The payer wins"),
    "closed": later("The bank asks no more"),
    "again": later("Opened again"),
}


class OutcomeForm(Form):
    outcome = ChoiceField(later("What the bank decides"), choices=[], words=later("Choose what the bank decides."))


class DisputeFilter(Form):
    class Meta:
        csrf = False  # reading changes nothing

    vendor = VendorField(later("Vendor"), most=120)
    unread = BooleanField(later("Only with unread messages"))


@staff_door.get("/staff/disputes")
@staff_may("disputes.see")
def disputes() -> Response:
    after, asked = cursor(), {name: request.args.get(name, "") for name in ("stage", "due", "mode")}
    if (asked["stage"] or "over") not in STAGES or (asked["due"] or "1") not in DUE or asked["mode"] not in ("", "test", "live"):
        raise NotFound
    form = DisputeFilter(request.args)
    good = form.validate()
    found = list_everywhere(
        **asked,
        vendor_ids=form.vendor.ids if good else None,
        unread=bool(good and form.unread.data),
        after=_key(after) if after else None,
        limit=ON_A_PAGE + 1,
    )
    kept = {name: value for name, value in asked.items() if value}
    kept |= {name: field.raw_data[0] for name, field in form._fields.items() if good and field.data and field.raw_data}
    more = len(found) > ON_A_PAGE and not asked["due"]
    return page(
        "portal/admin/disputes/index.html",
        fragment="portal/admin/disputes/_table.html",
        found=[(vendor, one, left_of(one), stage_of(one)) for vendor, one in found[:ON_A_PAGE]],
        asked=asked,
        form=form,
        kept=kept,
        above=above_limits,  # asked for by the whole page only
        unread=count_unread_up_to(MOST_COUNTED),
        most_counted=MOST_COUNTED,
        stages=STAGE_WORDS,
        due=DUE_WORDS,
        reasons=REASONS,
        newest=url_for(".disputes", **kept) if after else None,
        older=url_for(".disputes", after=str(found[ON_A_PAGE - 1][1].id), **kept) if more else None,
    )


@staff_door.get("/staff/disputes/<number>")
@staff_may("disputes.see")
def dispute(number: str) -> Response:
    return show(number)


@staff_door.get("/staff/disputes/<number>/pack")
@staff_may("disputes.see")
def vendors_dispute_pack(number: str) -> Response:
    """The evidence pack as the vendor sees it: the same sheet that is printed when the answer is sent."""
    vendor, found = get_everywhere(number)
    seen(vendor, found.public_id)
    return pack_page(vendor, found)


@staff_door.post("/staff/disputes/<number>/outcome")
@staff_may("disputes.simulate")
def decide(number: str) -> Response:
    """In the sandbox somebody has to be the payer's bank. What it decided comes back by the processor's own news, as always."""
    _vendor, found = get_everywhere(number)
    form = _form(found, filled=True)
    if form is None:
        raise NotFound
    if form.validate():
        reference, outcome = found.provider_reference, form.outcome.data
        try:
            with step_outside():
                decide_dispute(reference, outcome)
        except ProviderUnreachable:
            form.refuse(_("The practice processor did not take it. Reload the page: it may have moved on."))
        else:
            flash(_("Decided. The processor tells us within a few seconds; reload the page then."), "good")
            return see_other(url_for(".dispute", number=number))
    return show(number, decision=form)


def _form(found: Dispute, *, filled: bool = False) -> OutcomeForm | None:
    """None where nobody can decide by hand: at a real processor, or when it is over."""
    can = {
        "inquiry": ("closed", "again"),
        "needs_response": ("won", "lost"),
        "under_review": ("won", "lost"),
        "won": ("again",),
        "lost": ("won",),
        "accepted": ("won",),
        "reversed": ("again",),
        "closed": ("again",),
    }
    outcomes = can.get(found.state, ()) if found.provider == "sandbox" else ()
    if not outcomes:
        return None
    form = OutcomeForm() if filled else OutcomeForm(formdata=None)
    form.outcome.choices = options((name, OUTCOMES[name]) for name in outcomes)
    return form


def show(number: str, *, decision: OutcomeForm | None = None, message: MessageForm | None = None) -> Response:
    """The page of one dispute, with a form as it was sent or fresh."""
    vendor, found = get_everywhere(number)
    seen(vendor, found.public_id)
    payment, failed = payment_behind(vendor, found), decision or message
    journals = journals_about(vendor, found.mode, payment.public_id) if staff().may("balances.see") else []
    people = names_of(vendor) | staff_names()
    open_to_answer = why_not_answerable(found) is None
    return page(
        "portal/admin/disputes/show.html",
        status=(409 if failed.form_errors else 422) if failed else 200,
        vendor=vendor,
        dispute=found,
        payment=payment,
        stage=stage_of(found),
        left=left_of(found),
        reason=REASONS[found.reason],
        lines=book_lines([(journal, legs) for journal, legs in journals if journal.kind in MONEY]),
        history=history_of(vendor, found),
        files=list_files(found),
        answers=answers_of(found),
        missing=[NEEDS[name] for name in missing_in(vendor, payment, found)] if open_to_answer else [],
        may_answer=open_to_answer and staff().may("disputes.answer"),
        file_words=FILES,
        question_words=QUESTIONS,
        steps=STEPS,
        actors=ACTORS | people,
        thread=list_said(vendor, found),
        people=people,
        message_form=message or empty_message(),
        may_write=staff().may("disputes.write"),
        failed=failed,
        form=decision or (_form(found) if staff().may("disputes.simulate") else None),
        waits=found.state in ANSWERABLE,
    )


def _key(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound(_("That page of disputes does not exist.")) from None
