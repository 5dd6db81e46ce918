"""One message of every kind, each about something that really happened in tests."""

from __future__ import annotations

import secrets
import uuid
from datetime import date, timedelta

from core.accounts import api_keys, email_links
from core.accounts.house import HOUSE
from core.accounts.invite import invite
from core.accounts.models import User
from core.accounts.queries import get_vendor
from core.accounts.staff_models import StaffMember
from core.accounts.staff_papers import want_day_papers
from core.admission.apply import Facts, send_application
from core.admission.decide import ask_back
from core.admission.stops import let_go_on, stop
from core.billing.price_list import publish_terms
from core.billing.terms import POLICY
from core.billing.wishes import Cancel
from core.closing.close import ask_to_close
from core.customers.keys import make_key
from core.directory.models import ListingEdit
from core.directory.moderate import withdraw_listing
from core.hooks.endpoints import make_endpoint, switch_off
from core.kernel.clock import frozen, now, shifted
from core.kernel.db import db, unit_of_work
from core.kernel.ids import public_id, uuid7
from core.kernel.money import Money
from core.notifications.models import Message
from core.notifications.notify import notify
from core.notifications.scheduled import order_report
from core.notifications.team import Choice, choose
from core.payments.attempt import live_attempt
from core.payments.charge import charge_saved
from core.payments.claim import refuse_claim
from core.payments.large import find_large, set_threshold, tell_of_large
from core.payments.long_export import record_failure, request_export, write_next
from core.payments.models import Payment
from core.payments.payer_page import report_problem
from core.payments.repaid import pay_back
from core.payments.reserve_rules import set_rule
from core.payments.saved import keep_card
from core.payments.send_link import send_link
from core.payments.start import give_up
from core.payments.transfer_cases import give_back_transfer
from core.payments.unknown import get_line
from core.payouts.accounts import add_account
from core.providers.saved import SavedMethod
from core.risk.attack import begin_by_surge
from tests.core.billing.kept import make_seller
from tests.core.directory.stalls import make_listing
from tests.core.disputes.cases import case_of
from tests.core.ledger.days import close, next_day
from tests.core.memberships.joined import Joined, sell
from tests.core.orders.market import Market
from tests.core.payments.claims import failed_refund, named, opened
from tests.core.payments.transfers import TestBank, begin_transfer, settle_order, transfer
from tests.core.payouts.sellers import THEIRS, Seller
from tests.core.subscriptions.kinds import begun
from tests.core.subscriptions.told import NOVEMBER, OCTOBER, Life, customer_of, the_house
from tests.factories import (
    Shop,
    again,
    ask_refund,
    make_declined,
    make_paid,
    make_payment,
    make_shop,
    open_payment,
    tell,
    tell_refund,
    unit,
)
from tests.factories import make_link as pay_link
from tests.pay_domains import look, name_host
from tests.portal.admin.people import make_staff
from tests.workers.dispute_letters import about_disputes
from workers.days import print_day
from workers.due_letters import send_due


def ask(shop: Shop, kind: str, *, to: str = "ada@example.com", **ids: str) -> Message:
    with unit_of_work():
        return notify(shop.vendor, kind, mode="test", to=to, **ids)


