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


def portal_exports() -> str:
    return f"{settings().public_url}/portal/exports"


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


def portal_claim(number: str) -> str:
    """A refund link, for its vendor."""
    return f"{settings().public_url}/portal/refund-links/{number}"


def payer_page(token: str, of: Vendor | None = None) -> str:
    """Everything one payer paid one vendor."""
    return f"{_home(of)}/mine/{token}"


def receipt_pdf(token: str, of: Vendor | None = None) -> str:
    return f"{_home(of)}/receipt/{token}.pdf"


def portal_transfers() -> str:
    return f"{settings().public_url}/portal/transfers"


def portal_reserve() -> str:
    """What is kept in reserve of a business's sales."""
    return f"{settings().public_url}/portal/balance/reserve/held"


def staff_day(mode: str, day: str) -> str:
    """A closed day of the books, for the staff."""
    return f"{settings().public_url}/staff/days/{mode}/{day}"


def portal_payouts(number: str = "") -> str:
    """All payouts of a business, or one of them."""
    return f"{settings().public_url}/portal/payouts{'/' + number if number else ''}"


def portal_application() -> str:
    """How a business's way into live mode stands."""
    return f"{settings().public_url}/portal/live/application"


def portal_stops() -> str:
    """What the staff have stopped for a business."""
    return f"{settings().public_url}/portal/settings/stops"


def portal_disputes(number: str = "") -> str:
    """All disputes of a business, or one of them."""
    return f"{settings().public_url}/portal/disputes{'/' + number if number else ''}"


def portal_invoice(document: str) -> str:
    """An invoice or a credit note, for the business it is made out to."""
    return f"{settings().public_url}/portal/invoices/{document}"


def portal_webhook(endpoint: str) -> str:
    """One endpoint of a business's own software, with what was sent there."""
    return f"{settings().public_url}/portal/webhooks/{endpoint}"


def notices() -> str:
    """What happened, for whoever is signed in; and from there what they want to hear of."""
    return f"{settings().public_url}/portal/notices"


def closing(token: str) -> str:
    """Where the closing of an account is taken back."""
    return f"{settings().public_url}/closing/{token}"


def portal_plan() -> str:
    """The plan a business subscribes to: what comes next, and where it is changed and paid."""
    return f"{settings().public_url}/portal/plan"


def portal_protection() -> str:
    return f"{settings().public_url}/portal/settings/protection"


def portal_reports(number: str = "") -> str:
    """The reports that come by e-mail, or one of them."""
    return f"{settings().public_url}/portal/reports{'/' + number if number else ''}"


def portal_report_rows(number: str) -> str:
    """What one of them was added up from, as a file, for whoever is signed in and may export."""
    return f"{settings().public_url}/portal/reports/{number}/rows.csv"


def portal_payment(payment: str) -> str:
    return f"{settings().public_url}/portal/payments/{payment}"


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


def portal_link(link: str) -> str:
    return f"{settings().public_url}/portal/links/{link}"


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


def portal_key(key: str) -> str:
    """A key of a business's own software."""
    return f"{settings().public_url}/portal/keys/{key}"


def portal_pay_domains() -> str:
    """A business's own host names for its payment pages."""
    return f"{settings().public_url}/portal/settings/pay-domains"


def portal_audit_log() -> str:
    return f"{settings().public_url}/portal/settings/audit-log"


def portal_listing(listing: str) -> str:
    return f"{settings().public_url}/portal/listings/{listing}"


def plan_card() -> str:
    """Which card pays for the plan of a business."""
    return f"{settings().public_url}/portal/plan/card"


def portal_message(message: str) -> str:
    """A letter in the list of messages, and what became of it."""
    return f"{settings().public_url}/portal/outbox/{message}"


def stop_letters(token: str) -> str:
    """Where the reader of a letter asks for no more of its kind, without signing in."""
    return f"{settings().public_url}/letters/{token}"


def why_taken(first: str, last: str, currency: str) -> str:
    """What came in over some days in one currency, payment by payment."""
    return f"{settings().public_url}/portal/why/taken?since={first}&until={last}&currency={currency}"


def preferences() -> str:
    """What somebody wants to be told, and how."""
    return f"{settings().public_url}/portal/settings/notifications"


def several(token: str) -> str:
    """The payer's page of a checkout with several sellers."""
    return f"{settings().public_url}/o/{token}"


def save_card(token: str) -> str:
    """Where a payer saves a card."""
    return f"{settings().public_url}/cards/{token}"
