"""The messages sent in a vendor's name, and in the demo the letters that would have left by mail."""

from __future__ import annotations

from datetime import datetime

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.kernel.errors import NotFound
from core.notifications.mail_stops import find_stop, let_through
from core.notifications.models import Message
from core.notifications.queries import get_message, list_letters_to_everywhere, list_messages, may_read_words
from core.notifications.resend import AGAIN, resend
from core.notifications.states import MESSAGE
from core.payments.queries import get_payment
from core.payments.receipt_opened import receipt_opened_at
from core.web.fields import AddressField, Form, plain_text
from core.web.filters import status_label
from core.web.guard import current, may, public
from core.web.page import cursor, page, see_other
from portal.blueprint import portal
from portal.mail import is_kept_here, may_be_read_by_anybody

KINDS = {
    "verify_email": later("Confirm your address"),
    "reset_password": later("New password"),
    "password_changed": later("Password changed"),
    "payments_report": later("Report of payments"),
    "payment_received": later("Payment received"),
    "receipt": later("Receipt"),
    "invoice": later("Invoice"),
    "instruction_received": later("Instruction received"),
    "payment_failed": later("Payment did not go through"),
    "confirm_payment": later("Payment to confirm"),
    "checkout_left": later("Not finished"),
    "order_declined": later("Not everything was paid"),
    "refund_sent": later("Refund sent"),
    "refund_failed": later("Refund failed"),
    "refund_claim": later("Refund link sent"),
    "refund_claim_refused": later("Account for a refund not accepted"),
    "refund_claimed": later("Account named for a refund"),
    "dispute_opened": later("Dispute opened"),
    "dispute_due": later("Dispute to answer"),
    "dispute_decided": later("Dispute decided"),
    "dispute_message": later("Message about a dispute"),
    "dispute_to_accept": later("Dispute will be given in"),
    "dispute_answered_for": later("Dispute answered for you"),
    "payout_paid": later("Payout"),
    "payout_failed": later("Payout did not arrive"),
    "reserve_changed": later("Reserve changed"),
    "debt_repaid": later("Debt paid back"),
    "debt_repayment_taken_back": later("Debt not paid back after all"),
    "payout_account": later("Bank account for payouts"),
    "webhook_stopped": later("Webhook switched off"),
    "webhook_failing": later("Webhook takes nothing"),
    "application_news": later("The way into live mode"),
    "stop_planned": later("Will be stopped by the platform"),
    "stop_begun": later("Stopped by the platform"),
    "stop_ended": later("Goes on again"),
    "closing_asked": later("The account is to be closed"),
    "closing_done": later("The account is closed"),
    "export_ready": later("Export ready"),
    "export_failed": later("Export failed"),
    "link_sent": later("Link sent"),
    "link_reminder": later("Reminder of a link"),
    "problem_reported": later("Problem reported"),
    "payer_page": later("Key to a payer’s own page"),
    "unexpected_money": later("Unexpected money"),
    "large_payment": later("Payment larger than usual"),
    "attack_mode": later("Attack mode is on"),
    "key_leaked": later("An API key leaked"),
    "key_news": later("News of an API key"),
    "app_token_reused": later("An app signed out for safety"),
    "pay_domain_lost": later("Host name not proved any more"),
    "invitation": later("Invitation"),
    "money_returned": later("Unexpected money sent back"),
    "refund_outside": later("Refunded at the processor"),
    "refund_not_booked": later("Refund that does not fit"),
    "transfer_instructions": later("How to transfer"),
    "transfer_partial": later("Part of a transfer came"),
    "transfer_held": later("Transfer too much or too late"),
    "transfer_decision": later("Transfer to decide about"),
    "transfer_returned": later("Transfer sent back"),
    "transfer_taken_back": later("Transfer taken back by the bank"),
    "plan_urgent": later("Your plan: to be seen to"),
    "plan_news": later("Your plan"),
    "membership_news": later("About a membership"),
    "membership_welcome": later("Welcome to a membership"),
    "membership_page": later("The page of a membership"),
}


