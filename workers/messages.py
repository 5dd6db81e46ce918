"""The message job: writes the letter from what is true now, hands it to the mail server, and records how that went."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import structlog

from core.accounts.branding import find_logo
from core.accounts.invite import find_invitation, invitation_token
from core.accounts.models import EmailLink, User, Vendor
from core.accounts.one_time_codes import codes_left
from core.accounts.queries import get_vendor
from core.accounts.receipts import find_receipt_settings
from core.accounts.remarks import list_remarks
from core.customers.keys import find_key, key_token
from core.directory.queries import get_listing
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db, unit_of_work
from core.kernel.signing import make_token
from core.notifications.daily import count_news, list_news
from core.notifications.models import Message
from core.notifications.notices import OF_PLAN
from core.notifications.payer_letters import find_wish
from core.notifications.queries import find_receipt, was_told
from core.notifications.send import put_off, record_failed, record_kept, record_sent, take_message
from core.payments.attempt import live_attempt
from core.payments.export_shelf import export_state, export_token, get_export
from core.payments.instalments import progress_of
from core.payments.link import ends_at, link_token
from core.payments.payer_page import PAYER
from core.payments.queries import get_link, get_payment, list_refunds, payments_named
from core.payments.recover import way_back
from core.payments.remind import why_silent
from core.payments.sale import find_cart
from core.payments.saved import card_charged
from core.payments.send_link import get_sending, sending_token
from core.payments.start import payment_token, receipt_token
from core.payments.states import PAID_OR_OVER
from core.payments.transfer_queries import get_return, instructions_of
from core.providers.bank import spell_iban, spell_reference
from core.risk.attack import find_attack
from core.subscriptions.news import read_news
from core.web import addresses
from core.web.brand import letter_look
from core.web.mail import Enclosure, Letter, MailDelayed, MailRefused, deliver, product, seal, write_letter
from core.web.pdf import PaperNotPrinted
from core.web.reader import Reader
from workers import member_letters, plan_letters
from workers.invoices import invoice_enclosed, invoice_facts
from workers.papers import make_receipt

log = structlog.get_logger("workers")
Facts = dict[str, Any]


class NoLongerTrue(Exception):
    """What the message would say has been overtaken: sending it would mislead."""


def send_message(vendor_id: uuid.UUID, *, mode: str, message: str) -> None:
    """Send one message, or keep it when there is no mail server. At least once, and never again once that is recorded."""
    key = (vendor_id, mode, uuid.UUID(message))
    with unit_of_work():
        taken = take_message(*key)
        if taken is None:
            return
        vendor = get_vendor(vendor_id)
        enclose = ENCLOSED.get(taken.kind)
    enclosures = enclose(vendor, taken) if enclose else []
    with unit_of_work():
        try:
            logo = find_logo(vendor)
            letter, from_vendor = _write(vendor, taken, enclosed=bool(enclosures), carries_logo=logo is not None)
        except NoLongerTrue as reason:
            record_failed(_again(key), reason=str(reason))
            return
    _send(key, vendor if from_vendor else None, taken, letter, enclosures, logo)


def _send(
    key: tuple[Any, ...], speaker: Vendor | None, message: Message, letter: Letter, enclosures: list[Enclosure], logo: bytes | None
) -> None:
    """Outside any transaction to the mail server, then its answer in a unit of its own."""
    words = {"subject": letter.subject, "text": letter.text, "html": letter.html}
    smtp_url, refused, delayed = settings().smtp_url, None, None
    if smtp_url:
        try:
            deliver(smtp_url, _sealed(speaker, message, letter, enclosures, logo))
        except MailRefused as no:
            refused = str(no)
        except MailDelayed as problem:
            delayed = str(problem)
    with unit_of_work():
        fresh = _again(key)
        if fresh.state != "queued":
            return  # another worker was faster; the doubled letter carries the same Message-ID
        if refused:
            record_failed(fresh, reason=refused)
        elif delayed:
            put_off(fresh, reason=delayed)
        elif smtp_url:
            record_sent(fresh, **words)
        else:
            record_kept(fresh, **words)
    log.info("message", id=message.public_id, kind=message.kind, state=fresh.state, tries=fresh.attempts)  # answers may name people


def _again(key: tuple[Any, ...]) -> Message:
    return db.session.get_one(Message, key, with_for_update=True, populate_existing=True)


def _sealed(speaker: Vendor | None, message: Message, letter: Letter, enclosures: list[Enclosure], logo: bytes | None):
    return seal(
        letter,
        to=message.recipient,
        sender=settings().mail_from,
        sender_name=f"{speaker.name} via {product()}" if speaker else product(),
        reply_to=speaker.support_email if speaker else None,
        message_id=message.public_id,
        at=message.created_at,
        enclosures=enclosures,
        logo=logo,
    )


def _receipt(vendor: Vendor, message: Message) -> list[Enclosure]:
    """The receipt as a PDF. When it cannot be printed the letter goes without: it leads to the receipt anyway."""
    with unit_of_work():
        payment = get_payment(vendor, message.mode, message.params["payment"])
        paper = find_receipt(vendor, message.mode, payment.public_id)
    try:
        paper = paper or make_receipt(vendor.id, mode=message.mode, payment=str(payment.id))
    except PaperNotPrinted as problem:
        log.warning("letter_without_paper", id=message.public_id, reason=str(problem))
        return []
    return [Enclosure(f"receipt-{payment.reference}.pdf", "application/pdf", paper.pdf)] if paper else []


# --- what each kind of letter says -----------------------------------------------------------------------------------


def _write(vendor: Vendor, message: Message, *, enclosed: bool, carries_logo: bool) -> tuple[Letter, bool]:
    """The letter, and whether it speaks for the vendor to a customer: then it looks like the vendor's other pages."""
    gather, from_vendor = KINDS[message.kind]
    look = letter_look(vendor, carries_logo=carries_logo) if from_vendor else None
    facts = {"vendor": vendor, "practice": False, "enclosed": enclosed, "look": look} | gather(vendor, message)
    facts["vendors_words"] = [*facts.get("vendors_words", []), *find_wish(vendor.id, message.mode, message.kind).paragraph.splitlines()]
    return write_letter(message.kind, Reader(message.locale, vendor.time_zone), **facts), from_vendor