def of_every_kind(shop: Shop) -> list[Message]:
    payment = make_paid(shop)
    done, failed = ask_refund(shop, payment, "10.00"), ask_refund(shop, payment, "5.00")
    tell_refund(shop, done, "succeeded")
    tell_refund(shop, failed, "failed", failure_reason="account_closed")
    with unit_of_work():
        tokens = {p: email_links.make_link(shop.user, p).token_id for p in ("email-verify", "password-reset")}
        asked = invite(shop.vendor, email="ada@example.com", role="support", by=shop.user.public_id)
        choose(shop.vendor, "test", shop.user.public_id, {"refund_failed": Choice(mailed=True, daily=True)})
    user, pay = shop.user.public_id, payment.public_id
    return [
        ask(shop, "verify_email", user=user, token=tokens["email-verify"]),
        ask(shop, "reset_password", user=user, token=tokens["password-reset"]),
        ask(shop, "password_changed", user=user),
        ask(shop, "second_step", user=user, what="on"),
        ask(
            shop,
            "daily_news",
            user=user,
            after=str(uuid.UUID(int=0)),
            until=str(uuid.UUID(int=2**128 - 1)),
            first="2026-01-01",
            last="2030-01-01",
        ),
        ask(shop, "payment_received", payment=pay),
        ask(shop, "receipt", payment=pay),
        ask(shop, "instruction_received", payment=_processing(shop).public_id),
        ask(shop, "payment_failed", payment=make_declined(shop).public_id),
        ask(shop, "confirm_payment", payment=_to_confirm(shop).public_id),
        ask(shop, "checkout_left", payment=_left(shop).public_id),
        _not_all_paid(shop),
        ask(shop, "refund_sent", payment=pay, refund=done.public_id),
        ask(shop, "refund_failed", payment=pay, refund=failed.public_id),
        *_about_refund_links(shop),
        *_about_transfers(shop),
        ask(shop, "unexpected_money", payment=pay),
        _large(shop),
        _report(shop),
        _under_attack(shop),
        _leaked(shop),
        _of_a_key(shop),
        ask(shop, "money_returned", payment=pay, refund=done.public_id),
        *(ask(shop, kind, **ids) for kind, ids in about_disputes(shop)),
        *_about_payouts(make_shop(shop.app)),
        _with_a_reserve(shop),
        *_about_a_debt(make_shop(shop.app)),
        _about_an_application(make_shop(shop.app)),
        *_about_stops(make_shop(shop.app)),
        ask(shop, "refund_outside", payment=pay, refund=done.public_id),
        ask(shop, "refund_not_booked", payment=pay),
        _with_a_problem(shop),
        ask(shop, "payer_page", key=_key(shop)),
        ask(shop, "invitation", invitation=asked.public_id),
        *_about_exports(shop),
        *_about_a_listing(shop),
        *about_a_link(shop),
        *_about_plans(shop),
        _invoiced(shop),
        *about_a_membership(shop),
        *_about_a_closing(make_shop(shop.app)),
        _of_a_day(shop),
        _about_a_webhook(shop),
        _about_one_that_fails(shop),
        _lost_domain(shop),
        ask(shop, "app_token_reused", user=user, app="Till <b>"),
    ]


def _report(shop: Shop) -> Message:
    """Of this day, which is over."""
    with unit_of_work():
        order = order_report(shop.vendor, "test", shop.user.public_id, every="daily")
        order.due_at = order.created_at
    with frozen(now() + timedelta(days=1)):
        send_due("payments_report")
    with unit_of_work():
        return db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind="payments_report").one()


def _large(shop: Shop) -> Message:
    """A payment at the sum from which its business is told."""
    with unit_of_work():
        set_threshold(shop.vendor, "test", "GBP", Money(2500, "GBP"), by=shop.user.public_id)
    payment = make_paid(shop)
    with unit_of_work():
        tell_of_large(find_large([(shop.vendor, again(payment))]))
    return ask(shop, "large_payment", payment=payment.public_id)


def _about_refund_links(shop: Shop) -> list[Message]:
    """An account is asked for, one was not approved, and one waits for its vendor."""
    made = [(payment, opened(shop, payment, refund)) for payment, refund in (failed_refund(shop) for _ in range(3))]
    for _, claim in made[1:]:
        named(shop, claim)
    with unit(shop.app):
        refuse_claim(shop.vendor, again(made[1][1]), reason="The name is another one.", by=shop.user.public_id)
    kinds = ("refund_claim", "refund_claim_refused", "refund_claimed")
    return [ask(shop, kind, payment=payment.public_id, claim=claim.public_id) for kind, (payment, claim) in zip(kinds, made, strict=True)]


def _about_a_webhook(shop: Shop) -> Message:
    """One that said nobody listens there any more."""
    with unit_of_work():
        endpoint, _secret = make_endpoint(shop.vendor, "test", address="https://shop.example/hooks", name="Shop", types=[], by="usr_x")
        switch_off(endpoint, why="answered_410", by="system").failed_at = now()
    return ask(shop, "webhook_stopped", endpoint=endpoint.public_id)


def _about_one_that_fails(shop: Shop) -> Message:
    """One that took nothing for a day."""
    with unit_of_work():
        endpoint, _secret = make_endpoint(shop.vendor, "test", address="https://shop.example/other", name="Till", types=[], by="usr_x")
        endpoint.failing_since = now() - timedelta(days=1)
    return ask(shop, "webhook_failing", endpoint=endpoint.public_id)