class SendAgainForm(Form):
    email = AddressField(later("To"))


@portal.get("/portal/outbox")
@may("messages.see")
def outbox() -> Response:
    me, after, state = current(), cursor(), request.args.get("state") or None
    if state is not None and state not in (*MESSAGE, "lost"):
        raise NotFound
    found = list_messages(me.vendor, me.mode, state=state, after=after, limit=25)
    return page(
        "portal/outbox/index.html",
        fragment="portal/outbox/_table.html",
        messages=found.rows,
        kinds=KINDS,
        kept_here=is_kept_here(),
        state=state,
        views=[(_("All"), url_for(".outbox"), state is None)]
        + [(words, url_for(".outbox", state=one), state == one) for one, words in _views().items()],
        older=url_for(".outbox", after=found.next, state=state) if found.next else None,
        newest=url_for(".outbox", state=state) if after else None,
    )


def _views() -> dict[str, str]:
    """The states somebody looks for; all that did not arrive stands together."""
    return {one: status_label(one, "letter") for one in ("queued", "sent", "kept")} | {"lost": _("Did not arrive")}


@portal.get("/portal/outbox/<public_id>")
@may("messages.see")
def message(public_id: str) -> Response:
    me = current()
    return _show(get_message(me.vendor, me.mode, public_id))


def _show(message: Message, form: SendAgainForm | None = None) -> Response:
    me = current()
    again = message.kind in AGAIN and me.may("messages.send")
    sending = form or (SendAgainForm(formdata=None, email=message.recipient) if again else None)
    return page(
        "portal/outbox/show.html",
        status=form.status if form else 200,
        message=message,
        kinds=KINDS,
        readable=may_read_words(message, email=me.user.email, openly=may_be_read_by_anybody()),
        form=sending,
        opened=form is not None,
        receipt_opened=_receipt_opened(message),
        stop=find_stop(me.vendor, me.mode, message.recipient),
        letting=me.may("messages.send") and not message.recipient.endswith(".invalid"),  # of somebody who was erased
    )


def _receipt_opened(message: Message) -> datetime | None:
    """When the page that a receipt leads to was opened first. A letter itself tells nothing: there is no picture in it that would."""
    is_receipt = message.kind == "receipt"
    return receipt_opened_at(get_payment(current().vendor, message.mode, message.params["payment"])) if is_receipt else None


@portal.post("/portal/outbox/<public_id>/again")
@may("messages.send")
def send_again(public_id: str) -> Response:
    """A letter to a customer goes out once more, to the address in the form."""
    me, form = current(), SendAgainForm()
    found = get_message(me.vendor, me.mode, public_id)
    if form.validate():
        with form.refusals():
            made = resend(me.vendor, found, to=form.email.data, by=me.user.public_id)
            flash(_("It is on its way once more. This is the new message."), "good")
            return see_other(url_for(".message", public_id=made.public_id))
    return _show(found, form)


@portal.post("/portal/outbox/<public_id>/let-through")
@may("messages.send")
def let_address_through(public_id: str) -> Response:
    """Letters go to this message's address again; one that did not arrive leaves anew."""
    me = current()
    found = get_message(me.vendor, me.mode, public_id)
    leaves = let_through(me.vendor, found, by=me.user.public_id)
    flash(_("It is on its way.") if leaves else _("Letters go to this address again."), "good")
    return see_other(url_for(".message", public_id=found.public_id))


@portal.get("/outbox")
@public
def demo_outbox() -> Response:
    """In the demo somebody who forgot a password, or was invited, cannot sign in to read the letter about it; so this one page is open."""
    if not may_be_read_by_anybody():
        raise NotFound
    address = request.args.get("address", "")
    found = [] if plain_text(address) or not address.strip() else list_letters_to_everywhere(address)
    return page("portal/outbox/demo.html", address=address, messages=found, kinds=KINDS)