def _account_link(address: Callable[[str], str]) -> Callable[[Vendor, Message], Facts]:
    def gather(vendor: Vendor, message: Message) -> Facts:
        link = db.session.get(EmailLink, message.params["token"])
        if link is None or link.used_at or link.expires_at <= now():
            raise NoLongerTrue("the link in this message no longer works, because a newer one replaced it or its time was over")
        token = make_token(link.purpose, vendor=vendor.public_id, mode=message.mode, token_id=link.token_id, expires_at=link.expires_at)
        return {"email": link.email, "action_url": address(token), "expires_at": link.expires_at}

    return gather


def _password_changed(vendor: Vendor, message: Message) -> Facts:
    person = db.session.query(User).filter_by(public_id=message.params["user"]).one()
    return {"email": person.email, "changed_at": message.created_at, "action_url": addresses.password_reset()}


def _second_step(vendor: Vendor, message: Message) -> Facts:
    person = db.session.query(User).filter_by(public_id=message.params["user"]).one()
    facts = {"email": person.email, "what": message.params["what"], "changed_at": message.created_at, "left": codes_left(person)}
    return facts | {"action_url": addresses.password_reset()}


def _daily_news(vendor: Vendor, message: Message) -> Facts:
    """What has happened since the last one, newest first."""
    said = {name: uuid.UUID(message.params[name]) for name in ("after", "until")}
    news = list_news(vendor, message.mode, message.params["user"], **said)
    if not news:
        raise NoLongerTrue("they do not want to hear of any of it by e-mail any more")
    payments = payments_named(vendor, message.mode, {one.about for one in news})
    rows = [(one, payments[one.about], addresses.portal_payment(one.about)) for one in news if one.about in payments]
    reader = Reader(message.locale, vendor.time_zone)
    plans = [plan_letters.spoken(read_news(one.detail), reader) for one in news if one.kind in OF_PLAN]
    count = count_news(vendor, message.mode, message.params["user"], **said)
    return {"practice": message.mode == "test", "rows": rows, "plans": plans, "count": count, "more": count - len(rows) - len(plans)} | {
        "plan_url": addresses.portal_plan(), "action_url": addresses.notices()
    }  # fmt: skip


def _invitation(vendor: Vendor, message: Message) -> Facts:
    invitation = find_invitation(vendor, message.params["invitation"])
    if invitation is None or invitation.ended_at or invitation.expires_at <= now() or invitation.email != message.recipient:
        raise NoLongerTrue("the invitation was taken back, accepted, or has run out")
    return {"invitation": invitation, "action_url": addresses.invitation(invitation_token(vendor, invitation))}


def _export(vendor: Vendor, message: Message) -> Facts:
    """A file that is ready leads to it, as long as it is kept; one that failed to the list, where it can be asked for again."""
    export, wanted = get_export(vendor, message.mode, message.params["export"]), message.kind.removeprefix("export_")
    if export_state(export) != wanted:
        raise NoLongerTrue(f"the export is {export_state(export)} by now")
    address = addresses.export(export_token(vendor, export)) if wanted == "ready" else addresses.portal_exports()
    return {"export": export, "practice": export.mode == "test", "action_url": address}


