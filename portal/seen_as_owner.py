"""What the platform's staff see of a vendor's own pages while they look at them as its owner, and what not: every page of the portal, in one list.

A page that stands in none of these is not shown, so a new one has to be thought about first; a test says so. Nothing is ever posted.
"""

from __future__ import annotations

from core.web.looking import PAGE, PAPER, PICTURE

# As the owner sees them, their forms among them, which send nothing.
PAGES = (
    "address_page", "application", "ask_to_accept", "ask_to_erase", "ask_to_mark", "ask_to_remove", "balance_lines", "balance_page",
    "bank_terms", "branch", "branches", "branding", "buttons", "close_account", "confirm_expiry", "confirm_new_address", "customer", "customers", "discounts",
    "dispute", "dispute_rules", "disputes", "domains", "edit_branch_form", "edit_form", "edit_listing_form", "edit_product_form",
    "edit_webhook", "embedding", "exchange_offer", "exchanges", "exports", "filled", "find", "guide", "guides", "home",
    "invoice_anew", "invoice_settings", "invoices", "issued", "key", "keys", "keys_of_member", "large_payments", "link", "link_report", "link_style",
    "links", "listing", "listings", "live", "lost_device", "marketplaces", "membership", "memberships", "method",
    "methods", "new_branch", "new_export", "new_link", "new_listing", "new_payout", "new_plan", "new_product", "new_refund_link", "new_role", "new_webhook",
    "notices", "order", "orders", "outbox", "pay_domains", "payer_letter", "payer_letters", "payment", "payments", "payout", "payout_account",
    "payout_processor", "payout_schedule", "payouts", "plan", "plan_balance", "plan_card", "plan_charge", "plan_clock", "plan_details",
    "plan_page", "plan_simulator", "poster", "preferences", "preview_change", "preview_listing", "preview_start", "products",
    "protection", "provider_event", "receipt_settings", "reference", "reference_of", "refund_link", "refund_link_list", "refunds", "report", "reports", "reserve", "review_dispute", "role",
    "send_form", "settings_page", "staff_visits", "statement", "statements", "stops", "styles", "taxes", "team", "transfer_case",
    "transfers", "webhook", "webhook_delivery", "webhooks", "why_customer", "why_payment", "why_release", "why_success", "why_taken",
)  # fmt: skip

# Of one thing each: an invoice, a statement, a file of a dispute. They look as they are printed, so no band stands above them.
PAPERS = (
    "application_paper", "dispute_enclosure", "dispute_file", "dispute_pack", "invoice", "invoice_pdf", "issued_document", "issued_pdf",
    "member_invoice", "member_invoice_pdf", "payout_pdf", "poster_pdf", "statement_pdf",
)  # fmt: skip

# What stands within one of them: a picture, a code, a frame.
PICTURES = (
    "branding_letter", "branding_preview", "branding_receipt", "button_picture", "button_qr", "own_picture", "payer_letter_picture", "plan_qr",
    "qr_png", "qr_svg",
)  # fmt: skip

# Only for those of the staff who may do the same in their own pages.
NEEDS = {"audit_log": "audit.see"}  # with the network addresses of the vendor's people

NOT_SHOWN = {
    "audit_file": "a file takes rows away",
    "customers_file": "a file takes rows away",
    "members_file": "a file takes rows away",
    "payments_file": "a file takes rows away",
    "payments_workbook": "a file takes rows away",
    "payout_file": "a file takes rows away",
    "plan_simulator_sheet": "a file takes rows away",
    "report_file": "a file takes rows away",
    "refunds_file": "a file takes rows away",
    "refunds_workbook": "a file takes rows away",
    "statement_file": "a file takes rows away",
    "take_listings_away": "a file takes rows away",
    "export": "a file takes rows away",
    "invoice_xml": "a file for software; the paper says the same",
    "member_invoice_xml": "a file for software; the paper says the same",
    "hand_out": "everything about one person, for that person, and it stands in the log that it was handed out",
    "news": "what the owner's own open page asks by itself",
    "message": "a letter has links in it that open doors for whoever it is written to",
    "security": "how the vendor's people sign in",
    "two_step": "how the owner signs in",
    "limit_form": "which of the vendor's people see what; the list of the team says it too",
    "new_device": "the secret of the owner's codes",
    "new_passkey": "how the owner signs in",
    "to_payout_processor": "opens the vendor's account at the processor",
    "back_from_processor": "asks the processor, and writes down what it says",
    "closing_now": "an account that is closed is not looked at any more",
}

SEEN: dict[str, str] = {
    **{f"portal.{name}": PAGE for name in PAGES},
    **{f"portal.{name}": PAPER for name in PAPERS},
    **{f"portal.{name}": PICTURE for name in PICTURES},
    **{f"portal.{name}": permission for name, permission in NEEDS.items()},
}