def _about_plans(shop: Shop) -> list[Message]:
    """Of the shop's own plan what is urgent and what is not, and a letter to a member of a business."""
    life = Life(the_house(shop.app), shop.vendor, OCTOBER, "pro").go(NOVEMBER).pay(False)
    plan = {letter.kind: letter for letter in life.letters()}
    seller = make_seller(shop.app)
    (member,) = Life(seller, customer_of(seller), NOVEMBER, "pro").do(Cancel()).letters()
    return [plan["plan_urgent"], plan["plan_news"], member]


def _about_a_closing(shop: Shop) -> list[Message]:
    """An account that is being closed, with the way back, and one that is closed."""
    with unit_of_work():
        row = ask_to_close(
            get_vendor(shop.vendor.id), db.session.get_one(User, shop.user.id), name=shop.vendor.name, expects="", mode="test"
        )
        asked = db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind="closing_asked").one()
    return [asked, ask(shop, "closing_done", closing=row.public_id)]


def _about_payouts(shop: Shop) -> list[Message]:
    """A bank account that was entered, a payout that left for it, and one that came back."""
    seller = Seller(shop)
    with unit_of_work():
        account = add_account(shop.vendor, "test", currency="USD", holder="Blue Door Bakery", iban=THEIRS, by=shop.user.public_id)
    payouts = []
    for amount in ("30.00", "40.00"):
        link = pay_link(shop, amount=amount, currency="USD")
        with shifted(timedelta(days=-20)):
            make_paid(shop, link)
        seller.release()
        payouts.append(seller.pays_out())
        seller.bank_says(payouts[-1])
    seller.bank_says(payouts[1], back="AC04")
    return [
        ask(shop, "payout_account", account=account.public_id),
        ask(shop, "payout_paid", payout=payouts[0].public_id),
        ask(shop, "payout_failed", payout=payouts[1].public_id),
    ]


def _about_a_debt(shop: Shop) -> list[Message]:
    """A seller who was paid out, lost a dispute and sent the money: it pays the debt back, and a little is theirs."""
    seller, bank, name = Seller(shop), TestBank(shop), f"Blue Door {secrets.token_hex(4)}"
    with unit_of_work():
        add_account(shop.vendor, "test", currency="USD", holder="Blue Door Bakery", iban=THEIRS, by=shop.user.public_id)
    with shifted(timedelta(days=-20)):
        payment = make_paid(shop, pay_link(shop, amount="30.00", currency="USD"))
    seller.release()
    seller.bank_says(seller.pays_out())
    case = case_of(seller, again(payment))
    case.tell()
    case.now("lost").tell()
    bank.tell(transfer(3000, name=name, account=THEIRS))
    line = bank.line(name=name).public_id
    with unit_of_work():
        pay_back(get_line("test", line), shop.vendor, by="stf_test", reason="They wrote to us")
    return [ask(shop, "debt_repaid", line=line), ask(shop, "debt_repayment_taken_back", line=line)]


def _with_a_reserve(shop: Shop) -> Message:
    with unit_of_work():
        rule = set_rule(shop.vendor, "test", bps=500, days=90, reason="Young business", by="stf_test", form_token=secrets.token_hex(10))
    return ask(shop, "reserve_changed", rule=rule.public_id)


def _not_all_paid(shop: Shop) -> Message:
    """A checkout of which one order was declined."""
    sale = Market([shop]).open(7000)
    sale.pay()
    sale.tell(1, "no")
    return ask(shop, "order_declined", checkout=sale.checkout.public_id)


def _about_stops(shop: Shop) -> list[Message]:
    """Software that will be stopped, payouts that are held, and payments that go on again."""
    with unit_of_work():
        held = stop(shop.vendor, "test", "payouts", reason="The account is to be cleared first.", days=7, by="stf_one")
        ended = stop(shop.vendor, "test", "payments", reason="The website is to be cleared first.", by="stf_one")
        let_go_on(shop.vendor, ended, by="stf_one")
        soon = stop(shop.vendor, "test", "api", reason="The key is to be rolled first.", by="stf_one", starts_at=now() + timedelta(days=9))
    return [
        ask(shop, "stop_planned", stop=soon.public_id),
        ask(shop, "stop_begun", stop=held.public_id),
        ask(shop, "stop_ended", stop=ended.public_id),
    ]


