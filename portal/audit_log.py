"""Who did what in this account: the team, and the platform's staff where they looked or acted; with filters, and as a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.audit_log import entries_sheet, list_own_entries
from core.accounts.queries import names_of
from core.kernel import clock
from core.kernel.audit import AuditEntry, origins_of
from core.kernel.currency import is_currency
from core.kernel.money import Money
from core.payments.queries import links_named, payments_of_refunds, references_of
from core.providers.redact import redacted
from core.web.day_fields import DayField
from core.web.fields import ChoiceField, Form, options
from core.web.filters import money
from core.web.guard import current, may
from core.web.languages import language
from core.web.page import cursor, page, see_other
from core.web.role_words import role_word
from core.web.sheet import send_sheet, titles_for
from portal.audit_fields import field_word
from portal.blueprint import portal
from portal.history import REASONS, WHO
from portal.method_words import method_title
from portal.payouts import schedules

STAFF = "stf"
# What an action is called; a test holds this against every action that the code writes down.
WORDS: dict[str, Any] = {
    "prices.published": _l("Published a price list"),
    "attack_mode.began": _l("Attack mode switched itself on"), "attack_mode.switched_off": _l("Switched attack mode off"),
    "attack_mode.switched_on": _l("Switched attack mode on"),
    "large_payments.set": _l("Set from which sum on a payment is told as large"),
    "report.ordered": _l("Ordered a report by e-mail"), "report.ended": _l("Ended a report by e-mail"),
    "payout_account.added": _l("Bank account for payouts entered"),
    "payout_receiver.opened": _l("Account at the processor opened"),
    "payout_receiver.changed": _l("Account at the processor changed its state"),
    "payout_terms.changed": _l("Schedule of payouts changed"),
    "payout.requested": _l("Payout asked for"),
    "payout.approved": _l("Payout approved"),
    "payout.canceled": _l("Payout called off"),
    "application.sent": _l("Asked to be let into live mode"), "application.answered": _l("Answered what the staff asked"),
    "application.asked": _l("Asked a business something back"), "application.approved": _l("Let a business into live mode"),
    "application.refused": _l("Did not let a business into live mode"),
    "application.file_added": _l("Added a paper for the staff"), "application.file_removed": _l("Took a paper away"), "application.file_accepted": _l("Accepted a paper"), "application.file_refused": _l("Did not accept a paper"),
    "fee.published": _l("Published another fee"), "fee.applied": _l("Another fee counts"), "staff.noted": _l("Wrote something down for the staff"),
    "stop.announced": _l("Announced to stop something"), "stop.begun": _l("Stopped something"), "stop.ended": _l("Let something go on again"),
    "dispute.answered": _l("Answered a dispute"),
    "dispute.given_in": _l("Gave in to a dispute"),
    "dispute.kept": _l("Stopped a dispute from being given in"), "dispute.rule_set": _l("Set a rule for small disputes"),
    "dispute.rule_dropped": _l("Ended a rule for small disputes"), "dispute.message_sent": _l("Wrote about a dispute"),
    "dispute.message_read": _l("Read messages about a dispute"), "dispute.draft_written": _l("Wrote in the draft of an answer to a dispute"),
    "dispute.file_added": _l("Added a file to an answer to a dispute"), "dispute.file_removed": _l("Took a file of an answer to a dispute away"),
    "staff.papers_wanted": _l("Asked for the papers of closed days"), "staff.papers_declined": _l("Is not sent the papers of closed days any more"),
    "write_off.requested": _l("Writing a debt off was asked for"),
    "write_off.booked": _l("A debt was written off"),
    "write_off.declined": _l("A debt was not written off"),
    "debt.repaid": _l("A debt was paid back by transfer"), "debt.repayment_taken_back": _l("The bank took back what had paid a debt"),
    "reserve.requested": _l("Another reserve was asked for"), "reserve.set": _l("Changed what is kept in reserve"), "reserve.declined": _l("The reserve stayed as it was"),
    "risk_rules.published": _l("Published rules about payments"), "risk_list.added": _l("Put somebody on a list"), "risk_list.removed": _l("Took somebody off a list"),
    "review.approved": _l("Let a payment go on after a review"), "review.refunded": _l("Did not accept a payment after a review"),
    "review.fraud": _l("Did not accept a payment after a review: suspected fraud"), "review.lapsed": _l("Nobody decided a review in time: no money was taken"),
    "journal.reversal_asked": _l("Taking a journal back was asked for"), "journal.reversed": _l("A journal was taken back"),
    "journal.reversal_declined": _l("A journal was not taken back"),
    "order.refused": _l("Transfer the bank refused"),
    "order_file.made": _l("Made a file of transfers for the bank"), "order_file.handed_over": _l("Gave a file of transfers to the bank"),
    "order_file.taken_back": _l("Took a file of transfers back"), "order_file.answered": _l("The bank answered to a file of transfers"),
    "order.delivered": _l("Said that an order is delivered"), "order_terms.published": _l("Published the fees of orders"),
    "checkout.opened": _l("Opened a checkout with several sellers"),
    "webhook.made": _l("Made a webhook"), "webhook.changed": _l("Changed a webhook"), "webhook.switched_off": _l("Switched a webhook off"),
    "webhook.switched_on": _l("Switched a webhook on"), "webhook.taken_away": _l("Took a webhook away"),
    "webhook.secret_rolled": _l("Rolled a webhook’s secret"), "webhook.caught_up": _l("Sent a webhook what it had missed"),
    "api_key.made": _l("Made an API key"), "api_key.revoked": _l("Revoked an API key"),
    "api_key.rolled": _l("Rolled an API key"), "api_key.leaked": _l("An API key was reported as leaked, and revoked"),
    "selling.allowed": _l("Let another business sell for us"), "selling.withdrawn": _l("No longer lets another business sell for us"),
    "balance.exchanged": _l("Exchanged money into another currency"),
    "bank_terms.changed": _l("Changed how bank transfers are taken"), "branding.changed": _l("Changed the branding"),
    "branch.added": _l("Added a branch"), "branch.archived": _l("Put a branch away"), "branch.edited": _l("Changed a branch"),
    "branch.unarchived": _l("Took a branch out again"),
    "customer.allowed": _l("Let a customer pay again"), "customer.blocked": _l("Blocked a customer"),
    "customer.erased": _l("Erased a customer’s data"), "discount.ended": _l("Ended a discount code"), "discount.made": _l("Made a discount code"),
    "directory.hidden": _l("Everything was hidden from the directory"), "directory.shown": _l("Everything is in the directory again"),
    "directory.erased": _l("Deleted what stood in the directory: the plan had ended"), "balance.paid_back": _l("Paid the balance of the plan back"),
    "image.added": _l("Added a picture"), "image.described": _l("Changed the words of a picture"), "image.moved": _l("Moved a picture"),
    "image.ready": _l("A picture’s sizes were made"), "image.removed": _l("Took a picture away"),
    "product.added": _l("Added a product"), "product.archived": _l("Put a product away"), "product.edited": _l("Changed a product"),
    "product.published": _l("Published a product"), "product.unarchived": _l("Took a product out again"),
    "product.unpublished": _l("Made a product a draft again"),
    "house.changed": _l("Changed who the house is"), "document.voided": _l("Took an invoice back"), "document.reissued": _l("Had an invoice issued anew"), "document.numbers_skipped": _l("Left out numbers of invoices or credit notes"), "vat_id.checked": _l("The registry of VAT numbers answered"),
    "day.asked": _l("Signed a day of the books off"), "day.signed": _l("Signed a day off as the second person"),
    "day.hindered": _l("A day could not be closed"), "day.closed": _l("Closed a day of the books"),
    "domain.named": _l("Named a domain"), "domain.removed": _l("Removed a domain"), "domain.verified": _l("A domain was proved"),
    "pay_domain.named": _l("Named a payment domain"), "pay_domain.verified": _l("A payment domain was proved"), "pay_domain.lost": _l("A payment domain was lost"),
    "pay_domain.used": _l("Took a payment domain into use"), "pay_domain.unused": _l("Took a payment domain out of use"), "pay_domain.removed": _l("Removed a payment domain"),
    "embed.allowed": _l("Let a website show payment pages"), "embed.removed": _l("A website may show payment pages no more"),
    "export.requested": _l("Asked for an export"),
    "event.replayed": _l("Had a processor’s event opened again"), "invitation.revoked": _l("Took an invitation back"),
    "invitation.sent_again": _l("Sent an invitation again"), "link.address_replaced": _l("Replaced a link’s address"), "link.archived": _l("Put a link away"), "link.cloned": _l("Copied a link"),
    "link.created": _l("Made a link"), "link.edited": _l("Changed a link"), "link.expired": _l("Ended a link"),
    "link.filled_in": _l("Filled in a link’s address"), "link.filled_in_withdrawn": _l("Took a filled-in address back"),
    "link.button_made": _l("Made a button for a website"), "link.button_paused": _l("Paused a button"),
    "link.button_resumed": _l("Let a button work again"), "link.button_withdrawn": _l("Took a button back"),
    "link.labelled": _l("Labelled links"), "link.paused": _l("Paused a link"), "link.resumed": _l("Opened a link again"),
    "link.sending_canceled": _l("Called a letter off"), "link.sent": _l("Sent a link by e-mail"),
    "link.sharing_changed": _l("Changed how a link is handed out"), "link.slug_changed": _l("Changed a link’s readable address"),
    "clock.moved": _l("Moved the clock of the test plan"), "clock.stopped": _l("Stopped the clock of the test plan"),
    "listing.archived": _l("Put a listing away"), "listing.created": _l("Made a listing"), "listing.edited": _l("Changed a listing"),
    "listing.published": _l("Put a listing into the directory"), "listing.restored": _l("Let a listing back into the directory"),
    "listing.review_asked": _l("Asked the staff to look at a listing again"), "listing.unarchived": _l("Took a listing out again"),
    "listing.edit_asked": _l("Changed a listing; the staff read it first"), "listing.edit_taken_back": _l("Took changes of a listing back"),
    "listing.edit_approved": _l("Let changes of a listing into the directory"), "listing.changes_asked": _l("Asked for other changes of a listing"),
    "listing.edit_rejected": _l("Did not take changes of a listing over"), "listing.reports_closed": _l("Looked at what the public says of a listing"),
    "directory.strike": _l("Held a listing against the business, as a strike"), "directory.strike_forgiven": _l("Forgave a strike"),
    "directory.pictures": _l("The plan shows another number of pictures"), "reason.written": _l("Wrote a reason for decisions about listings"),
    "schema.changed": _l("Changed the attributes of a category"),
    "reason.archived": _l("Put a reason for decisions about listings away"),
    "listing.unpublished": _l("Took a listing out of the directory"), "listing.withdrawn": _l("Took a listing out, with a reason"),
    "link.unarchived": _l("Took a link out again"), "link.unlabelled": _l("Took a label off links"), "logo.changed": _l("Changed the logo"), "logo.removed": _l("Removed the logo"),
    "member.invited": _l("Invited somebody"), "member.joined": _l("Joined the team"), "member.removed": _l("Removed somebody from the team"),
    "member.branches": _l("Changed which branches somebody sees"), "member.role": _l("Changed somebody’s role"), "message.sent_again": _l("Sent a message again"), "message.let_through": _l("Let an address through again"),
    "letters.stopped": _l("A reader had letters stopped"), "letters.wanted_again": _l("A reader wants letters again"),
    "membership.address_replaced": _l("Replaced the address of a member’s page"), "membership.cancelled": _l("Cancelled a membership"),
    "membership.kept": _l("Took back what was planned for a membership"), "membership.plan_changed": _l("Changed a member’s plan"),
    "membership_plan.changed": _l("Changed a plan for members"), "membership_plan.made": _l("Made a plan for members"),
    "membership_plan.paused": _l("Paused a plan for members"), "membership_plan.resumed": _l("Offered a plan for members again"),
    "method.bounded": _l("Changed the limits of a way to pay"), "method.moved": _l("Changed the order of the ways to pay"),
    "method.switched": _l("Switched a way to pay"), "payer_letter.changed": _l("Changed a letter to payers"), "invoices.switched": _l("Switched invoices for payments"), "receipts.changed": _l("Changed the receipts"), "refund.requested": _l("Asked for a refund"),
    "claim.opened": _l("Sent a refund link"), "claim.approved": _l("Approved a refund to an account the payer named"),
    "claim.refused": _l("Did not approve the account a payer named"), "claim.revoked": _l("Took a refund link back"),
    "passkey.added": _l("Added a passkey"), "passkey.copied": _l("A passkey was refused because somebody may have a copy of it"),
    "passkey.removed": _l("Removed a passkey"), "passkey.renamed": _l("Renamed a passkey"),
    "payment.marked_invalid": _l("Marked a payment as not valid"), "payment.marked_paid": _l("Marked a payment as paid"),
    "payments.archived": _l("Put payments away"), "payments.unarchived": _l("Took payments out again"),
    "role.changed": _l("Changed a role of your own"), "role.dropped": _l("Removed a role of your own"), "role.made": _l("Made a role of your own"),
    "second_factor.codes_renewed": _l("Made new recovery codes"), "second_factor.moved": _l("Moved two-step sign-in to another device"),
    "second_factor.off": _l("Switched two-step sign-in off"), "second_factor.on": _l("Set up two-step sign-in"),
    "second_factor.taken_off": _l("Took somebody’s two-step sign-in off"), "security.changed": _l("Changed what is asked for safety"),
    "refund.canceled": _l("Called off a refund that was waiting"),
    "app.signed_in": _l("Signed in with an app"), "app.token_reused": _l("An app was signed out because its token came twice"),
    "session.ended": _l("Signed one of their devices out"), "session.all_ended": _l("Signed out everywhere"),
    "session.mode": _l("Switched between test and live"), "staff.viewed": _l("Looked at a page"), "staff.visit_begun": _l("Began to look, and said why"),
    "staff.look_begun": _l("Began to see these pages as the owner does"), "staff.looked": _l("Saw a page as the owner does"),
    "staff.look_mode": _l("Switched between test and live while looking"), "staff.look_ended": _l("Stopped seeing these pages as the owner does"),
    "task.tried_again": _l("Had work tried again"), "style.changed": _l("Changed a style"), "style.made": _l("Made a style"), "style.put_away": _l("Put a style away"),
    "tax_rate.made": _l("Made a tax rate"), "tax_rate.put_away": _l("Put a tax rate away"),
    "transfer.accepted": _l("Accepted a transfer as it came"), "transfer.assigned": _l("Said that an unknown transfer is for a payment"),
    "transfer.given_back": _l("Sent a transfer back"), "unexpected.return_requested": _l("Gave back money that was not expected"),
    "user.reset_password": _l("Set a new password"), "user.signed_in": _l("Signed in"), "user.verified_email": _l("Confirmed the e-mail address"),
    "vendor.release_days": _l("Changed for how long money waits"),
    "vendor.changed": _l("Changed the business’s details"), "vendor.handed_over": _l("Handed the business over"),
    "vendor.signed_up": _l("Signed up"), "vendor.slug_changed": _l("Changed the business’s readable name"),
    "vendor.went_live": _l("Went live"),
    "vendor.closing_asked": _l("Asked to close the account"), "vendor.stopped": _l("The account was stopped"),
    "vendor.closing_taken_back": _l("Took the closing of the account back"),
    "vendor.closing_failed": _l("The account stays open: the balance of the plan did not arrive"),
    "vendor.erasing": _l("The days to take it back are over"), "vendor.closed": _l("The account was closed"),
    "user.forgotten": _l("Took a person out of the account"),
}  # fmt: skip
# What the filter is called, and the beginnings of the actions it lets through.
GROUPS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "money": (
        _l("Money"),
        (
            "payment.",
            "payments.",
            "large_payments.",
            "report.",
            "payout.",
            "payout_account.",
            "payout_terms.",
            "payout_receiver.",
            "refund.",
            "claim.",
            "transfer.",
            "unexpected.",
            "balance.",
            "document.",
            "day.",
            "order.",
            "order_file.",
            "dispute.",
            "write_off.",
            "debt.",
            "reserve.",
            "fee.",
            "journal.",
            "order_terms.",
            "checkout.",
        ),
    ),
    "links": (_l("Links"), ("link.", "discount.")),
    "directory": (_l("Directory"), ("listing.", "branch.", "product.", "image.", "directory.", "reason.", "schema.")),
    "customers": (_l("Customers"), ("customer.", "membership.", "membership_plan.", "message.", "letters.", "export.")),
    "people": (
        _l("People and sign-ins"),
        ("member.", "role.", "invitation.", "user.", "session.", "app.", "second_factor.", "passkey.", "vendor.handed_over"),
    ),
    "settings": (
        _l("Settings"),
        (
            "vendor.",
            "application.",
            "selling.",
            "api_key.",
            "webhook.",
            "security.",
            "receipts.",
            "invoices.",
            "method.",
            "bank_terms.",
            "tax_rate.",
            "domain.",
            "pay_domain.",
            "embed.",
            "branding.",
            "logo.",
            "attack_mode.",
            "payer_letter.",
            "style.",
            "prices.",
            "house.",
            "clock.",
            "vat_id.",
        ),
    ),
    "staff": (_l("The platform’s staff"), ("staff.", "event.", "task.", "stop.", "risk_rules.", "risk_list.", "review.")),
}


class AuditFilter(Form):
    class Meta:
        csrf = False  # reading changes nothing

    kind = ChoiceField(
        _l("What"), choices=lambda: options([("", _("Everything")), *((k, str(g[0])) for k, g in GROUPS.items())]), default=""
    )
    who = ChoiceField(_l("Who"), choices=(), default="")
    since = DayField(_l("From"))
    until = DayField(_l("Until"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names = names_of(current().vendor)
        self.who.choices = options([("", _("Everybody")), (STAFF, _("The platform’s staff")), *self.names.items()])

    def wanted(self) -> dict[str, Any]:
        """The filters as the question takes them; the last day counts whole."""
        actions = GROUPS[self.kind.data][1] if self.kind.data else ()
        return {"actions": actions, "actor": self.who.data or None, "since": self.since.data, "until": self.until.next_day}

    def kept(self) -> dict[str, str]:
        """What belongs in the address of the next page."""
        return {name: field.raw_data[0] for name, field in self._fields.items() if field.data and field.raw_data}


@portal.get("/portal/settings/audit-log")
@may("audit.see")
def audit_log() -> Response:
    me, form, after = current(), AuditFilter(request.args), cursor()
    good = form.validate()
    found = list_own_entries(me.vendor, after=after, **(form.wanted() if good else {}))
    kept = form.kept() if good else {}
    about = {str(one) for entry in found.rows for one in (entry.subject, entry.detail.get("payment"))}
    references = references_of(me.vendor, me.mode, about)
    return page(
        "portal/audit/index.html",
        fragment="portal/audit/_table.html",
        form=form,
        entries=found.rows,
        references=references,
        ways=_ways(about),
        called=_called,
        reason=_reason,
        words=WORDS,
        who=lambda actor: _who(actor, form.names),
        detail=lambda facts: facts_of(facts, references),
        changes=changes_of,
        origins=origins_of([entry for entry in found.rows if not entry.actor.startswith("stf_")]),  # staff's address is the platform's own
        kept=kept,
        newest=url_for(".audit_log", **kept) if after else None,
        older=url_for(".audit_log", after=found.next, **kept) if found.next else None,
    )


@portal.get("/portal/settings/audit-log.csv")
@may("audit.see")
def audit_file() -> Response:
    me, form = current(), AuditFilter(request.args)
    if not form.validate():
        return see_other(url_for(".audit_log", **request.args.to_dict()))
    return send_sheet(entries_sheet(me.vendor, titles=titles_for(language()), **form.wanted()), f"audit-log-{clock.now():%Y-%m-%d}")


def _ways(about: set[str]) -> dict[str, str]:
    """Where the page of a link, or of a refund’s payment, is; by the number that a line names. Only of the mode that is looked at."""
    me = current()
    links, refunds = links_named(me.vendor, me.mode, about), payments_of_refunds(me.vendor, me.mode, about)
    found = {one: url_for(".link", public_id=one) for one in links} if me.may("links.see") else {}
    return found | ({one: url_for(".payment", public_id=pay) for one, pay in refunds.items()} if me.may("payments.see") else {})


def _called(entry: AuditEntry) -> str:
    """What a line is about, in a word where there is one: a way to pay has no number."""
    return method_title(entry.subject) if entry.action.startswith("method.") else ""


def _reason(text: str) -> str:
    """One that was chosen from a list, in its words; one that somebody wrote, as it was written."""
    return str(REASONS.get(text, text))


def _who(actor: str, names: dict[str, str]) -> str:
    """Somebody of the staff has no name here: what counts for the vendor is that it was the platform, and the number to ask about."""
    if actor.startswith("stf_") or actor == "operator":
        return _("The platform’s staff")
    return names.get(actor) or str(WHO.get(actor) or _("A former member of your team"))


def changes_of(kept: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(what, before, after) of everything that an entry says was changed."""
    found = kept.get("changes") or ({"value": [kept["before"], kept["after"]]} if "before" in kept and "after" in kept else {})
    return [
        (field_word(name), _value(pair[0], name), _value(pair[1], name))
        for name, pair in found.items()
        if isinstance(pair, list) and len(pair) == 2
    ]


