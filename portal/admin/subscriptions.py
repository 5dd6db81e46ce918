"""Subscriptions to the house: all of them with what they owe, everything about one, its papers, and taking a wrong invoice back."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.house import house
from core.accounts.models import Vendor
from core.accounts.queries import names_of
from core.accounts.staff import staff_names
from core.billing.codec import decode
from core.billing.lines import Document
from core.billing.lists import (
    EVERY,
    SubscriptionFilter,
    find_subscribed,
    get_document,
    list_charges,
    list_documents,
    list_subscriptions,
    payments_of,
)
from core.billing.models import BillingDocument, KeptSubscription
from core.billing.price_list import list_price_lists, terms_of
from core.billing.queries import list_events, read
from core.billing.states import SUBSCRIPTION
from core.billing.store import preview_void
from core.subscriptions.plan import take_back
from core.subscriptions.reissued import anew_or_why_not, issue_anew
from core.web.fields import ChoiceField, Form, LineField, options
from core.web.filters import status_label
from core.web.languages import written
from core.web.page import cursor, page, see_other
from core.web.staff_guard import seen, staff, staff_may
from portal.admin.blueprint import staff_door
from portal.confirm import confirmed
from portal.plan_facts import ahead_of, facts_of, owed_by
from portal.plan_names import Known, known_of
from portal.plan_words import tell_events

WORLDS = ("live", "test")


class FilterForm(Form):
    class Meta:
        csrf = False  # reading changes nothing

    q = LineField(_l("Search"), most=120)
    mode = ChoiceField(
        _l("Mode"), choices=lambda: options([("", _("Test and live")), ("live", _("Live")), ("test", _("Test"))]), default=""
    )
    status = ChoiceField(
        _l("Status"), choices=lambda: options([("", _("All")), *((s, status_label(s, "subscription")) for s in SUBSCRIPTION)]), default=""
    )
    tier = ChoiceField(_l("Plan"), choices=lambda: options([("", _("All")), *_plans().items()]), default="")

    def wanted(self) -> SubscriptionFilter:
        return SubscriptionFilter(
            text=self.q.data or None, mode=self.mode.data or None, status=self.status.data or None, tier=self.tier.data or None
        )

    def kept(self) -> dict[str, str]:
        """What belongs in the address of the next page."""
        return {name: field.raw_data[0] for name, field in self._fields.items() if field.data and field.raw_data}


class AnewForm(Form):
    why = LineField(_l("Why it is issued anew"), most=300, required=_l("Say in a few words why: it stays with both documents."))


class VoidForm(Form):
    reason = LineField(_l("Why it is wrong"), most=300, required=_l("Say in a few words why: it stays with both documents."))


@staff_door.get("/staff/subscriptions")
@staff_may("plans.see")
def subscriptions() -> Response:
    form, after = FilterForm(request.args), cursor()
    good = form.validate()
    found = list_subscriptions(house(), form.wanted() if good else EVERY, after=after)
    kept = form.kept() if good else {}
    states = {row.id: read(row) for row, _vendor in found.rows}
    return page(
        "portal/admin/subscriptions/index.html",
        fragment="portal/admin/subscriptions/_table.html",
        form=form,
        found=found.rows,
        states=states,
        owed={key: owed_by(state) for key, state in states.items()},
        kept=kept,
        newest=url_for(".subscriptions", **kept) if after else None,
        older=url_for(".subscriptions", after=found.next, **kept) if found.next else None,
    )


@staff_door.get("/staff/subscriptions/<public_id>")
@staff_may("plans.see")
def subscription(public_id: str) -> Response:
    """Everything about one. The rows are the house's own; that they are about the vendor stands in the vendor's log."""
    row, vendor = find_subscribed(house(), public_id)
    seen(vendor, row.public_id)
    papers, charges, state = list_documents(house(), row), list_charges(house(), row), read(row)
    known = _known(row, vendor, papers)
    return page(
        "portal/admin/subscriptions/show.html",
        row=row,
        vendor=vendor,
        state=state,
        standing=facts_of(state),
        ahead=ahead_of(state, known, row.lapse_at),
        owed={owed.document: owed.due for owed in state.open},
        papers=list(reversed(papers)),
        charges=charges,
        payments=payments_of(house(), charges),
        trail=tell_events(list_events(house(), row), known),
        known=known,
    )


@staff_door.get("/staff/subscriptions/<public_id>/documents/<document>")
@staff_may("plans.see")
def subscription_document(public_id: str, document: str) -> Response:
    row, vendor = find_subscribed(house(), public_id)
    return _document_page(row, vendor, get_document(house(), row, document), VoidForm(formdata=None))


@staff_door.post("/staff/subscriptions/<public_id>/documents/<document>/credit-note")
@staff_may("plans.manage")
@confirmed
def take_back_document(public_id: str, document: str) -> Response:
    """The whole rest of a wrong invoice. Both documents stay."""
    row, vendor = find_subscribed(house(), public_id)
    wrong, form = get_document(house(), row, document), VoidForm()
    if form.validate():
        with form.refusals():
            take_back(row, wrong, reason=form.reason.data, by=staff().public_id)
            flash(_("%(paper)s is taken back: a credit note says so.", paper=wrong.name or ""), "good")
            return see_other(url_for(".subscription", public_id=public_id))
    return _document_page(row, vendor, wrong, form)


@staff_door.post("/staff/subscriptions/<public_id>/documents/<document>/anew")
@staff_may("plans.manage")
@confirmed
def issue_document_anew(public_id: str, document: str) -> Response:
    """A credit note over the whole of it, and the same lines again with today's parties and tax."""
    row, vendor = find_subscribed(house(), public_id)
    wrong, form = get_document(house(), row, document), AnewForm()
    if form.validate():
        with form.refusals():
            issue_anew(row, wrong, reason=form.why.data, by=staff().public_id)
            flash(_("%(paper)s is issued anew: a credit note and a new invoice say so.", paper=wrong.name or ""), "good")
            return see_other(url_for(".subscription", public_id=public_id))
    return _document_page(row, vendor, wrong, VoidForm(formdata=None), form)


def _document_page(
    row: KeptSubscription, vendor: Vendor, shown: BillingDocument, form: VoidForm, again: AnewForm | None = None
) -> Response:
    seen(vendor, shown.public_id)
    body, note, again = decode(Document, shown.body), preview_void(row, shown), again or AnewForm(formdata=None)
    anew, why_not = anew_or_why_not(row, shown)
    failed: Form = again if again.errors or again.form_errors else form
    return page(
        "portal/admin/subscriptions/document.html",
        status=409 if failed.form_errors else failed.status,
        form=form,
        again=again,
        failed=failed,
        anew=anew,
        why_not=written(why_not.message) if why_not else "",
        row=row,
        vendor=vendor,
        shown=shown,
        body=body,
        note=note,
        due=next((owed.due for owed in read(row).open if owed.document == shown.ordinal), None),
        may_void=staff().may("plans.manage") and note is not None,
        may_manage=staff().may("plans.manage"),
    )


def _known(row: KeptSubscription, vendor: Vendor, papers: list[BillingDocument]) -> Known:
    lists = [terms_of(each) for each in reversed(list_price_lists(house(), row.mode))]
    people: dict[str, Any] = {**names_of(vendor), **staff_names(), "operator": _("An operator")}
    return known_of(lists, papers, people)


def _plans() -> dict[str, str]:
    """Every plan there ever was, by code; called as it is called now."""
    lists = [terms_of(each) for mode in WORLDS for each in reversed(list_price_lists(house(), mode))]
    return {tier.code: tier.title for each in lists for tier in each.tiers}
