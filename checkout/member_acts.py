"""What a member does on their own page: save a card, choose another plan, cancel, keep, pay what is open, have the address replaced."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, request, url_for
from flask_babel import gettext as _

from checkout.blueprint import door
from checkout.card_page import heed_card_page, open_card_page
from checkout.member import let_out, opened, page_of, shared
from checkout.screening import screened_joining
from core.accounts.models import Vendor
from core.kernel.errors import Conflict, Refusal
from core.memberships import member as acts
from core.memberships.join import agree, ask_anew, ask_for_card, find_saving, find_subscription, quote, try_again
from core.memberships.models import Member
from core.memberships.page import replace_address
from core.memberships.plans import find_plan, get_plan
from core.memberships.standing import stage_of
from core.web.guard import public
from core.web.languages import written
from core.web.page import page, see_other
from core.web.throttle import by_address


@door.post("/m/<token>/card")
@public
@by_address("60 per 10 minutes", scope="cards")
def member_card(token: str) -> Response:
    """On to the processor's page: to join, or with another card. Pressed twice, it is the same one."""
    vendor, joined = opened(token)
    stage, mine = stage_of(joined), url_for("checkout.member", token=token)
    if stage not in ("card", "over", "declined", "running"):
        return see_other(mine)
    shown = request.form.get("shown", "")
    if stage != "running":
        monthly = quote(vendor, find_plan(joined)).monthly
        if shown != str(monthly.minor):
            return page_of(vendor, joined, token, notice=_("The price has changed. Look it over, and go on if you agree."), status=409)
    joined = try_again(joined) if stage == "declined" else ask_anew(joined)
    if stage != "running":
        joined = agree(joined, monthly=monthly)
    saving = find_saving(joined)
    if saving is None or saving.redirect_url is None:
        action, plan = url_for("checkout.member_card", token=token), find_plan(joined)
        let_out(joined.mode)
        held = screened_joining(vendor, joined, action=action, back=mine, shown=shown, title=plan.name)
        if held is not None:
            return held
    try:
        saving = ask_for_card(vendor, joined, words=find_plan(joined).name)
    except Refusal as refusal:
        return page_of(vendor, joined, token, notice=written(refusal.message), status=409)
    saving, refused = open_card_page(vendor, saving, back=url_for("checkout.member_back", token=token))
    if refused:
        return page_of(vendor, joined, token, notice=refused, status=409)
    return see_other(saving.redirect_url or mine)


@door.get("/m/<token>/return")
@public
@by_address("60 per 10 minutes", scope="cards-return", method="GET")
def member_back(token: str) -> Response:
    """Where the processor sends the member, with a card saved or not."""
    _vendor, joined = opened(token)
    saving = find_saving(joined)
    if saving is not None:
        heed_card_page(saving)
    return see_other(url_for("checkout.member", token=token))


@door.get("/m/<token>/plan")
@public
def member_plan(token: str) -> Response:
    """The other plans, each with the exact sum and the day it counts from."""
    return _choices(*opened(token), token)


@door.post("/m/<token>/plan")
@public
@by_address("30 per 10 minutes", scope="member")
def choose_plan(token: str) -> Response:
    """As it was read: when a sum has moved, it is shown again and nothing is done."""
    vendor, joined = opened(token)
    plan = get_plan(vendor, joined.mode, request.form.get("plan", ""))
    try:
        acts.change_plan(vendor, joined, plan=plan, shown=request.form.get("shown", ""), by="payer")
    except Conflict as refusal:
        return _choices(vendor, joined, token, notice=written(refusal.message), status=409)
    return see_other(url_for("checkout.member", token=token))


def _choices(vendor: Vendor, joined: Member, token: str, *, notice: str = "", status: int = 200) -> Response:
    row = find_subscription(joined)
    if row is None or stage_of(joined) != "running" or not acts.can_choose(row):
        if status != 200:
            return page_of(vendor, joined, token, notice=notice, status=status)
        return see_other(url_for("checkout.member", token=token))
    choices = [(choice, acts.sum_shown(choice)) for choice in acts.list_choices(vendor, row)]
    values = shared(vendor, joined, token) | {"notice": notice}
    return page("checkout/member_plan.html", status=status, **values, choices=choices, action=url_for("checkout.choose_plan", token=token))


@door.post("/m/<token>/cancel")
@public
@by_address("30 per 10 minutes", scope="member")
def member_cancel(token: str) -> Response:
    """At the end of what is paid for. Pressed twice it is once."""
    return _act(token, acts.cancel)


@door.post("/m/<token>/keep")
@public
@by_address("30 per 10 minutes", scope="member")
def member_keep(token: str) -> Response:
    """What was planned is taken back."""
    return _act(token, acts.keep)


@door.post("/m/<token>/charge")
@public
@by_address("10 per hour", scope="member-charge")
def member_charge(token: str) -> Response:
    """The saved card is asked for what is open, now."""
    return _act(token, acts.pay_now)


@door.post("/m/<token>/address")
@public
@by_address("10 per hour", scope="member-page")
def member_address(token: str) -> Response:
    """This address opens nothing any more from now on; the new one goes to the member's e-mail, not to whoever pressed."""
    vendor, joined = opened(token)
    replace_address(vendor, joined, by="payer")
    return page("checkout/member_replaced.html", **shared(vendor, joined, token))


def _act(token: str, act: Callable[..., None]) -> Response:
    vendor, joined = opened(token)
    try:
        act(vendor, joined, by="payer")
    except Conflict as refusal:
        return page_of(vendor, joined, token, notice=written(refusal.message), status=409)
    return see_other(url_for("checkout.member", token=token))
