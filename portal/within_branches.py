"""What a member who is limited to branches reaches: every view of the portal that they may open, in one list.

A view that stands in none of these is refused, whatever the role, so a new one has to be thought about first: before it is written here, all
that it reads goes through questions with `seen` (core/payments/seen.py), and all that it shows of the business belongs to the branch.
A test walks through every route as such a member (tests/attacks/test_within_branches.py).
"""

from __future__ import annotations

PAYMENTS = (
    "home", "find", "payments", "payments_file", "payments_workbook", "payment", "refund", "cancel_refund", "bulk_payments", "refund_many",
)  # fmt: skip

LINKS = (
    "links", "bulk", "link", "new_link", "make_link", "preview_link", "edit_form", "change_link", "pause", "resume", "confirm_expiry", "expire",
    "confirm_new_address", "new_address", "clone", "send_form", "send", "cancel_letter", "qr_svg", "qr_png", "poster", "print_poster", "poster_pdf",
)  # fmt: skip

BRANCHES = ("branches", "branch")

# Their own name, devices, second step and businesses; nothing of this one.
OWN = (
    "settings_page", "change_person", "end_device", "sign_out_everywhere", "ask_for_verification", "mode", "change_business_worked_for",
    "closing_now", "two_step", "begin_two_step", "new_device", "confirm_two_step", "renew_codes", "end_two_step",
    "begin_passkey", "new_passkey", "ask_new_passkey", "add_passkey", "rename_passkey", "remove_passkey", "ask_passkey_proof",
)  # fmt: skip

REACHED = frozenset(f"portal.{name}" for name in (*PAYMENTS, *LINKS, *BRANCHES, *OWN))
