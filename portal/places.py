"""The pages of the portal as somebody looks for them: their names, other words for what is on them, and where they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app, url_for
from flask_babel import lazy_gettext as _l

from core.web.guard import current

# endpoint -> (title, other words somebody may use). A test holds this against every page that needs no more than its address.
PLACES: dict[str, tuple[Any, Any]] = {
    "home": (_l("Home"), _l("overview chart success rate")),
    "payments": (_l("Payments"), _l("transactions list")),
    "refunds": (_l("Refunds"), _l("money back")),
    "refund_link_list": (_l("Refund links"), _l("another account IBAN claim approve failed refund")),
    "disputes": (_l("Disputes"), _l("chargeback retrieval evidence answer bank")),
    "dispute_rules": (_l("Small disputes"), _l("rule accept give in automatically chargeback threshold")),
    "transfers": (_l("Bank transfers"), _l("incoming money to decide overpaid late partial")),
    "orders": (_l("Orders"), _l("delivered marketplace several sellers")),
    "marketplaces": (_l("Who sells for us"), _l("marketplace consent orders other businesses")),
    "customers": (_l("Customers"), _l("payers blocked personal data")),
    "memberships": (_l("Memberships"), _l("members subscription recurring plans monthly")),
    "new_plan": (_l("New plan for members"), _l("membership subscription price make create")),
    "links": (_l("Payment links"), _l("address QR code")),
    "new_link": (_l("New link"), _l("make create payment link")),
    "listings": (_l("Directory"), _l("listings branches products opening hours pictures")),
    "new_listing": (_l("New listing"), _l("directory make create")),
    "branches": (_l("Branches"), _l("addresses opening hours team places")),
    "balance_page": (_l("Balance"), _l("available pending money owed")),
    "reserve": (_l("Reserve"), _l("held back rolling given back")),
    "exchanges": (_l("Exchange"), _l("currency rate convert foreign money")),
    "payouts": (_l("Payouts"), _l("bank transfer to me withdraw paid out")),
    "payout_account": (_l("Bank account for payouts"), _l("IBAN BIC holder change")),
    "payout_processor": (_l("Payouts through the processor"), _l("account connect Stripe instead of a bank account")),
    "payout_schedule": (_l("When you are paid out"), _l("schedule minimum daily weekly monthly payouts")),
    "new_payout": (_l("Ask for a payout"), _l("pay out now withdraw")),
    "statements": (_l("Statements"), _l("month opening closing accounting CSV")),
    "issued": (_l("Invoices you issue"), _l("invoice credit note tax number PDF")),
    "invoice_settings": (_l("Invoices for payments"), _l("settings invoice credit note switch")),
    "exports": (_l("Exports"), _l("download file CSV Excel workbook")),
    "invoices": (_l("Invoices"), _l("plan bill credit note PDF")),
    "outbox": (_l("Messages"), _l("e-mail letters receipts sent resend")),
    "notices": (_l("Notices"), _l("news bell")),
    "settings_page": (_l("Settings"), _l("business name support e-mail time zone devices password")),
    "address_page": (_l("Your name in addresses"), _l("slug readable link")),
    "branding": (_l("Branding"), _l("logo colour look telephone")),
    "styles": (_l("Styles"), _l("colours theme preset of links")),
    "receipt_settings": (_l("Receipts"), _l("settings footer legal name address")),
    "payer_letters": (_l("Letters"), _l("e-mail to payers wording text template")),
    "preferences": (_l("Notifications"), _l("settings e-mail preferences")),
    "methods": (_l("Ways to pay"), _l("card wallet bank limits order payment methods")),
    "bank_terms": (_l("Bank transfers: what counts as paid"), _l("tolerance days waited for")),
    "taxes": (_l("Tax rates"), _l("VAT sales tax")),
    "discounts": (_l("Discount codes"), _l("coupon voucher promotion")),
    "domains": (_l("Return domains"), _l("host DNS verify success page redirect")),
    "pay_domains": (_l("Payment domain"), _l("own host name custom domain DNS CNAME TXT address of payment pages")),
    "protection": (_l("Protection"), _l("card testing attack mode fraud")),
    "large_payments": (_l("Large payments"), _l("alert threshold unusual odd amount fraud")),
    "reports": (_l("Reports by e-mail"), _l("scheduled daily weekly monthly report letter figures")),
    "guides": (_l("Guides"), _l("quick start begin help how to checklist documentation developer")),
    "reference": (_l("API reference"), _l("endpoints examples curl Python Node OpenAPI documentation")),
    "keys": (_l("API keys"), _l("secret developer software integration")),
    "webhooks": (_l("Webhooks"), _l("events endpoint delivery software integration")),
    "new_webhook": (_l("New webhook"), _l("endpoint address make create")),
    "embedding": (_l("On your website"), _l("embed frame iframe button origin allowed")),
    "team": (_l("Team"), _l("settings people roles invitations owner")),
    "new_role": (_l("New role"), _l("permissions of your own team")),
    "security": (_l("Security"), _l("two-step sign-in second factor refund limit")),
    "two_step": (_l("Two-step sign-in"), _l("2FA code app device recovery passkey security key")),
    "audit_log": (_l("Who did what"), _l("audit log trail history of changes people staff")),
    "staff_visits": (_l("Who looked"), _l("platform staff visits support access")),
    "application": (_l("Application to go live"), _l("approval documents questions platform")),
    "stops": (_l("What is stopped"), _l("held payments payouts listings stopped by the platform")),
    "live": (_l("Going live"), _l("real money live mode")),
    "plan_page": (_l("Plan"), _l("subscription price upgrade cancel hibernate invoice charge")),
    "plan_card": (_l("Card that pays"), _l("plan save card expiry")),
    "plan_details": (_l("Billing details"), _l("invoice address VAT number currency time zone")),
    "plan_balance": (_l("Balance of the plan"), _l("credit pay back")),
    "plan_simulator": (_l("Plan simulator"), _l("forecast cost coming year")),
    "plan_clock": (_l("Time machine"), _l("test plan clock move")),
    "close_account": (_l("Closing the account"), _l("delete cancel end business")),
    "why_taken": (_l("Taken by day"), _l("sum of payments captured turnover revenue")),
    "why_success": (_l("Success rate"), _l("paid declined share")),
}


@dataclass(frozen=True)
class Place:
    """A page of the portal, as somebody may look for it."""

    title: str
    words: str
    href: str


def places_for(text: str) -> list[Place]:
    """Those that this person may open and that every one of these words is about: whose name they stand in first."""
    wanted = text.casefold().split()
    if not wanted:
        return []
    known = [Place(str(title), str(words), url_for(f"portal.{name}")) for name, (title, words) in PLACES.items() if _may_open(name)]
    found = [place for place in known if all(word in f"{place.title} {place.words}".casefold() for word in wanted)]
    return sorted(found, key=lambda place: not any(word in place.title.casefold() for word in wanted))


def _may_open(name: str) -> bool:
    me, view = current(), f"portal.{name}"
    return me.reaches(view) and me.may(vars(current_app.view_functions[view])["__access__"])
