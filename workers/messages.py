"""The message job: writes the letter from what is true now, hands it to the mail server, and records how that went."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import structlog

from core.accounts.branding import find_logo
from core.accounts.models import Vendor
from core.accounts.queries import get_vendor
from core.kernel.config import settings
from core.kernel.db import db, unit_of_work
from core.notifications.come_back import note_bounce
from core.notifications.mail_stops import why_held
from core.notifications.models import Message
from core.notifications.payer_letters import find_wish
from core.notifications.queries import find_receipt
from core.notifications.relays import relay_marks
from core.notifications.return_address import letter_name, return_address
from core.notifications.send import put_off, record_failed, record_held, record_kept, record_overtaken, record_sent, take_message
from core.notifications.stop_letters import stopping_token
from core.notifications.team import OPTIONAL
from core.payments.queries import get_payment
from core.web import addresses
from core.web.brand import letter_look
from core.web.mail import Enclosure, Letter, MailDelayed, MailRefused, deliver, product, seal, write_letter
from core.web.pdf import PaperNotPrinted
from core.web.reader import Reader
from workers import (
    account_letters,
    admission_letters,
    claim_letters,
    dispute_letters,
    hook_letters,
    house_letters,
    member_letters,
    order_letters,
    payment_letters,
    payout_letters,
    plan_letters,
)
from workers.invoices import invoice_enclosed, invoice_facts
from workers.letter import Gather, NoLongerTrue, TooLate
from workers.papers import make_receipt

log = structlog.get_logger("workers")


def send_message(vendor_id: uuid.UUID, *, mode: str, message: str) -> None:
    """Send one message, or keep it when there is no mail server. At least once, and never again once that is recorded."""
    key = (vendor_id, mode, uuid.UUID(message))
    with unit_of_work():
        taken = take_message(*key)
        if taken is None:
            return
        if why := why_held(taken):
            record_held(taken, reason=why)
            return
        vendor = get_vendor(vendor_id)
        enclose = ENCLOSED.get(taken.kind)
    enclosures = enclose(vendor, taken) if enclose else []
    with unit_of_work():
        try:
            logo = find_logo(vendor)
            letter, from_vendor = _write(vendor, taken, enclosed=bool(enclosures), carries_logo=logo is not None)
        except TooLate as reason:
            record_failed(_again(key), reason=str(reason))
            return
        except NoLongerTrue as reason:
            record_overtaken(_again(key), reason=str(reason))
            return
    _send(key, vendor if from_vendor else None, taken, letter, enclosures, logo)


def _send(
    key: tuple[Any, ...], speaker: Vendor | None, message: Message, letter: Letter, enclosures: list[Enclosure], logo: bytes | None
) -> None:
    """Outside any transaction to the mail server, then its answer in a unit of its own."""
    left = {"subject": letter.subject, "text": letter.text, "html": letter.html, "enclosed": [item.name for item in enclosures]}
    smtp_url, refused, delayed = settings().smtp_url, None, None
    if smtp_url:
        try:
            deliver(smtp_url, _sealed(speaker, message, letter, enclosures, logo), return_to=return_address(message.id))
        except MailRefused as no:
            refused = no
        except MailDelayed as problem:
            delayed = str(problem)
    with unit_of_work():
        fresh = _again(key)
        if fresh.state != "queued":
            return  # another worker was faster; the doubled letter carries the same Message-ID
        if refused and refused.bounced:
            note_bounce(fresh, said=str(refused), nobody=refused.nobody)
        elif refused:
            record_failed(fresh, reason=str(refused))
        elif delayed:
            put_off(fresh, reason=delayed)
        elif smtp_url:
            record_sent(fresh, **left)
        else:
            record_kept(fresh, **left)
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
        marks=_marks(message),
    )


def _marks(message: Message) -> dict[str, str]:
    """By which the letter is known when it comes back; and where it can be stopped by one press (RFC 8058), if that is the reader's to say."""
    name = letter_name(message.id)
    named = {"X-Letter": name} | relay_marks(name)
    if message.kind not in OPTIONAL:
        return named
    with unit_of_work():
        where = addresses.stop_letters(stopping_token(get_vendor(message.vendor_id), message))
    return named | {"List-Unsubscribe": f"<{where}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


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


# Each with what it is made of, and whether it speaks for the vendor to a customer.
KINDS: dict[str, tuple[Gather, bool]] = {
    "verify_email": (account_letters.account_link(addresses.verification), False),
    "reset_password": (account_letters.account_link(addresses.password_reset), False),
    "password_changed": (account_letters.password_changed, False),
    "second_step": (account_letters.second_step, False),
    "daily_news": (account_letters.daily_news, False),
    "payments_report": (payment_letters.report, False),
    "payment_received": (payment_letters.about_payment, False),
    "receipt": (payment_letters.receipt_page, True),
    "instruction_received": (payment_letters.instruction, True),
    "payment_failed": (payment_letters.failed_payment, True),
    "confirm_payment": (payment_letters.to_confirm, True),
    "checkout_left": (payment_letters.checkout_left, True),
    "order_declined": (order_letters.not_paid, True),
    "refund_sent": (payment_letters.of_refund(payment_letters.receipt_page), True),
    "refund_failed": (payment_letters.of_refund(payment_letters.about_payment), False),
    "refund_claim": (claim_letters.asked, True),
    "refund_claim_refused": (claim_letters.refused, True),
    "refund_claimed": (claim_letters.to_decide, False),
    "transfer_instructions": (payment_letters.waited_for, True),
    "transfer_partial": (payment_letters.waited_for, True),
    "transfer_held": (payment_letters.money_held(payment_letters.payment_page), True),
    "transfer_decision": (payment_letters.money_held(payment_letters.cases_page), False),
    "transfer_returned": (payment_letters.money_returned, True),
    "transfer_taken_back": (payment_letters.about_payment, False),
    "unexpected_money": (payment_letters.about_payment, False),
    "large_payment": (payment_letters.large, False),
    "closing_asked": (account_letters.closing_asked, False),
    "closing_done": (account_letters.closing_done, False),
    "attack_mode": (account_letters.attack_mode, False),
    "key_leaked": (account_letters.key_leaked, False),
    "key_news": (account_letters.key_news, False),
    "app_token_reused": (account_letters.app_token_reused, False),
    "pay_domain_lost": (account_letters.pay_domain_lost, False),
    "invitation": (account_letters.invitation, False),
    "money_returned": (payment_letters.of_refund(payment_letters.payment_page), True),
    **dispute_letters.KINDS,
    **admission_letters.KINDS,
    "payout_paid": (payout_letters.payout, False),
    "payout_failed": (payout_letters.payout, False),
    "payout_account": (payout_letters.account, False),
    "webhook_stopped": (hook_letters.stopped, False),
    "webhook_failing": (hook_letters.failing, False),
    "reserve_changed": (payout_letters.reserve, False),
    "debt_repaid": (payout_letters.repayment, False),
    "debt_repayment_taken_back": (payout_letters.repayment, False),
    "refund_outside": (payment_letters.outside_refund, False),
    "refund_not_booked": (payment_letters.about_payment, False),
    "problem_reported": (payment_letters.problem, False),
    "payer_page": (payment_letters.payer_page, True),
    "export_ready": (account_letters.export_file, False),
    "export_failed": (account_letters.export_file, False),
    "listing_withdrawn": (account_letters.listing_in("withdrawn"), False),
    "listing_restored": (account_letters.listing_in("published"), False),
    "listing_edit_decided": (account_letters.listing_edit, False),
    "link_sent": (payment_letters.link_sent, True),
    "link_reminder": (payment_letters.link_sent, True),
    "plan_urgent": (plan_letters.to_business, False),
    "plan_news": (plan_letters.to_business, False),
    "membership_news": (plan_letters.to_member, True),
    "invoice": (invoice_facts, True),
    "membership_welcome": (member_letters.welcome, True),
    "membership_page": (member_letters.page, True),
    "day_paper": (house_letters.day_paper, False),
}
# What travels with a letter, each with the act that finds or prints it.
ENCLOSED: dict[str, Callable[[Vendor, Message], list[Enclosure]]] = {
    "receipt": _receipt,
    "invoice": invoice_enclosed,
    "day_paper": house_letters.day_paper_enclosed,
}
