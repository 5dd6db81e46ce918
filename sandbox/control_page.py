"""The page where a person picks stories and sees what was delivered."""

from urllib.parse import urlsplit

from flask import Blueprint, g, redirect, render_template, request

from core.web.wire.errors import WireError
from sandbox import connect, disputes, mishaps, payouts, stories, transfers
from sandbox.api import account_of_key
from sandbox.sessions import end_by_hand

COOKIE = "sandbox_key"
MOST_PROCESSING = 20
_LATEST = """
SELECT d.*, o.body ->> '$.type' AS type FROM deliveries d JOIN objects o ON o.id = d.event WHERE d.account = ? ORDER BY d.seq DESC LIMIT 25"""


def make_control_page(api, demo_key):
    """The blueprint; `demo_key` opens the page for a visitor who brings no key."""
    blueprint, page = Blueprint("control_page", __name__), ControlPage(api, demo_key)
    blueprint.get("/stories")(page.show)
    blueprint.post("/stories")(page.change)
    return blueprint


def same_site():
    """Forms are taken from our own pages only; a request without an Origin is no browser's."""
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host


class ControlPage:
    """One page, one form handler; the account's key is kept in a cookie of this page alone."""

    def __init__(self, api, demo_key):
        self.api, self.demo_key = api, demo_key

    def account(self):
        try:
            return account_of_key(request.cookies.get(COOKIE) or self.demo_key or "")
        except WireError:
            return None

    def show(self, problem=None, status=200):
        account, running, deliveries, processing, disputed, sellers, sent = self.account(), [], [], [], [], [], []
        if account:
            with self.api.store.look() as connection:
                shelf = self.api.shelf(connection, account)
                running, processing = (
                    stories.listed(shelf),
                    shelf.rows("payment_intent", equal={"status": "processing"}, count=MOST_PROCESSING),
                )
                disputed = shelf.rows("dispute", among={"status": [*disputes.OPEN, *disputes.ASKING, "won"]}, count=MOST_PROCESSING)
                sellers = [(one, shelf.private(one["id"]).get("banks", {})) for one in shelf.rows("account", count=MOST_PROCESSING)]
                sent = transfers.payouts_under_way(shelf, MOST_PROCESSING)
                deliveries = connection.execute(_LATEST, (account,)).fetchall()
        page = render_template("stories.html", nonce=g.nonce, account=account, stories=stories.STORIES, running=running,
                               deliveries=deliveries, processing=processing, disputed=disputed, mishaps=mishaps.MISHAPS,
                               sellers=sellers, sent=sent, standings=connect.STANDINGS, banks=connect.BANKS, problem=problem)  # fmt: skip
        return page, status

    def change(self):
        act, account = request.form.get("act"), self.account()
        if not same_site():
            return self.show("This form came from another site.", 403)
        if act == "open":
            return self.sign_in()
        if act == "leave":
            response = redirect("/stories", 303)
            response.delete_cookie(COOKIE, path="/stories")
            return response
        if not account:
            return self.show("Enter a test API key first.", 401)
        try:
            with self.api.store.change() as connection:
                self.do(self.api.shelf(connection, account), act)
        except (WireError, ValueError, KeyError) as error:
            return self.show(getattr(error, "message", None) or "Enter whole numbers.", 422)
        return redirect("/stories", 303)

    def do(self, shelf, act):
        if act in ("end", "end_all"):
            stories.end(shelf, int(request.form["story"]) if act == "end" else None)
            return
        if act in ("succeeded", "failed"):
            end_by_hand(shelf, request.form["payment_intent"], act)
            return
        if act and act.startswith("dispute_"):
            disputes.by_hand(shelf, request.form["dispute"], act.removeprefix("dispute_"))
            return
        if act in ("pay_out", "collect"):
            payouts.pay_out(shelf, at_once=True, collect=act == "collect")
            return
        if act == "seller":
            connect.by_hand(
                shelf, request.form["account"], outcome=request.form.get("outcome") or None, behaviour=request.form.get("bank") or None
            )
            return
        if act and act.startswith("sent_"):
            transfers.end_payout(shelf, request.form["payout"], act.removeprefix("sent_"))
            return
        if act == "mishap":
            mishaps.do(shelf, request.form.get("mishap", ""), subject=request.form.get("subject", "").strip()[:80] or None)
            return
        seconds, times = request.form.get("seconds"), request.form.get("times")
        stories.add(
            shelf,
            request.form.get("story", ""),
            seconds=min(max(int(seconds), 0), stories.MOST_SECONDS) if seconds else None,
            times=min(max(int(times), 1), 100_000) if times else None,
        )

    def sign_in(self):
        key = request.form.get("key", "").strip()
        try:
            account_of_key(key)
        except WireError as error:
            return self.show(error.message, 422)
        response = redirect("/stories", 303)
        response.set_cookie(COOKIE, key, httponly=True, samesite="Strict", path="/stories", secure=request.is_secure)
        return response
