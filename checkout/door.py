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
from checkout.blueprint import door
from checkout.preview import draw_link

PAGES = (
    buy, claim, country, history, hooks, join, letters, member, member_acts, member_papers, pay, payer, payer_memberships, practice, receipt, result, save_card,
    several, transfer, try_card, verify,
)  # fmt: skip


def register(app: Flask) -> None:
    result.PAGES["transfer"] = transfer.transfer_page
    app.register_blueprint(door)
    embed.register(app)
    app.extensions["draw_link"] = draw_link  # for the portal, which may not know this door: wsgi.py opens both
