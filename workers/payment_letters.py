"""What letters about payments are made of, to payers and to vendors: the page each leads to, and whether it is still true."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.accounts.receipts import find_receipt_settings
from core.accounts.remarks import list_remarks
from core.accounts.roles import rights_of
from core.customers.keys import find_key, key_token
from core.kernel.clock import now
from core.kernel.money import Money
from core.notifications.models import Message
from core.notifications.queries import was_told
from core.notifications.scheduled import find_schedule, get_report, sees_all
from core.payments.attempt import live_attempt
from core.payments.claim_follow import by_transfer, claim_paid_by
from core.payments.instalments import progress_of
from core.payments.large import TIMES, find_reason
from core.payments.link import ends_at, link_token
from core.payments.payer_page import PAYER
from core.payments.queries import get_link, get_payment, list_refunds
from core.payments.recover import way_back
from core.payments.remind import why_silent
from core.payments.report import figures_of
from core.payments.sale import find_cart
from core.payments.saved import card_charged
from core.payments.send_link import get_sending, sending_token
from core.payments.start import payment_token, receipt_token
from core.payments.states import PAID_OR_OVER
from core.payments.transfer_queries import get_return, instructions_of
from core.providers.bank import spell_iban, spell_reference
from core.web import addresses
from core.web.reader import Reader
from workers.letter import Facts, Gather, NoLongerTrue, TooLate


def about_payment(vendor: Vendor, message: Message) -> Facts:
    payment = get_payment(vendor, message.mode, message.params["payment"])
    cart = find_cart(vendor, payment)
    return {
        "payment": payment,
        "cart": cart,
        "practice": payment.mode == "test",
        "action_url": addresses.portal_payment(payment.public_id, payment.mode, vendor),
    }


def large(vendor: Vendor, message: Message) -> Facts:
    """A payment that is larger than usual, with what that was measured by."""
    facts = about_payment(vendor, message)
    reason = find_reason(vendor, facts["payment"])
    if reason is None:
        raise NoLongerTrue("nothing says any more that this payment was large")
    detail, code = reason.detail, facts["payment"].currency
    least, largest = (Money(detail[name], code) if name in detail else None for name in ("least_minor", "largest_minor"))
    return facts | {"least": least, "largest": largest, "compared": detail.get("compared"), "times": TIMES}


def report(vendor: Vendor, message: Message) -> Facts:
    """The figures of its days as they stand in the books, for somebody who still may see them and still wants it."""
    found = get_report(vendor, message.mode, message.params["report"])
    rights = rights_of(vendor, found.person)
    if not sees_all(vendor, found.person):
        raise NoLongerTrue("whoever ordered it may not see the figures any more")
    if find_schedule(vendor, message.mode, found.schedule) is None:
        raise NoLongerTrue("whoever ordered it does not want it any more")
    return {
        "practice": message.mode == "test", "report": found, "figures": figures_of(vendor, found),
        "action_url": addresses.portal_reports(message.mode, vendor, found.public_id), "reports_url": addresses.portal_reports(message.mode, vendor),
        "file_url": addresses.portal_report_rows(found.public_id, message.mode, vendor) if "payments.export" in rights else "",
    }  # fmt: skip


def problem(vendor: Vendor, message: Message) -> Facts:
    """In the payer's own words, as they stand among the payment's notes; when somebody has removed them, without."""
    facts = about_payment(vendor, message)
    said = [row.text for row in list_remarks(vendor, message.mode, facts["payment"].public_id) if row.author == PAYER]
    return facts | {"problem": said[0] if said else ""}


def payer_page(vendor: Vendor, message: Message) -> Facts:
    key = find_key(vendor, message.mode, message.params["key"])
    if key is None or key.revoked_at or key.email != message.recipient:
        raise NoLongerTrue("the link in this message no longer works, because a newer one replaced it")
    if key.expires_at <= now():
        raise TooLate("the time of the link in this message was over before it could be sent")
    address = addresses.payer_page(key_token(vendor, key), vendor)
    return {"practice": key.mode == "test", "action_url": address, "expires_at": key.expires_at}


def receipt_page(vendor: Vendor, message: Message) -> Facts:
    facts = about_payment(vendor, message)
    words = find_receipt_settings(vendor).paragraph.splitlines() if message.kind == "receipt" else []
    return facts | {"action_url": addresses.receipt(receipt_token(vendor, facts["payment"]), vendor), "vendors_words": words}


def payment_page(vendor: Vendor, message: Message) -> Facts:
    """For the payer: the payment's own page, which is true whatever has become of it."""
    facts = about_payment(vendor, message)
    return facts | {"action_url": addresses.checkout(payment_token(vendor, facts["payment"]), vendor)}