def _about_an_application(shop: Shop) -> Message:
    """The staff ask something before a business goes live."""
    facts = Facts(
        "Blue Door Bakery Ltd", "Mill Lane 1", "N1", "London", "", "Ada Bell", "https://bluedoor.example", "Bread, to whoever is hungry."
    )
    with unit_of_work():
        row = ask_back(
            shop.vendor, send_application(shop.vendor, facts, by=shop.user.public_id), text="Whose is the website?", by="stf_one"
        )
    return ask(shop, "application_news", application=row.public_id)


def _with_a_problem(shop: Shop) -> Message:
    payment = make_paid(shop)
    with unit_of_work():
        report_problem(shop.vendor, again(payment), "The cake was cold.\nTwice.")
    return ask(shop, "problem_reported", payment=payment.public_id)


def _key(shop: Shop) -> str:
    with unit_of_work():
        return make_key(shop.vendor, "test", "ada@example.com").token_id


def _invoiced(shop: Shop) -> Message:
    """The first invoice of somebody who subscribes to what the shop sells."""
    with unit_of_work():
        publish_terms(shop.vendor, "test", POLICY, valid_from=date(2020, 1, 1), by="system")
    kept = begun(shop, make_shop(shop.app).vendor)
    (document,) = kept.documents()
    return ask(shop, "invoice", document=document.public_id)


def _about_exports(shop: Shop) -> list[Message]:
    """A file that is ready, and one that could not be written."""
    how = {"subject": "payments", "file_format": "csv", "kept": {}, "language": "en", "by": shop.user.public_id}
    with unit_of_work():
        ready, failed = (request_export(shop.vendor, "test", form_token=secrets.token_hex(10), **how) for _ in range(2))
    with unit_of_work():
        write_next(shop.vendor.id, "test", ready.id)
        while not record_failure(shop.vendor.id, "test", failed.id):
            pass
    return [ask(shop, "export_ready", export=ready.public_id), ask(shop, "export_failed", export=failed.public_id)]


def _about_a_listing(shop: Shop) -> list[Message]:
    """A page that staff took out of the directory, and let back in."""
    gone, back = make_listing(shop), make_listing(shop, title="Rye and Co")
    with unit_of_work():
        withdraw_listing(gone, by="stf_test", reason="The address on it does not exist.")
    return [
        ask(shop, "listing_withdrawn", listing=gone.public_id), ask(shop, "listing_restored", listing=back.public_id), _about_an_edit(shop),
    ]  # fmt: skip


def _about_an_edit(shop: Shop) -> Message:
    """Changes of a listing that the staff want otherwise."""
    listing = make_listing(shop, title="Blue Door")
    with unit_of_work():
        edit = ListingEdit(
            vendor_id=shop.vendor.id, mode="test", id=uuid7(), listing_id=listing.id, public_id=public_id("edt"), terms={"title": "Red Door"},
            state="changes_asked", reason="The name is that of another business.", asked_by=shop.user.public_id, asked_at=now(),
            decided_by="stf_test", decided_at=now(),
        )  # fmt: skip
        db.session.add(edit)
    return ask(shop, "listing_edit_decided", listing=listing.public_id, edit=edit.public_id)


def _under_attack(shop: Shop) -> Message:
    with unit_of_work():
        begin_by_surge(shop.vendor, "test", declines=12)
    return ask(shop, "attack_mode", began=now().isoformat(timespec="seconds"))


def _leaked(shop: Shop) -> Message:
    """A key that somebody found and reported."""
    with unit_of_work():
        key, secret = api_keys.make_key(shop.vendor, "test", name="Till", by="usr_x")
        api_keys.report_leaked(secret, where="https://example.com")
    return ask(shop, "key_leaked", key=key.public_id)


def _of_a_key(shop: Shop) -> Message:
    """A key whose end is near."""
    with unit_of_work():
        key, _ = api_keys.make_key(shop.vendor, "test", name="Till <b>", by="usr_x", life=timedelta(days=10))
    return ask(shop, "key_news", key=key.public_id, what="ends", address="")