def _value(value: Any, name: str) -> str:
    if name == "schedule" and value in schedules():
        return schedules()[value]
    if value in (None, "", [], {}):
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return ", ".join(role_word(str(one)) for one in (value if isinstance(value, list) else [value]))  # what is no role stays as it is


def facts_of(kept: dict[str, Any], references: Mapping[str, str] | None = None) -> str:
    """An entry's facts on one line, without what is nobody's business; a payment by its reference where that is given."""
    shown = {
        name: value
        for name, value in kept.items()
        if name not in ("changes", "reason") and not ("before" in kept and "after" in kept and name in ("before", "after"))
    }
    plain = json.loads(redacted(json.dumps(shown)))
    minor, code = plain.pop("amount_minor", None), plain.pop("currency", None)
    if isinstance(minor, int) and isinstance(code, str) and is_currency(code):
        plain = {"amount": money(Money(minor, code)), **plain}
    if references and plain.get("payment") in references:
        plain["payment"] = references[plain["payment"]]
    return in_one_line(plain)


def _plainly(value: Any) -> str:
    return (_("yes") if value else _("no")) if isinstance(value, bool) else str(value)


def in_one_line(facts: dict[str, Any]) -> str:
    """`what: value · what: value`, without what is empty."""
    return " · ".join(
        f"{field_word(name)}: {', '.join(map(_plainly, value)) if isinstance(value, list) else _plainly(value)}"
        for name, value in facts.items()
        if value not in (None, "", [])
    )