def _payment(vendor: Vendor, message: Message) -> Facts:
    payment = get_payment(vendor, message.mode, message.params["payment"])
    cart = find_cart(vendor, payment)
    return {"payment": payment, "cart": cart, "practice": payment.mode == "test", "action_url": addresses.portal_payment(payment.public_id)}


def _problem(vendor: Vendor, message: Message) -> Facts:
    """In the payer's own words, as they stand among the payment's notes; when somebody has removed them, without."""
    facts = _payment(vendor, message)
    said = [row.text for row in list_remarks(vendor, message.mode, facts["payment"].public_id) if row.author == PAYER]
    return facts | {"problem": said[0] if said else ""}


def _payer_page(vendor: Vendor, message: Message) -> Facts:
    key = find_key(vendor, message.mode, message.params["key"])
    if key is None or key.revoked_at or key.expires_at <= now() or key.email != message.recipient:
        raise NoLongerTrue("the link in this message no longer works, because a newer one replaced it or its time was over")
    address = addresses.payer_page(key_token(vendor, key))
    return {"practice": key.mode == "test", "action_url": address, "expires_at": key.expires_at}


def _receipt_page(vendor: Vendor, message: Message) -> Facts:
    facts = _payment(vendor, message)
    words = find_receipt_settings(vendor).paragraph.splitlines() if message.kind == "receipt" else []
    return facts | {"action_url": addresses.receipt(receipt_token(vendor, facts["payment"])), "vendors_words": words}


def _payment_page(vendor: Vendor, message: Message) -> Facts:
    """For the payer: the payment's own page, which is true whatever has become of it."""
    facts = _payment(vendor, message)
    return facts | {"action_url": addresses.checkout(payment_token(vendor, facts["payment"]))}


def _instruction(vendor: Vendor, message: Message) -> Facts:
    """Only while the bank is at it: once it has answered, another letter says so."""
    facts = _payment_page(vendor, message)
    attempt = live_attempt(facts["payment"])
    if facts["payment"].state != "processing" or attempt is None:
        raise NoLongerTrue("the bank has answered by now")
    return facts | {"days": attempt.delayed_days}


def _failed_payment(vendor: Vendor, message: Message) -> Facts:
    facts = _payment_page(vendor, message)
    if facts["payment"].state in ("succeeded", "processing"):
        raise NoLongerTrue(f"the payment is {facts['payment'].state} by now")
    return facts


def _to_confirm(vendor: Vendor, message: Message) -> Facts:
    """Only while the payment waits for its payer."""
    facts = _payment_page(vendor, message)
    payment = facts["payment"]
    if payment.state not in ("requires_action", "requires_method") or payment.expires_at <= now():
        raise NoLongerTrue(f"the payment is {payment.state} by now, or its time is over")
    card = card_charged(vendor, payment)
    return facts | {"card": Reader(message.locale, vendor.time_zone).card_ending(card.brand, card.last4) if card else ""}


def _left(vendor: Vendor, message: Message) -> Facts:
    """Only while the payer can begin anew, and has not."""
    facts = _payment(vendor, message)
    link, reason = way_back(vendor, facts["payment"])
    if link is None:
        raise NoLongerTrue(reason)
    return facts | {"action_url": addresses.fresh_start(link_token(vendor, link), payment_token(vendor, facts["payment"]))}


def _refund(page: Callable[[Vendor, Message], Facts]) -> Callable[[Vendor, Message], Facts]:
    def gather(vendor: Vendor, message: Message) -> Facts:
        facts = page(vendor, message)
        refund = next(r for r in list_refunds(vendor, facts["payment"]) if r.public_id == message.params["refund"])
        if (message.kind != "refund_failed") != (refund.state == "succeeded"):
            raise NoLongerTrue(f"the refund is {refund.state} by now")
        told = was_told(
            vendor, message.mode, kind="refund_sent" if refund.of_sale else "money_returned", about=message.about, refund=refund.public_id
        )
        return facts | {"refund": refund, "customer_was_told": told}

    return gather


def _link(vendor: Vendor, message: Message) -> Facts:
    """A link that was sent to somebody, or is remembered to them. Whoever has paid by now, or cannot pay any more, gets no letter."""
    link = get_link(vendor, message.mode, message.params["link"])
    _, sending = get_sending(vendor, message.mode, message.params["sending"])
    reason = why_silent(link, sending)
    if reason:
        raise NoLongerTrue(reason)
    return {
        "link": link,
        "practice": link.mode == "test",
        "progress": progress_of(link),
        "words": sending.message.splitlines(),
        "ends_at": ends_at(link),
        "action_url": addresses.payment_link(sending_token(vendor, link, sending)),
    }


