"""The pages of ways to pay that are no card: choosing one, the wallet's sheet, the bank, the code to scan and the app that scans it."""

import secrets

import segno
from flask import Blueprint, g, redirect, render_template, request
from markupsafe import Markup

from core.web.wire.errors import WireError
from sandbox import published, stories, ways
from sandbox.addresses import origin_of, success_url
from sandbox.confirming import action_url, confirm_intent
from sandbox.methods import make_method
from sandbox.sessions import complete_session, intent_of
from sandbox.typed import is_email

WALLETS = {"apple_pay": "Apple Pay", "google_pay": "Google Pay"}
IN_THE_WALLET = ("pm_card_visa", "pm_card_visa_debit", "pm_card_visa_chargeDeclinedInsufficientFunds")


def make_way_pages(api):
    """The blueprint; like the card pages, each address carries its own right of access."""
    pages, show = Blueprint("ways", __name__), WayPages(api)
    pages.route("/wallet/<identity>/<kind>", methods=["GET", "POST"])(show.wallet)
    for page in ("bank", "qr", "app"):
        pages.add_url_rule(f"/{page}/<identity>/<challenge>", page, getattr(show, page), methods=["GET", "POST"])
    return pages


def choose_step(shelf, session, intent):
    """The hosted page of a session that takes no card: which way, then on to its page."""
    types = session["payment_method_types"]
    email, chosen, problems = session["customer_email"] or request.form.get("email", "").strip()[:254], request.form.get("type"), {}
    if request.method == "POST":
        if chosen not in types:
            problems["type"] = "Choose one of these."
        if not is_email(email):
            problems["email"] = "Enter an e-mail address, like name@example.com."
        if not problems:
            intent, session = intent_of(shelf, session, email, None)
            address = action_url(ways.begin(shelf, intent, chosen, _billing(email)))
            return lambda: redirect(address, 303)
    told = intent["last_payment_error"]["message"] if intent and intent["last_payment_error"] else None
    items = shelf.private(session["id"])["items"]
    known = {one: ways.WAYS[one].title for one in types}
    return lambda: (
        render_template("ways.html", session=session, items=items, types=known, email=email, problems=problems, told=told),
        422 if problems else 200,
    )


def _billing(email):
    return {"address": None, "email": email or None, "name": None, "phone": None, "tax_id": None}


class WayPages:
    """The views; each reads and writes the store in one transaction and renders afterwards."""

    def __init__(self, api):
        self.api = api

    def _account(self, kind, identity):
        row = self.api.store.connection().execute("SELECT account FROM objects WHERE id = ? AND kind = ?", (identity, kind)).fetchone()
        return row["account"] if row else None

    # --- the wallet: a card that is already known ---------------------------------------------------------------------

    def wallet(self, identity, kind):
        account = self._account("checkout.session", identity)
        if account is None or kind not in WALLETS:
            return _notice("unknown", 404)
        with self.api.store.change() as connection:
            shelf = self.api.shelf(connection, account)
            session = shelf.find("checkout.session", identity)
            step = self._wallet_step(shelf, session, kind)
        g.targets = _targets(session)
        return step()

    def _wallet_step(self, shelf, session, kind):
        if session["status"] != "open" or "card" not in session["payment_method_types"]:
            return lambda: redirect(f"/c/pay/{session['id']}", 303)
        problem, token = None, request.form.get("card") if request.method == "POST" else None
        if request.method == "POST" and token not in IN_THE_WALLET:
            problem = "Choose one of the cards."
        elif token:
            email = session["customer_email"] or "payer@wallet.example"
            intent, session = intent_of(shelf, session, email, "Wallet Payer")
            card = published.card_by_token(token)
            wallet = {"type": kind, kind: {}, "dynamic_last4": card.last4}
            method = make_method(shelf, card, 12, 2034, None, {**_billing(email), "name": "Wallet Payer"}, wallet=wallet)
            try:
                confirm_intent(shelf, intent, method)
            except WireError as refusal:
                problem = refusal.message
            else:
                address = success_url(complete_session(shelf, session))
                return lambda: redirect(address, 303)
        cards = [published.card_by_token(one) for one in IN_THE_WALLET]
        status = 402 if problem and token in IN_THE_WALLET else 422 if problem else 200
        return lambda: (render_template("wallet.html", session=session, wallet=WALLETS[kind], cards=cards, problem=problem), status)

    # --- the bank, the code and the app ---------------------------------------------------------------------------------

    def bank(self, identity, challenge):
        return self._elsewhere(identity, challenge, "bank")

    def app(self, identity, challenge):
        """The payer's telephone. It stays where it is afterwards: the page with the code goes on by itself."""
        return self._elsewhere(identity, challenge, "app")

    def qr(self, identity, challenge):
        return self._elsewhere(identity, challenge, "qr")

    def _elsewhere(self, identity, challenge, page):
        account = self._account("payment_intent", identity)
        if account is None:
            return _notice("unknown", 404)
        with self.api.store.change() as connection:
            shelf = self.api.shelf(connection, account)
            intent, private = shelf.find("payment_intent", identity), shelf.private(identity)
            session = shelf.find("checkout.session", private.get("session"))
            if not secrets.compare_digest(private.get("challenge") or "", challenge.encode("ascii", "replace").decode()):
                return _notice("stale", 404)
            step = self._step(shelf, intent, session, page, challenge)
        g.targets = _targets(session)
        return step()

    def _step(self, shelf, intent, session, page, challenge):
        answer = request.form.get("answer") if request.method == "POST" else None
        if intent["status"] == "requires_action":
            if answer == "leave" or (answer and stories.told_about(shelf, "challenge_abandoned", intent["id"])):
                return lambda: _notice("left", onward=session["cancel_url"])
            if answer in ways.ANSWERS:
                intent = ways.answer(shelf, intent, answer, request.form.get("bank"))
                if intent["status"] in ("succeeded", "processing"):
                    session = complete_session(shelf, session, paid=intent["status"] == "succeeded")
        if intent["status"] == "requires_action":
            kind = shelf.find("payment_method", intent["payment_method"])["type"]
            return lambda: self._ask(intent, session, page, challenge, ways.WAYS[kind])
        if page == "app":
            return lambda: render_template("app_done.html", intent=intent, session=session)
        address = success_url(session) if session["status"] == "complete" else f"/c/pay/{session['id']}"
        return lambda: redirect(address, 303)

    def _ask(self, intent, session, page, challenge, way):
        app = f"{self.api.public_url()}/app/{intent['id']}/{challenge}"
        return render_template(f"{page}.html", intent=intent, session=session, way=way, banks=ways.BANKS, app=app, code=_code(app))


def _code(address):
    """The address as a QR code drawn into the page."""
    return Markup(segno.make(address, error="m", micro=False).svg_inline(scale=6, border=4, title="QR code", light="#fff"))


def _targets(session):
    """Where the forms of these pages may lead: the shop's own addresses."""
    origins = {origin_of(session["success_url"]), origin_of(session["cancel_url"])} - {None}
    return "".join(f" {origin}" for origin in sorted(origins))


def _notice(kind, status=200, *, onward=None):
    return render_template("notice.html", kind=kind, session=None, intent=None, onward=onward, framed=None, origin=None), status
