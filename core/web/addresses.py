"""The addresses we write into messages and onto papers: whole ones, because their reader is somewhere else.

Those of payers' pages take the vendor, and begin with its own host name where it has one in use. Without it they are ours, which
every address works on for ever.
"""

from __future__ import annotations

from core.accounts.models import Vendor
from core.accounts.pay_host import home_of
from core.kernel.config import settings


def _home(of: Vendor | None) -> str:
    return settings().public_url if of is None else home_of(of)


def _portal(page: str, mode: str, of: Vendor) -> str:
    """A page of the portal, in the mode and of the business that it is about: `portal/live.py: show_what_a_letter_means` sees to it."""
    return f"{settings().public_url}/portal/{page}{'&' if '?' in page else '?'}mode={mode}&business={of.public_id}"


def _portal_of(page: str, of: Vendor) -> str:
    """The same of a page that shows both modes."""
    return f"{settings().public_url}/portal/{page}?business={of.public_id}"


def verification(token: str) -> str:
    return f"{settings().public_url}/verify-email/{token}"


def password_reset(token: str = "") -> str:
    """The page that sets a new password; without a token the one that asks for the link."""
    return f"{settings().public_url}/reset-password{'/' + token if token else ''}"


def invitation(token: str) -> str:
    return f"{settings().public_url}/invitation/{token}"


def export(token: str) -> str:
    """A long export's file."""
    return f"{settings().public_url}/export/{token}"


def portal_exports(mode: str, of: Vendor) -> str:
    return _portal("exports", mode, of)


def checkout(token: str, of: Vendor | None = None) -> str:
    """One payment's own page."""
    return f"{_home(of)}/checkout/{token}"


def sale_document(token: str, number: str, of: Vendor | None = None) -> str:
    """The paper of an invoice or a credit note, behind the receipt of its payment."""
    return f"{_home(of)}/receipt/{token}/documents/{number}.pdf"


def status(token: str, of: Vendor | None = None) -> str:
    """What happened to a payment, for its payer: by the token of the payment, or later of its receipt."""
    return f"{_home(of)}/status/{token}"


def receipt(token: str, of: Vendor | None = None) -> str:
    return f"{_home(of)}/receipt/{token}"


def claim(token: str, of: Vendor | None = None) -> str:
    """Where a payer says to which account a refund goes."""
    return f"{_home(of)}/claim/{token}"


def portal_claim(number: str, mode: str, of: Vendor) -> str:
    """A refund link, for its vendor."""
    return _portal(f"refund-links/{number}", mode, of)


def payer_page(token: str, of: Vendor | None = None) -> str:
    """Everything one payer paid one vendor."""
    return f"{_home(of)}/mine/{token}"


def receipt_pdf(token: str, of: Vendor | None = None) -> str:
    return f"{_home(of)}/receipt/{token}.pdf"


def portal_transfers(mode: str, of: Vendor) -> str:
    return _portal("transfers", mode, of)


def portal_reserve(mode: str, of: Vendor) -> str:
    """What is kept in reserve of a business's sales."""
    return _portal("balance/reserve/held", mode, of)


def portal_owed(currency: str, mode: str, of: Vendor) -> str:
    """What a business owes in a currency, with the lines behind it."""
    return _portal(f"balance/owed?currency={currency}", mode, of)


def staff_day(mode: str, day: str) -> str:
    """A closed day of the books, for the staff."""
    return f"{settings().public_url}/staff/days/{mode}/{day}"


def portal_payouts(mode: str, of: Vendor) -> str:
    """All payouts of a business."""
    return _portal("payouts", mode, of)


def portal_payout(number: str, mode: str, of: Vendor) -> str:
    return _portal(f"payouts/{number}", mode, of)


def portal_application(of: Vendor) -> str:
    """How a business's way into live mode stands."""
    return _portal_of("live/application", of)


def portal_stops(mode: str, of: Vendor) -> str:
    """What the staff have stopped for a business."""
    return _portal("settings/stops", mode, of)


def portal_dispute(number: str, mode: str, of: Vendor) -> str:
    """One dispute, for its business."""
    return _portal(f"disputes/{number}", mode, of)


def portal_invoice(document: str, mode: str, of: Vendor) -> str:
    """An invoice or a credit note, for the business it is made out to."""
    return _portal(f"invoices/{document}", mode, of)


def portal_webhook(endpoint: str, mode: str, of: Vendor) -> str:
    """One endpoint of a business's own software, with what was sent there."""
    return _portal(f"webhooks/{endpoint}", mode, of)