def instruction(vendor: Vendor, message: Message) -> Facts:
    """Only while the bank is at it: once it has answered, another letter says so."""
    facts = payment_page(vendor, message)
    attempt = live_attempt(facts["payment"])
    if facts["payment"].state != "processing" or attempt is None:
        raise NoLongerTrue("the bank has answered by now")
    return facts | {"days": attempt.delayed_days}


def failed_payment(vendor: Vendor, message: Message) -> Facts:
    facts = payment_page(vendor, message)
    if facts["payment"].state in ("succeeded", "processing"):
        raise NoLongerTrue(f"the payment is {facts['payment'].state} by now")
    return facts


def to_confirm(vendor: Vendor, message: Message) -> Facts:
    """Only while the payment waits for its payer."""
    facts = payment_page(vendor, message)
    payment = facts["payment"]
    if payment.state not in ("requires_action", "requires_method"):
        raise NoLongerTrue(f"the payment is {payment.state} by now")
    if payment.expires_at <= now():
        raise TooLate("the time to confirm the payment was over before this could be sent")
    card = card_charged(vendor, payment)
    return facts | {"card": Reader(message.locale, vendor.time_zone).card_ending(card.brand, card.last4) if card else ""}


def checkout_left(vendor: Vendor, message: Message) -> Facts:
    """Only while the payer can begin anew, and has not."""
    facts = about_payment(vendor, message)
    link, reason = way_back(vendor, facts["payment"])
    if link is None:
        raise NoLongerTrue(reason)
    return facts | {"action_url": addresses.fresh_start(link_token(vendor, link), payment_token(vendor, facts["payment"]), vendor)}


def of_refund(page: Gather) -> Gather:
    """A refund that ended as the letter says; whether its payer was told decides what the vendor reads."""

    def gather(vendor: Vendor, message: Message) -> Facts:
        facts = page(vendor, message)
        refund = next(r for r in list_refunds(vendor, facts["payment"]) if r.public_id == message.params["refund"])
        if (message.kind != "refund_failed") != (refund.state == "succeeded"):
            raise NoLongerTrue(f"the refund is {refund.state} by now")
        told = was_told(
            vendor, message.mode, kind="refund_sent" if refund.of_sale else "money_returned", about=message.about, refund=refund.public_id
        )
        claim = claim_paid_by(refund)
        how = {"account_ends": claim.ends_in if claim else None, "by_transfer": by_transfer(facts["payment"], refund)}
        return facts | {"refund": refund, "customer_was_told": told, **how}

    return gather


def link_sent(vendor: Vendor, message: Message) -> Facts:
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
        "action_url": addresses.payment_link(sending_token(vendor, link, sending), vendor),
    }


def outside_refund(vendor: Vendor, message: Message) -> Facts:
    """It was made, whatever has become of it since: the payment's page says that."""
    facts = about_payment(vendor, message)
    refund = next(r for r in list_refunds(vendor, facts["payment"]) if r.public_id == message.params["refund"])
    return facts | {"refund": refund}


def waited_for(vendor: Vendor, message: Message) -> Facts:
    """What the payer has to enter, as long as there is something to enter."""
    facts = payment_page(vendor, message)
    told = instructions_of(vendor, facts["payment"])
    if told is None or facts["payment"].state in PAID_OR_OVER:
        raise NoLongerTrue("nothing is waited for any more")
    return facts | {"told": told, "spelt": spell_reference(told.reference), "iban": spell_iban(told.iban)}


def money_held(page: Gather) -> Gather:
    """Only while money of a transfer has no place yet."""

    def gather(vendor: Vendor, message: Message) -> Facts:
        facts = page(vendor, message)
        if not facts["payment"].unapplied:
            raise NoLongerTrue("that money has found its way meanwhile")
        return facts

    return gather


def money_returned(vendor: Vendor, message: Message) -> Facts:
    returned = get_return(vendor, message.mode, message.params["transfer_return"])
    if returned.state != "settled":
        raise NoLongerTrue(f"the return is {returned.state} by now")
    return payment_page(vendor, message) | {"returned": returned}


def cases_page(vendor: Vendor, message: Message) -> Facts:
    return about_payment(vendor, message) | {"action_url": addresses.portal_transfers(message.mode, vendor)}
