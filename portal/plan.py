"""A vendor's plan: how it stands, what is charged next and why, who pays, and what has happened; or which plan to begin with."""

from __future__ import annotations

from flask import Response, current_app, flash, request, session, url_for
from flask_babel import gettext as _

from core.accounts.house import HOUSE, house
from core.billing import dunning, states
from core.billing.calendar import DAY
from core.billing.clock import today_of
from core.billing.lists import list_documents
from core.billing.models import KeptSubscription
from core.billing.price_list import offer_on
from core.billing.queries import as_of_now, list_events
from core.billing.subscription import Subscription
from core.kernel.errors import NotFound, Refusal
from core.payments.start import payment_token
from core.subscriptions.coming import Asked, asked_now, coming_charge
from core.subscriptions.plan import are_sold, beginning, find_plan, owed_before
from core.subscriptions.quote import Quote, confirm_beginning, quote_beginning
from core.web import addresses
from core.web.fields import Form
from core.web.guard import current, may
from core.web.languages import written
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.invoices import states_of
from portal.plan_facts import ahead_of, facts_of, owed_by, say_planned
from portal.plan_view import (
    MEANINGS,
    awaiting_words,
    card_warning,
    card_words,
    grace_words,
    known_to,
    option,
    other_options,
    payer_card,
    standing_word,
    tier_options,
    usages,
)
from portal.plan_wake import waking_ahead
from portal.plan_words import tell_events
from portal.term_words import say_limit, say_pictures

FEW = 8  # of what happened; the rest is one press away


@portal.get("/portal/plan")
@may("settings.see")
def plan_page() -> Response:
    row = own_plan()
    if row is None or row.status == states.CANCELLED:
        return _choose(row)
    state, offer = as_of_now(row)
    papers = list_documents(house(), row)
    known, card, trail = known_to(row, papers), payer_card(row), tell_events(list_events(house(), row), known_to(row, papers))
    asked = asked_now(row)
    every = "all" in request.args
    return page(
        "portal/plan/index.html",
        row=row,
        state=state,
        word=standing_word(state),
        meaning=MEANINGS[standing_word(state)],
        facts=facts_of(state, own=True),
        ahead=ahead_of(state, known, row.lapse_at),
        usages=usages(state),
        grace=grace_words(state, offer.local(state)),
        awaiting=awaiting_words(row, state),
        planned=say_planned(state.planned, state.period.end, known) if state.planned else "",
        keep=option(row, "keep") if state.planned else None,
        waking=waking_ahead(row),
        owed=owed_by(state),
        due={owed.document: owed.due for owed in state.open},
        days=schedule_of(state),
        last_day=state.period.end - DAY,
        coming=coming_charge(row),
        asked=[(each, pay_address(each)) for each in asked],
        card=card,
        card_words=card_words(card) if card else "",
        warning=card_warning(card) if card else "",
        tiers=tier_options(row, state),
        others=other_options(row, state),
        papers=[paper for paper in reversed(papers) if paper.state != "dropped"],
        paper_states=states_of(papers),
        trail=trail if every else trail[:FEW],
        more=max(0, len(trail) - FEW) if not every else 0,
        say_limit=say_limit,
        say_pictures=say_pictures,
        tools=tools(),
        paper_page=paper_page,
    )


def own_plan() -> KeptSubscription | None:
    me = current()
    return find_plan(me.vendor, me.mode)


def running_plan() -> KeptSubscription:
    """The plan that runs, or a 404."""
    row = own_plan()
    if row is None or row.status == states.CANCELLED:
        raise NotFound(_("There is no plan that runs."))
    return row


def pay_address(asked: Asked) -> str | None:
    """Where the payer confirms a payment for which their bank wants them."""
    payment = asked.payment
    if payment is None or payment.state != "requires_action":
        return None
    return addresses.checkout(payment_token(house(), payment))


def schedule_of(state: Subscription) -> dunning.Schedule | None:
    """The dates of an unpaid period, while they lie ahead."""
    if state.dunning is None or state.dunning.stopped:
        return None
    return dunning.schedule(state.dunning.since, state.terms)