def notices(mode: str, of: Vendor) -> str:
    """What happened, for whoever is signed in; and from there what they want to hear of."""
    return _portal("notices", mode, of)


def closing(token: str) -> str:
    """Where the closing of an account is taken back."""
    return f"{settings().public_url}/closing/{token}"


def portal_plan(mode: str, of: Vendor) -> str:
    """The plan a business subscribes to: what comes next, and where it is changed and paid."""
    return _portal("plan", mode, of)


def portal_protection(mode: str, of: Vendor) -> str:
    return _portal("settings/protection", mode, of)


def portal_reports(mode: str, of: Vendor, number: str = "") -> str:
    """The reports that come by e-mail, or one of them."""
    return _portal(f"reports{'/' + number if number else ''}", mode, of)


def portal_report_rows(number: str, mode: str, of: Vendor) -> str:
    """What one of them was added up from, as a file, for whoever is signed in and may export."""
    return _portal(f"reports/{number}/rows.csv", mode, of)


def portal_payment(payment: str, mode: str, of: Vendor) -> str:
    return _portal(f"payments/{payment}", mode, of)


def payment_link(token: str, of: Vendor | None = None) -> str:
    """A link's signed address: its own, one sent by e-mail, or one with answers filled in."""
    return f"{_home(of)}/pay/{token}"


def fresh_start(link: str, payment: str, of: Vendor | None = None) -> str:
    """A link's address for somebody who has begun there before: what they typed is filled in."""
    return f"{payment_link(link, of)}?again={payment}"


def readable_link(mode: str, vendor: str, slug: str, of: Vendor | None = None) -> str:
    """The address that people can read and type. Practice links say so in it."""
    return f"{_home(of)}/pay/{'test/' if mode == 'test' else ''}{vendor}/{slug}"


def joining(token: str, of: Vendor | None = None) -> str:
    """Where people join a plan of a business."""
    return f"{_home(of)}/j/{token}"


def verify() -> str:
    """Where anybody can ask whether something is really ours."""
    return f"{settings().public_url}/verify"


def statement_keys() -> str:
    """The public keys under which our statements are signed."""
    return f"{settings().public_url}/.well-known/jwks.json"


def api(path: str) -> str:
    """Something of the API by its path below the version."""
    return f"{settings().public_url}/api/v1{path}"


def sign_in() -> str:
    """Where people sign in with a browser."""
    return f"{settings().public_url}/sign-in"


def directory() -> str:
    """The public directory of everybody who is in it."""
    return f"{settings().public_url}/directory"


def listing(address: str, branch: str = "") -> str:
    """A business's page in it, or that of one of its branches."""
    return f"{directory()}/{address}{'/' + branch if branch else ''}"


def two_step() -> str:
    """One's own second step: app, passkeys, recovery codes."""
    return f"{settings().public_url}/portal/two-step"


def portal_key(key: str, mode: str, of: Vendor) -> str:
    """A key of a business's own software."""
    return _portal(f"keys/{key}", mode, of)


def portal_pay_domains(of: Vendor) -> str:
    """A business's own host names for its payment pages."""
    return _portal_of("settings/pay-domains", of)


def portal_audit_log(of: Vendor) -> str:
    return _portal_of("settings/audit-log", of)


def portal_listing(listing: str, mode: str, of: Vendor) -> str:
    return _portal(f"listings/{listing}", mode, of)


def plan_card(mode: str) -> str:
    """Which card pays for the plan of a business."""
    return f"{settings().public_url}/portal/plan/card?mode={mode}"


def portal_message(message: str, mode: str, of: Vendor) -> str:
    """A letter in the list of messages, and what became of it."""
    return _portal(f"outbox/{message}", mode, of)


def stop_letters(token: str) -> str:
    """Where the reader of a letter asks for no more of its kind, without signing in."""
    return f"{settings().public_url}/letters/{token}"


def why_taken(first: str, last: str, currency: str, mode: str, of: Vendor) -> str:
    """What came in over some days in one currency, payment by payment."""
    return _portal(f"why/taken?since={first}&until={last}&currency={currency}", mode, of)


def preferences(mode: str, of: Vendor) -> str:
    """What somebody wants to be told, and how."""
    return _portal("settings/notifications", mode, of)


def several(token: str) -> str:
    """The payer's page of a checkout with several sellers."""
    return f"{settings().public_url}/o/{token}"


def save_card(token: str) -> str:
    """Where a payer saves a card."""
    return f"{settings().public_url}/cards/{token}"