def _outside_refund(vendor: Vendor, message: Message) -> Facts:
    """It was made, whatever has become of it since: the payment's page says that."""
    facts = _payment(vendor, message)
    refund = next(r for r in list_refunds(vendor, facts["payment"]) if r.public_id == message.params["refund"])
    return facts | {"refund": refund}


def _checkout_page(vendor: Vendor, message: Message) -> Facts:
    facts = _payment(vendor, message)
    return facts | {"action_url": addresses.checkout(payment_token(vendor, facts["payment"]))}


def _waited_for(vendor: Vendor, message: Message) -> Facts:
    """What the payer has to enter, as long as there is something to enter."""
    facts = _checkout_page(vendor, message)
    told = instructions_of(vendor, facts["payment"])
    if told is None or facts["payment"].state in PAID_OR_OVER:
        raise NoLongerTrue("nothing is waited for any more")
    return facts | {"told": told, "spelt": spell_reference(told.reference), "iban": spell_iban(told.iban)}


def _held(page: Callable[[Vendor, Message], Facts]) -> Callable[[Vendor, Message], Facts]:
    def gather(vendor: Vendor, message: Message) -> Facts:
        facts = page(vendor, message)
        if not facts["payment"].unapplied:
            raise NoLongerTrue("that money has found its way meanwhile")
        return facts

    return gather


def _returned(vendor: Vendor, message: Message) -> Facts:
    returned = get_return(vendor, message.mode, message.params["transfer_return"])
    if returned.state != "settled":
        raise NoLongerTrue(f"the return is {returned.state} by now")
    return _checkout_page(vendor, message) | {"returned": returned}


def _attack(vendor: Vendor, message: Message) -> Facts:
    """Only while it is on: whoever reads it later would look for something that is over."""
    attack = find_attack(vendor.id, message.mode)
    if attack is None:
        raise NoLongerTrue("attack mode is off by now")
    return {"attack": attack, "practice": message.mode == "test", "action_url": addresses.portal_protection()}


def _cases_page(vendor: Vendor, message: Message) -> Facts:
    return _payment(vendor, message) | {"action_url": addresses.portal_transfers()}


def _listing(*states: str) -> Callable[[Vendor, Message], Facts]:
    def gather(vendor: Vendor, message: Message) -> Facts:
        listing = get_listing(vendor, message.mode, message.params["listing"])
        if listing.state not in states:
            raise NoLongerTrue(f"the listing is {listing.state} by now")
        return {"listing": listing, "practice": listing.mode == "test", "action_url": addresses.portal_listing(listing.public_id)}

    return gather


KINDS: dict[str, tuple[Callable[[Vendor, Message], Facts], bool]] = {
    "verify_email": (_account_link(addresses.verification), False),
    "reset_password": (_account_link(addresses.password_reset), False),
    "password_changed": (_password_changed, False),
    "second_step": (_second_step, False),
    "daily_news": (_daily_news, False),
    "payment_received": (_payment, False),
    "receipt": (_receipt_page, True),
    "instruction_received": (_instruction, True),
    "payment_failed": (_failed_payment, True),
    "confirm_payment": (_to_confirm, True),
    "checkout_left": (_left, True),
    "refund_sent": (_refund(_receipt_page), True),
    "refund_failed": (_refund(_payment), False),
    "transfer_instructions": (_waited_for, True),
    "transfer_partial": (_waited_for, True),
    "transfer_held": (_held(_checkout_page), True),
    "transfer_decision": (_held(_cases_page), False),
    "transfer_returned": (_returned, True),
    "transfer_taken_back": (_payment, False),
    "unexpected_money": (_payment, False),
    "attack_mode": (_attack, False),
    "invitation": (_invitation, False),
    "money_returned": (_refund(_payment_page), True),
    "payout_paid": (payout_letters.payout, False),
    "payout_failed": (payout_letters.payout, False),
    "payout_account": (payout_letters.account, False),
    "refund_outside": (_outside_refund, False),
    "refund_not_booked": (_payment, False),
    "problem_reported": (_problem, False),
    "payer_page": (_payer_page, True),
    "export_ready": (_export, False),
    "export_failed": (_export, False),
    "listing_withdrawn": (_listing("withdrawn"), False),
    "listing_restored": (_listing("published"), False),
    "link_sent": (_link, True),
    "link_reminder": (_link, True),
    "plan_urgent": (plan_letters.to_business, False),
    "plan_news": (plan_letters.to_business, False),
    "membership_news": (plan_letters.to_member, True),
    "invoice": (invoice_facts, True),
    "membership_welcome": (member_letters.welcome, True),
    "membership_page": (member_letters.page, True),
}
# What travels with a letter, each with the act that finds or prints it.
ENCLOSED: dict[str, Callable[[Vendor, Message], list[Enclosure]]] = {"receipt": _receipt, "invoice": invoice_enclosed}
