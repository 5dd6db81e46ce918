"""Changing a plan: the preview with every line and its arithmetic, the confirmation that charges exactly that, and what became of the charge."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.billing import states
from core.billing.calendar import DAY
from core.billing.hibernate import wakes_on
from core.billing.models import KeptSubscription
from core.billing.wishes import Wish
from core.directory.images import MOST, count_hidden
from core.kernel.errors import NotFound, Refusal
from core.subscriptions.coming import Asked, get_asked
from core.subscriptions.quote import Quote, charge_of, confirm, quote_wish
from core.web.fields import Form
from core.web.guard import current, may
from core.web.languages import written
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.code_words import code_words
from portal.plan import own_plan, pay_address, running_plan
from portal.plan_facts import say_planned
from portal.plan_view import card_warning, card_words, known_to, payer_card, wish_of
from portal.plan_wake import DayToWake, day_to_wake, waking_of

TITLES: dict[tuple[str, bool], Any] = {
    ("hibernate", False): _l("Hibernate with the next period"), ("hibernate", True): _l("Hibernate from tomorrow on"),
    ("wake-on", False): _l("Choose the day of waking up"), ("wake-off", False): _l("Take back the day of waking up"),
    ("resume", False): _l("Wake up"), ("confirm-resume", False): _l("Go on after hibernating"),
    ("reactivate", False): _l("Come back"), ("cancel", False): _l("End the plan with its period"), ("cancel", True): _l("End the plan tomorrow"),
    ("keep", False): _l("Take back what is planned"),
}  # fmt: skip
DONE: dict[str, Any] = {
    "tier": _l("Done: this is what counts from now on."), "hibernate": _l("Planned. Until then nothing changes."), "resume": _l("You are back."),
    "wake-on": _l("Noted: it wakes up by itself on that day."), "wake-off": _l("Taken back: it hibernates until you wake it up."),
    "confirm-resume": _l("Noted: the plan goes on when the longest hibernation is over."), "reactivate": _l("You are back."),
    "cancel": _l("The end is planned. Until then nothing changes, and you can take it back."), "keep": _l("Taken back. Your plan goes on as it is."),
}  # fmt: skip
SLOW_TRIES = 4  # the page asks often at first, then less often


@portal.get("/portal/plan/change/<name>")
@may("plan.manage")
def preview_change(name: str) -> Response:
    return _preview(running_plan(), name, Form(formdata=None))


@portal.post("/portal/plan/change/<name>")
@may("plan.manage")
def confirm_change(name: str) -> Response:
    """Only what was shown: another sum shows itself first. Sent twice, it is done once."""
    row, form = running_plan(), Form()
    try:
        wakes = day_to_wake(row, name, at_once=_at_once())
    except Refusal as refusal:
        return _refused(row, name, form, written(refusal.message))
    wish = _wish(name, wakes)
    if (wakes is None or wakes.is_whole) and form.validate():
        with form.refusals():
            event = confirm(row, wish, expects=request.form.get("expects", ""), by=current().user.public_id)
            charge = charge_of(row, event)
            if charge is not None:
                return see_other(url_for(".plan_charge", public_id=charge.public_id))
            flash(str(DONE[name]), "good")
            return see_other(url_for(".plan_page"))
    return _preview(row, name, form)


def _at_once() -> bool:
    return request.args.get("when") == "now"


def _wish(name: str, wakes: DayToWake | None) -> Wish:
    wish = wish_of(name, tier=request.args.get("tier", ""), at_once=_at_once(), until=wakes.day if wakes else None)
    if wish is None:
        raise NotFound
    return wish


def _preview(row: KeptSubscription, name: str, form: Form) -> Response:
    _wish(name, None)  # an act that there is, before anything is refused
    try:
        wakes = day_to_wake(row, name, at_once=_at_once())
        if wakes is not None and not wakes.is_whole:
            return _ask_for_day(row, name, wakes)
        quote = quote_wish(row, _wish(name, wakes))
    except Refusal as refusal:
        return _refused(row, name, form, written(refusal.message))
    known, card, after = known_to(row), payer_card(row), quote.after
    planned, on = after.planned, _day_of(quote)
    days = sorted({each for each in (on, wakes.day if wakes else None) if each is not None})
    follows = quote.follows(days[-1]) if days else None
    return page(
        "portal/plan/preview.html",
        status=409 if form.form_errors else form.status,
        form=form,
        row=row,
        name=name,
        title=_title(row, name, _at_once()),
        at_once=_at_once(),
        wakes=wakes,
        waking=waking_of(quote),
        woke=wakes_on(quote.before) if quote.before else None,
        quote=quote,
        before=quote.before,
        after=after,
        planned=say_planned(planned, after.period.end, known) if planned else "",
        taken_back=say_planned(quote.before.planned, after.period.end, known) if quote.before and quote.before.planned else "",
        on=on,
        pictures=_pictures(quote),
        follows=[(each, [document for document in follows.documents if document.on == each]) for each in days] if follows else [],
        then=follows,
        last_day=after.period.end - DAY,
        holds=_holds(quote),
        card=card,
        card_words=card_words(card) if card else "",
        warning=card_warning(card) if card else "",
        address=request.full_path.rstrip("?"),
    )


def _ask_for_day(row: KeptSubscription, name: str, wakes: DayToWake) -> Response:
    """The day is not there yet, or none that can be: there is nothing to confirm."""
    title, status = _title(row, name, _at_once()), 422 if wakes.error else 200
    return page("portal/plan/wake.html", status=status, title=title, name=name, at_once=_at_once(), wakes=wakes)


def _refused(row: KeptSubscription, name: str, form: Form, words: str) -> Response:
    """What cannot be wished now, with the reason: there is nothing to confirm."""
    if words not in form.form_errors:
        form.form_errors.append(words)
    title = _title(row, name, _at_once())
    return page("portal/plan/refused.html", status=409, form=form, title=title, row=row)


def _title(row: KeptSubscription, name: str, now: bool) -> str:
    if name != "tier":
        return str(TITLES.get((name, now)) or TITLES[name, False])
    code = request.args.get("tier", "")
    return _("Change to %(plan)s", plan=known_to(row).plan(code) if code and len(code) < 40 else _("another plan"))


def _day_of(quote: Quote) -> Any:
    """The day on which a planned change comes about, when one was planned by this."""
    planned = quote.after.planned
    if planned is None or (quote.before is not None and planned == quote.before.planned):
        return None
    return planned.on or quote.after.period.end


def _pictures(quote: Quote) -> tuple[int, int] | None:
    """Where another number of pictures of each listing is shown afterwards: how many, and how many there are now beyond that."""
    after = quote.after
    code = after.awaiting.tier if after.awaiting else after.planned.tier if after.planned and after.planned.kind == "tier" else after.tier
    if quote.before is None or not after.terms.lists(code):
        return None
    most, before = after.terms.tier(code).pictures, quote.before.plan.pictures
    if most == before:
        return None
    return min(most or MOST, MOST), count_hidden(current().vendor, current().mode, most)


def _holds(quote: Quote) -> bool:
    """Whether the change counts only once it is paid."""
    return quote.after.awaiting is not None


# --- the charge ----------------------------------------------------------------------------------------------------------------


@portal.get("/portal/plan/charges/<public_id>")
@may("settings.see")
def plan_charge(public_id: str) -> Response:
    """What became of one charge: it asks again by itself, with scripts or without, and never says more than is known."""
    row = own_plan()
    if row is None:
        raise NotFound
    asked = get_asked(row, public_id)
    tries = min(request.args.get("tries", 0, type=int) or 0, 1000)
    state = charge_word(asked)
    return page(
        "portal/plan/charge.html",
        fragment="portal/plan/_charge.html",
        row=row,
        asked=asked,
        state=state,
        amount=asked.charge.amount_minor,
        reason=_reason(asked),
        pay=pay_address(asked),
        tries=tries,
        slow=tries >= SLOW_TRIES,
        seconds=2 if tries < SLOW_TRIES else 5,
        papers=known_to(row).papers,
        ended=row.status == states.CANCELLED,
    )


def charge_word(asked: Asked) -> str:
    """waiting, processing, paid, confirm, declined or stopped."""
    charge, payment = asked.charge, asked.payment
    if charge.state == "received":
        return "paid"
    if payment is not None and payment.state == "requires_action":
        return "confirm"
    if charge.state in ("refused", "stopped"):
        return "declined" if charge.state == "refused" else "stopped"
    return "processing" if payment is not None and payment.state in ("processing", "unknown") else "waiting"


def _reason(asked: Asked) -> str:
    """What the bank said, in words; what we know ourselves when there was no card to ask."""
    if asked.payment is None:
        return _("there is no card to charge")
    return code_words(asked.payment.decline_code or "")
