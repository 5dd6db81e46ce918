"""Every page of a membership that a payer can come to, in each of its states, brought about by the real acts up to today."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from core.billing.carry_out import finalise_due_of
from core.customers.keys import key_token, make_key
from core.kernel.clock import now
from core.memberships import member
from core.memberships.page import member_token
from core.memberships.plans import plan_token, set_plan_state
from tests.core.memberships.joined import Joined, plan_named, sell
from tests.factories import Shop, make_shop, unit
from tests.world import State
from workers.invoices import make_invoice

OPENED = "main details.confirm > summary"


def member_states(app: Any) -> list[State]:
    """Of a shop of their own, which sells three plans."""
    shop = make_shop(app, business="Harbour Street Bakery")
    early = days_ago(60)
    about = "A sourdough loaf every Saturday, kept for you until noon."
    for name, price, words, trial in (("Bread club", "14.00", about, 0), ("Bread and cake", "29.50", "", 0), ("Taster box", "9.00", "", 7)):
        sell(shop, name, price, on=early, about=words, trial_days=trial)
    sell(shop, "Summer box", "12.00", on=early)
    with unit(app):
        set_plan_state(shop.vendor, plan_named(shop, "Summer box"), state="paused", by=shop.user.public_id)
    return [*_joining(shop), *_running(shop), *_troubled(shop), *_over(shop)]


def days_ago(days: int) -> date:
    return now().date() - timedelta(days=days)


def _joining(shop: Shop) -> list[State]:
    today = days_ago(0)
    club, taster, paused = (_address(shop, name) for name in ("Bread club", "Taster box", "Summer box"))
    asked, waiting, confirm, declined = (Joined(shop, today, "Bread club", card=card) for card in (False, True, True, True))
    confirm.answer(today, "ask")
    declined.answer(today, "no")
    again = Joined(shop, today, "Bread club", email=waiting.email)
    return [
        State("join", "A plan that can be joined", club),
        State("join-refused", "The same after an empty form was sent", club, _send_empty),
        State("join-trial", "A plan that begins with free days", taster),
        State("join-paused", "A plan that nobody can join now", paused),
        State("join-ask", "The way back to one's own page", f"{club}/page"),
        State("card", "A card is to be saved", path(asked)),
        State("begins", "The first payment is under way", path(waiting)),
        State("confirm", "The bank asks its customer", path(confirm)),
        State("declined", "The first payment was declined", path(declined)),
        State("not-begun", "No membership began", path(again)),
    ]


def _running(shop: Shop) -> list[State]:
    active, leaving, changing, smaller = (joined(shop, 20, plan) for plan in ("Bread club", "Bread club", "Bread club", "Bread and cake"))
    trial = Joined(shop, days_ago(3), "Taster box")
    trial.to(days_ago(0))
    with leaving.unit(days_ago(0)):
        member.cancel(shop.vendor, leaving.fresh(), by="payer")
    _choose(shop, smaller, "Bread club")
    _choose(shop, changing, "Bread and cake")
    printed(shop, active)
    return [
        State("active", "A membership that runs", path(active)),
        State("cancelling", "What cancelling means", path(active), open_all),
        State("plans", "The other plans, and what each costs", f"{path(active)}/plan"),
        State("invoice", "An invoice of it", _invoice(active)),
        State("trial", "Its free days", path(trial)),
        State("leaving", "Cancelled, until its last day", path(leaving)),
        State("smaller", "A smaller plan from the next month on", path(smaller)),
        State("charged", "A payment is under way", path(changing)),
    ]


def _troubled(shop: Shop) -> list[State]:
    past_due, held = joined(shop, 33, pays="no"), joined(shop, 20)
    suspended = joined(shop, 50, pays="no")
    _choose(shop, held, "Bread and cake")
    held.answer(days_ago(0), "no")
    return [
        State("past-due", "A payment was declined", path(past_due), open_all),
        State("suspended", "Paused, because it was not paid", path(suspended)),
        State("change-declined", "A change waits for its payment", path(held)),
        State("mine", "All of somebody's memberships and payments", _mine(shop, past_due), open_all),
    ]


def _over(shop: Shop) -> list[State]:
    ended = Joined(shop, days_ago(39), "Bread club")
    ended.answer(days_ago(39))
    with ended.unit(days_ago(30)):
        member.cancel(shop.vendor, ended.fresh(), by="payer")
    ended.to(days_ago(0))
    return [State("ended", "A membership that has ended", path(ended)), State("mine-ended", "The same in the list", _mine(shop, ended))]


def joined(shop: Shop, days: int, plan: str = "Bread club", *, pays: str = "yes") -> Joined:
    """Somebody who joined so many days ago and paid then; `pays` is what the card says from then on."""
    who = Joined(shop, days_ago(days), plan)
    who.answer(days_ago(days))
    who.to(days_ago(0), pays=pays)
    return who


def printed(shop: Shop, who: Joined) -> None:
    """Its documents are final, and on paper."""
    with who.unit(days_ago(0), 23):
        finalise_due_of(who.row())
    for document in who.documents():
        with who.app.app_context():
            make_invoice(shop.vendor.id, mode=shop.mode, document=str(document.id))


def _choose(shop: Shop, who: Joined, plan: str) -> None:
    with who.unit(days_ago(0)):
        (choice,) = [each for each in member.list_choices(shop.vendor, who.row()) if each.plan.name == plan]
        member.change_plan(shop.vendor, who.fresh(), plan=choice.plan, shown=member.sum_shown(choice), by="payer")


def _address(shop: Shop, name: str) -> str:
    with shop.app.app_context():
        return f"/j/{plan_token(shop.vendor, plan_named(shop, name))}"


def path(who: Joined) -> str:
    with who.app.app_context():
        return f"/m/{member_token(who.vendor, who.fresh())}"


def _invoice(who: Joined) -> str:
    return f"{path(who)}/invoices/{who.documents()[-1].public_id}"


def _mine(shop: Shop, who: Joined) -> str:
    with unit(shop.app):
        key = make_key(shop.vendor, shop.mode, who.email)
        return f"/mine/{key_token(shop.vendor, key)}"


def open_all(page: Any) -> None:
    """Everything that asks once more before it acts."""
    for each in page.locator(OPENED).all():
        each.click()


def _send_empty(page: Any) -> None:
    page.get_by_role("button", name="Continue").last.click()
    page.locator(".error-summary").wait_for()
