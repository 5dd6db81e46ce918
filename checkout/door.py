"""Opens the checkout: brings in every file with pages and hands their routes to the application."""

from __future__ import annotations

from flask import Flask

from checkout import (
    buy,
    claim,
    country,
    embed,
    history,
    hooks,
    join,
    letters,
    member,
    member_acts,
    member_papers,
    pay,
    payer,
    payer_memberships,
    practice,
    receipt,
    result,
    save_card,
    several,
    transfer,
    try_card,
    verify,
)
from checkout.blueprint import door, nothing_here
from checkout.preview import draw_link
from core.web import pay_host

PAGES = (
    buy, claim, country, history, hooks, join, letters, member, member_acts, member_papers, pay, payer, payer_memberships, practice, receipt, result, save_card,
    several, transfer, try_card, verify,
)  # fmt: skip

# Payers' pages that stand on our own host only: a checkout of several sellers is nobody's alone, and what stops letters is said in them.
AT_HOME = ("several", "several_state", "pay_several", "back_to_several", "letters", "stop")
# What stands on a vendor's own host name beside the pages that a signed address opens.
BESIDE = (
    "checkout.by_readable_name", "checkout.practice_by_name", "checkout.start_by_name", "checkout.start_practice_by_name", "checkout.verify",
    "checkout.look", "static", "logo",
)  # fmt: skip


def register(app: Flask) -> None:
    result.PAGES["transfer"] = transfer.transfer_page
    app.register_blueprint(door)
    embed.register(app)
    app.extensions[pay_host.SERVED] = pay_host.Served(_on_vendors_hosts(app), nothing_here)
    app.extensions["draw_link"] = draw_link  # for the portal, which may not know this door: wsgi.py opens both


def _on_vendors_hosts(app: Flask) -> frozenset[str]:
    """Everything of this door that a signed address opens, but for what stands at home; and what stands beside."""
    signed = {rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.startswith("checkout.") and "token" in rule.arguments}
    return frozenset(signed - {f"checkout.{name}" for name in AT_HOME} | set(BESIDE))