def _lost_domain(shop: Shop) -> Message:
    """A host name whose records went from DNS."""
    domain, begin = look(shop, name_host(shop)), now()
    for hour in (0, 1, 2, 24):
        with frozen(begin + timedelta(hours=hour)):
            domain = look(shop, domain, proof=False)
    return ask(shop, "pay_domain_lost", domain=domain.public_id)


def _processing(shop: Shop) -> Payment:
    """A payment that the payer has done their part of, and whose bank takes its time."""
    payment = make_payment(shop)
    tell(shop, payment, open_payment(shop, payment), "processing")
    return payment


def _to_confirm(shop: Shop) -> Payment:
    """A payment charged to a saved card, whose bank wants its customer."""
    method = SavedMethod("cus_1", f"pm_{secrets.token_hex(6)}", "visa", "4242", 12, 2034)
    with unit_of_work():
        card = keep_card(shop.vendor.id, "test", "sandbox", method, email="ada@example.com", name="Ada")
        payment = charge_saved(shop.vendor, card, amount=Money(2500, "GBP"), description="Bread", reference=secrets.token_hex(8))
    with unit_of_work():
        attempt = live_attempt(payment)
    tell(shop, payment, attempt, "requires_action", closed=True)
    return payment


def _left(shop: Shop) -> Payment:
    """A payment that ran out of time, through a link that is still open."""
    payment = make_payment(shop, pay_link(shop, kind="reusable"))
    with unit_of_work():
        give_up(payment, to="expired", actor="system")
    return payment


def about_a_link(shop: Shop) -> list[Message]:
    """The letter that a link was sent with, and a reminder of it."""
    link = pay_link(shop, amount=None, kind="request", total_minor=30_000, due_on=(now() + timedelta(days=30)).date())
    with unit_of_work():
        (sending,) = send_link(
            shop.vendor, link, sender=shop.user, recipients=["ada@example.com"], message="Two lines,\n<b>plain</b>.", reminders=[], form_token=secrets.token_hex(10)
        )  # fmt: skip
        first = db.session.get_one(Message, (shop.vendor.id, "test", sending.message_id))
    return [first, ask(shop, "link_reminder", link=link.public_id, sending=sending.public_id)]


def about_a_membership(shop: Shop) -> list[Message]:
    """The welcome to one, and the address of its page."""
    today = now().date()
    sell(shop, "Basic", "10.00", on=today - timedelta(days=2))
    member = Joined(shop, today, email="grace@example.com")
    member.answer(today)
    kinds = ("membership_welcome", "membership_page")
    return [ask(shop, kind, member=member.member.public_id) for kind in kinds]


def _about_transfers(shop: Shop) -> list[Message]:
    """One payment that is waited for, of which a part has come, and one to which too much came, some of which went back."""
    bank, link = TestBank(shop), pay_link(shop, currency="USD")
    waiting, over = make_payment(shop, link), make_payment(shop, link)
    waited, more = (begin_transfer(shop, payment).provider_reference or "" for payment in (waiting, over))
    bank.tell(transfer(1000, waited), transfer(2600, more))
    with unit(shop.app):
        (returned,) = give_back_transfer(shop.vendor, again(over), by=shop.user.public_id)
    settle_order(bank, returned.public_id)
    bank.tell(transfer(100, more))
    return [
        ask(shop, "transfer_instructions", payment=waiting.public_id),
        ask(shop, "transfer_partial", payment=waiting.public_id),
        ask(shop, "transfer_held", payment=over.public_id),
        ask(shop, "transfer_decision", payment=over.public_id),
        ask(shop, "transfer_returned", payment=over.public_id, transfer_return=returned.public_id),
        ask(shop, "transfer_taken_back", payment=over.public_id),
    ]


def _of_a_day(shop: Shop) -> Message:
    """The paper of a day that is closed, to somebody of the staff who asked for it."""
    reader, day = make_staff(shop.app, "finance", device=False), next_day()
    with unit_of_work():
        want_day_papers(db.session.get_one(StaffMember, reader.member.user_id), True)
    close(day)
    print_day(HOUSE, mode="test", day=day.isoformat())
    return ask(shop, "day_paper", to=reader.email, day=day.isoformat())
