"""A member's own page by its signed address: one address from the card to the end, and always the page that is true at this moment."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, url_for
from flask_babel import gettext as _

from checkout.blueprint import door
from checkout.declines import explain
from checkout.member_papers import opened, papers_of
from checkout.member_words import WORDS, cancel_words, keep_words, named, upcoming
from checkout.processor_pages import allow_provider
from checkout.result import QUICK_ASKS, times_asked
from core.accounts.models import Vendor
from core.kernel.signing import TokenRefused
from core.memberships.join import find_saving, find_subscription, has_moved, is_offered, quote, sum_shown
from core.memberships.lists import payments_of
from core.memberships.member import can_choose
from core.memberships.models import Member
from core.memberships.page import open_member_token
from core.memberships.plans import find_plan, find_plan_by_code, plan_token
from core.memberships.standing import Standing, payment_to_confirm, public_facts, stage_of, standing_of
from core.payments.models import Payment
from core.payments.saved import get_saved
from core.payments.start import payment_token, receipt_token
from core.providers.contract import NoSuchProvider
from core.providers.registry import provider_for
from core.web.face import face_of
from core.web.guard import public
from core.web.languages import reader
from core.web.page import page, see_other
from core.web.throttle import by_address


@door.get("/m/<token>")
@public
def member(token: str) -> Response:
    """The true page of the membership at this moment."""
    return page_of(*opened(token), token)


@door.get("/m/<token>/state")
@public
def member_state(token: str) -> Response:
    """The waiting part again, for htmx; once something is known the browser is sent to its page."""
    vendor, joined = opened(token)
    if stage_of(joined) != "waiting":
        return see_other(url_for("checkout.member", token=token))
    return _waiting(vendor, joined, token)


@door.get("/m/<token>/status.json")
@public
@by_address("240 per 10 minutes", scope="member-status", method="GET")
def member_status(token: str) -> Response:
    """For machines: whether it is served, on which plan and until when. Whatever is not ours to open reads the same."""
    try:
        answer = jsonify(public_facts(*open_member_token(token)))
    except TokenRefused:
        answer = jsonify({"error": "not_valid"})
        answer.status_code = 404
    return answer


def page_of(vendor: Vendor, joined: Member, token: str, *, notice: object = "", status: int = 200) -> Response:
    """The page of its stage; a notice stands above what can be done."""
    stage = stage_of(joined)
    if stage == "waiting":
        return _waiting(vendor, joined, token)
    if stage in ("card", "over", "declined"):
        return _card(vendor, joined, token, stage, notice, status)
    if stage == "confirm":
        return _confirm(vendor, joined, token)
    if stage == "refused":
        return page("checkout/member_refused.html", **shared(vendor, joined, token))
    return _member(vendor, joined, token, stage, notice, status)


def shared(vendor: Vendor, joined: Member, token: str) -> dict[str, Any]:
    """What every page of a membership shows."""
    row = find_subscription(joined)
    now_on = find_plan_by_code(vendor, joined.mode, row.tier) if row else None
    plan = now_on or find_plan(joined)
    return {
        "face": face_of(vendor, joined.mode),
        "title": plan.name,
        "description": plan.about,
        "amount_due": None,
        "plan": plan,
        "email": joined.email,
        "page_url": url_for("checkout.member", token=token),
        "notice": "",
    }


def let_out(mode: str, redirect_url: str | None = None) -> None:
    """The page's button leads on to the provider's own page."""
    try:
        allow_provider(provider_for(mode).name, redirect_url)
    except NoSuchProvider:
        return


def _card(vendor: Vendor, joined: Member, token: str, stage: str, notice: object, status: int) -> Response:
    """What it costs, once more and exactly, and the way to the card; after a decline with the reason."""
    plan, saving = find_plan(joined), find_saving(joined)
    let_out(joined.mode, saving.redirect_url if saving else None)
    told = quote(vendor, plan)
    row = find_subscription(joined)
    payments = payments_of(vendor, row, limit=1) if row else []
    return page(
        "checkout/member_card.html",
        status=status,
        **shared(vendor, joined, token) | {"notice": notice, "amount_due": None if plan.trial_days else told.today},
        stage=stage,
        quote=told,
        shown_sum=sum_shown(plan, told),
        moved=joined.tries > 1 and stage != "declined" and has_moved(joined, plan, told),
        decline=explain(payments[0].decline_code) if stage == "declined" and payments else None,
        action=url_for("checkout.member_card", token=token),
    )


def _confirm(vendor: Vendor, joined: Member, token: str) -> Response:
    row = find_subscription(joined)
    payment = payment_to_confirm(row) if row else None
    if payment is None:
        return _waiting(vendor, joined, token)
    return page(
        "checkout/member_confirm.html",
        **shared(vendor, joined, token) | {"amount_due": payment.amount},
        until=payment.expires_at,
        pay_url=url_for("checkout.show", token=payment_token(vendor, payment)),
    )


def _waiting(vendor: Vendor, joined: Member, token: str) -> Response:
    asked = times_asked()
    return page(
        "checkout/member_waiting.html",
        fragment="checkout/_member_waiting.html",
        **shared(vendor, joined, token),
        state_url=url_for("checkout.member_state", token=token, asked=asked + 1),
        again_url=url_for("checkout.member", token=token, asked=asked + 1),
        wait_seconds=2 if asked < QUICK_ASKS else 10,
        slow=asked >= QUICK_ASKS,
    )


def _member(vendor: Vendor, joined: Member, token: str, stage: str, notice: object, status: int) -> Response:
    found = standing_of(vendor, joined)
    to_confirm = payment_to_confirm(found.row)
    let_out(joined.mode)
    running = stage == "running"
    return page(
        "checkout/member.html",
        status=status,
        **shared(vendor, joined, token) | {"notice": notice},
        stage=stage,
        found=found,
        word=WORDS[found.row.status][0],
        tone=WORDS[found.row.status][1],
        named={code: named(vendor, found.row.mode, code) for code in (found.planned, found.awaiting) if code},
        next=upcoming(vendor, found) if running else None,
        leave=cancel_words(vendor, found.row) if running and not found.ends else [],
        keep=keep_words(found) if running else "",
        card=_card_words(vendor, joined, found),
        documents=papers_of(vendor, found.row, token),
        receipts=[_receipt(vendor, payment) for payment in payments_of(vendor, found.row) if payment.captured_minor],
        confirm_url=url_for("checkout.show", token=payment_token(vendor, to_confirm)) if to_confirm else None,
        choosable=can_choose(found.row),
        join_url=_join_again(vendor, joined) if stage == "ended" else None,
        urls={name: url_for(f"checkout.member_{name}", token=token) for name in ("card", "plan", "cancel", "keep", "charge", "address")},
    )


def _join_again(vendor: Vendor, joined: Member) -> str | None:
    plan = find_plan(joined)
    return url_for("checkout.join", token=plan_token(vendor, plan)) if is_offered(plan) else None


def _card_words(vendor: Vendor, joined: Member, found: Standing) -> str:
    if not found.card:
        return _("No card")
    card = get_saved(vendor, joined.mode, found.card)
    return reader().card_ending(card.brand, card.last4)


def _receipt(vendor: Vendor, payment: Payment) -> dict[str, Any]:
    token = receipt_token(vendor, payment)
    return {
        "payment": payment,
        "href": url_for("checkout.receipt", token=token),
        "pdf": url_for("checkout.receipt_pdf", token=token),
    }