def tools() -> dict[str, str]:
    """Pages beside this one, empty where they are not there: the simulator, and the time machine of test mode."""
    wanted = {"simulator": "portal.plan_simulator", "clock": "portal.plan_clock"}
    there = {name: url_for(endpoint) if endpoint in current_app.view_functions else "" for name, endpoint in wanted.items()}
    return there if current().mode == "test" else {**there, "clock": ""}


def paper_page(public_id: str) -> str | None:
    """A document's own page, where there is one."""
    return url_for("portal.invoice", public_id=public_id) if "portal.invoice" in current_app.view_functions else None


# --- beginning -----------------------------------------------------------------------------------------------------------------


def _choose(old: KeptSubscription | None, *, status: int = 200) -> Response:
    """The plans side by side, each with what a month and the first invoice would cost as things stand now."""
    me, card = current(), payer_card(None)
    sold = are_sold(me.mode)
    terms = offer_on(HOUSE, me.mode, today_of(me.vendor)).terms if sold else None
    quotes = {tier.code: quote_beginning(me.vendor, me.mode, tier=tier.code) for tier in terms.tiers} if terms else {}
    wish = beginning(me.vendor, me.mode, tier=terms.tiers[0].code) if terms else None
    papers = list_documents(house(), old) if old else []
    return page(
        "portal/plan/choose.html",
        status=status,
        old=old,
        old_state=as_of_now(old)[0] if old else None,
        meaning=MEANINGS[states.CANCELLED] if old else "",
        terms=terms,
        quotes=quotes,
        wish=wish,
        say_limit=say_limit,
        say_pictures=say_pictures,
        card=card,
        card_words=card_words(card) if card else "",
        asked=[(each, pay_address(each)) for each in asked_now(old)] if old else [],
        papers=[paper for paper in reversed(papers) if paper.state != "dropped"],
        paper_states=states_of(papers),
        due={owed.document: owed.due for owed in as_of_now(old)[0].open} if old else {},
        trail=tell_events(list_events(house(), old), known_to(old, papers))[:FEW] if old else [],
        more=0,
        tools=tools(),
        paper_page=paper_page,
    )


@portal.get("/portal/plan/start/<tier>")
@may("plan.manage")
def preview_start(tier: str) -> Response:
    return _start_page(tier, Form(formdata=None))


@portal.post("/portal/plan/start/<tier>")
@may("plan.manage")
def start_plan(tier: str) -> Response:
    """Sent twice, or in two tabs, one plan begins."""
    me, form, running = current(), Form(), own_plan()
    if running is not None and running.status != states.CANCELLED:
        return to_charge_or_plan(running)
    if form.validate():
        if me.user.email_verified_at is None:
            form.refuse(_("Confirm your e-mail address first: invoices and news of the plan go there."))
            return _start_page(tier, form)
        with form.refusals():
            row = confirm_beginning(
                me.vendor, me.mode, tier=tier, payer_email=me.user.email, expects=request.form.get("expects", ""), by=me.user.public_id
            )
            session.pop("plan_tier", None)
            return to_charge_or_plan(row)
    return _start_page(tier, form)


def to_charge_or_plan(row: KeptSubscription) -> Response:
    """To the newest charge that is on its way, if there is one."""
    asked = asked_now(row)
    if asked:
        return see_other(url_for(".plan_charge", public_id=asked[0].charge.public_id))
    flash(_("Your plan has begun."), "good")
    return see_other(url_for(".plan_page"))


def _start_page(tier: str, form: Form) -> Response:
    me, running, card = current(), own_plan(), payer_card(None)
    if running is not None and running.status != states.CANCELLED:
        return see_other(url_for(".plan_page"))
    if not are_sold(me.mode):
        raise NotFound(_("No plans are sold here."))
    quote = _quote(tier)
    return page(
        "portal/plan/start.html",
        status=409 if form.form_errors else form.status,
        form=form,
        tier=tier,
        quote=quote,
        chosen=quote.after.plan,
        wanted=quote.after.terms.tier(tier),
        owed=owed_before(running),
        card=card,
        card_words=card_words(card) if card else "",
        warning=card_warning(card) if card else "",
        last_day=quote.after.period.end - DAY,
    )


def _quote(tier: str) -> Quote:
    me = current()
    try:
        return quote_beginning(me.vendor, me.mode, tier=tier)
    except Refusal as refusal:
        raise NotFound(written(refusal.message)) from None
