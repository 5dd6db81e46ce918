"""The hosted card page, its version for an iframe, and the 3-D Secure page: the only places where a card number is typed."""

import re
import secrets
from urllib.parse import urlencode

from flask import Blueprint, g, redirect, render_template, request

from core.web.wire.errors import WireError
from sandbox import published, stories
from sandbox.addresses import origin_of, return_url, state_of, success_url
from sandbox.confirming import BEFORE_PAYMENT, action_url, answer_challenge, confirm_intent
from sandbox.currencies import show_amount
from sandbox.methods import make_method
from sandbox.sessions import complete_session, expire_session, intent_of
from sandbox.setups import answer_setup_challenge, confirm_setup
from sandbox.typed import Typed
from sandbox.way_pages import WALLETS, choose_step


def billing(typed):
    return {"address": None, "email": typed.email or None, "name": typed.name or None, "phone": None, "tax_id": None}


def make_pages(api):
    """The blueprint. Every address carries its own right of access (a session id, a client secret, a challenge), so no cookie is used."""
    pages = Blueprint("pages", __name__)
    show = Pages(api)
    pages.add_app_template_filter(show_amount, "amount")
    pages.get("/")(show.index)
    pages.route("/c/pay/<identity>", methods=["GET", "POST"])(show.pay)
    pages.route("/elements/card", methods=["GET", "POST"])(show.element)
    pages.route("/3ds/<identity>/<challenge>", methods=["GET", "POST"])(show.challenge)
    return pages


_SITE = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
_LOOK = re.compile(r"[0-9a-f]{6}(\.[0-9a-f]{6}){3}")


def wished_look(text):
    """The colours a merchant wishes for the button in its frame: on a light page the button and its words, then the same on a dark one."""
    if not _LOOK.fullmatch(text):
        return "", ()
    return text, [f"#{colour}" for colour in text.split(".")]


def code_of(error):
    """The one word for why a card was declined."""
    return error["decline_code"] or error["code"]


def site_around(text):
    """A merchant's page may itself stand inside another site's: browsers ask for every one of them whether it may show this frame."""
    origin = origin_of(text)
    return origin if origin == text and _SITE.fullmatch(text) else None


class Pages:
    """The views; each reads and writes the store in one transaction and renders afterwards."""

    def __init__(self, api):
        self.api = api

    def index(self):
        return render_template("index.html", groups=published.GROUPS)

    # --- the hosted checkout page -------------------------------------------------------------------------------------

    def pay(self, identity):
        account = self._account("checkout.session", identity)
        if account is None:
            return self._notice("unknown", 404)
        with self.api.store.change() as connection:
            shelf = self.api.shelf(connection, account)
            session = shelf.find("checkout.session", identity)
            if session["status"] == "open" and session["expires_at"] <= shelf.now:
                session = expire_session(shelf, session)
            step = self._pay_step(shelf, session)
        g.targets = "".join(f" {origin}" for origin in {origin_of(session["success_url"]), origin_of(session["cancel_url"])} if origin)
        return step()

    def _pay_step(self, shelf, session):
        """What this request comes to, as something to render once the store has it."""
        intent = shelf.find("payment_intent", session["payment_intent"])
        if session["status"] == "complete":
            address, kind = success_url(session), state_of(session, intent)
            return (
                (lambda: redirect(address, 303))
                if request.method == "POST"
                else (lambda: self._notice(kind, session=session, onward=address))
            )
        if session["status"] == "expired":
            return lambda: self._notice("expired", session=session, onward=session["cancel_url"])
        if intent and intent["status"] == "requires_action" and (request.method == "POST" or "again" not in request.args):
            address = action_url(intent)
            return lambda: redirect(address, 303)
        if session["mode"] == "setup":
            return self._save_step(shelf, session)
        if "card" not in session["payment_method_types"]:
            return choose_step(shelf, session, intent)
        typed = Typed(request.form, wants_email=not session["customer_email"])
        items, problem = shelf.private(session["id"])["items"], None
        if request.method == "POST" and request.form.get("fill"):
            typed.fill(request.form["fill"])
        elif request.method == "POST":
            address, problem = self._pay_with(shelf, session, typed)
            if address:
                return lambda: redirect(address, 303)
        elif intent and intent["last_payment_error"]:
            problem = intent["last_payment_error"]["message"]
            typed.name, typed.email = (
                (session["customer_details"] or {}).get("name") or "",
                (session["customer_details"] or {}).get("email") or "",
            )
        status = 402 if problem and request.method == "POST" else 422 if typed.errors else 200
        return lambda: (self._form("pay.html", typed, session=session, items=items, problem=problem, wallets=WALLETS), status)

    def _pay_with(self, shelf, session, typed):
        """(address to go to, None) or (None, what went wrong)."""
        read = typed.card(shelf.now)
        if read is None:
            return None, None
        card, month, year, check = read
        email = session["customer_email"] or typed.email
        intent, session = intent_of(shelf, session, email, typed.name)
        typed.email = email
        method = make_method(shelf, card, month, year, check, billing(typed))
        try:
            paid = confirm_intent(shelf, intent, method)
        except WireError as refusal:
            return None, refusal.message
        if paid["status"] == "requires_action":
            return action_url(paid), None
        return success_url(complete_session(shelf, session, paid=paid["status"] != "processing")), None

    # --- saving a card ------------------------------------------------------------------------------------------------

    def _save_step(self, shelf, session):
        intent, known = shelf.find("setup_intent", session["setup_intent"]), session["customer_details"] or {}
        if intent["status"] == "requires_action" and (request.method == "POST" or "again" not in request.args):
            address = action_url(intent)
            return lambda: redirect(address, 303)
        typed, problem = Typed(request.form, wants_email=not known.get("email")), None
        if request.method == "POST" and request.form.get("fill"):
            typed.fill(request.form["fill"])
        elif request.method == "POST":
            address, problem = self._save_with(shelf, session, intent, typed)
            if address:
                return lambda: redirect(address, 303)
        elif intent["last_setup_error"]:
            problem = intent["last_setup_error"]["message"]
        typed.name = typed.name or known.get("name") or ""
        status = 402 if problem and request.method == "POST" else 422 if typed.errors else 200
        return lambda: (self._form("save.html", typed, session=session, problem=problem), status)

    def _save_with(self, shelf, session, intent, typed):
        """(address to go to, None) or (None, what went wrong)."""
        read = typed.card(shelf.now)
        if read is None:
            return None, None
        card, month, year, check = read
        typed.email = typed.email or (session["customer_details"] or {}).get("email") or ""
        method = make_method(shelf, card, month, year, check, billing(typed))
        try:
            saved = confirm_setup(shelf, {**intent, "payment_method": method["id"]})
        except WireError as refusal:
            return None, refusal.message
        if saved["status"] == "requires_action":
            return action_url(saved), None
        return success_url(complete_session(shelf, session)), None

    # --- the card form inside somebody's page -------------------------------------------------------------------------

    def element(self):
        identity = request.args.get("client_secret", "").partition("_secret_")[0]
        account = self._account("payment_intent", identity)
        with self.api.store.change() as connection:
            shelf = self.api.shelf(connection, account)
            intent = shelf.find("payment_intent", identity) if account is not None else None
            if intent is None or not secrets.compare_digest(
                intent["client_secret"], request.args["client_secret"].encode("ascii", "replace").decode()
            ):
                return self._notice("unknown", 404, frame=True)
            private = shelf.private(identity)
            origin = origin_of(private.get("return_url"))
            if origin is None or private.get("session"):
                return self._notice("no_return", 400, frame=True)
            around = site_around(request.args.get("around", ""))
            step = self._element_step(shelf, intent, private, origin, around)
        g.frames, g.targets = " ".join(filter(None, ("'self'", origin, around))), f" {origin}"
        return step()

    def _element_step(self, shelf, intent, private, origin, around):
        if intent["status"] not in BEFORE_PAYMENT:
            onward = return_url(intent, private["return_url"])
            return lambda: self._render("element_done.html", intent=intent, origin=origin, onward=onward)
        if intent["status"] == "requires_action" and (request.method == "POST" or "again" not in request.args):
            address = action_url(intent)
            return lambda: redirect(address, 303)
        typed, problem = Typed(request.form, wants_email=False), None
        if request.method == "POST" and request.form.get("fill"):
            typed.fill(request.form["fill"])
        elif request.method == "POST":
            read = typed.card(shelf.now)
            if read:
                dress = {name: request.args[name] for name in ("appearance", "scheme") if request.args.get(name)}
                shelf.put(intent, {**private, "framed": True, "around": around, "dress": dress})
                try:
                    card, month, year, check = read
                    done = confirm_intent(shelf, intent, make_method(shelf, card, month, year, check, billing(typed)))
                except WireError as refusal:
                    problem = refusal.message
                else:
                    address = action_url(done) if done["status"] == "requires_action" else request.url
                    return lambda: redirect(address, 303)
        elif intent["last_payment_error"] and request.args.get("told") != code_of(intent["last_payment_error"]):
            problem = intent["last_payment_error"]["message"]
        status = 402 if problem and request.method == "POST" else 422 if typed.errors else 200
        look, colours = wished_look(request.args.get("appearance", ""))
        scheme = request.args.get("scheme", "")
        scheme = scheme if scheme in ("light", "dark") else ""
        return lambda: (
            self._form(
                "element.html",
                typed,
                intent=intent,
                origin=origin,
                problem=problem,
                appearance=look,
                colours=colours,
                scheme=scheme,
                around=around,
            ),
            status,
        )

    # --- 3-D Secure ---------------------------------------------------------------------------------------------------

    def challenge(self, identity, challenge):
        kind = "setup_intent" if identity.startswith("seti_") else "payment_intent"
        account = self._account(kind, identity)
        if account is None:
            return self._notice("unknown", 404)
        with self.api.store.change() as connection:
            shelf = self.api.shelf(connection, account)
            intent, private = shelf.find(kind, identity), shelf.private(identity)
            session = shelf.find("checkout.session", private.get("session"))
            if not secrets.compare_digest(private.get("challenge") or "", challenge.encode("ascii", "replace").decode()):
                return self._notice("stale", 404)
            back = self._back(intent, private, session)
            step = self._challenge_step(shelf, intent, session, back)
        leave = session["cancel_url"] if session else private.get("return_url")
        origins = {origin_of(private.get("return_url")), origin_of(session["success_url"] if session else None), origin_of(leave)} - {None}
        g.targets = "".join(f" {origin}" for origin in sorted(origins))
        framed = origin_of(private.get("return_url")) if private.get("framed") else None
        if framed:
            g.frames = " ".join(filter(None, ("'self'", framed, private.get("around"))))
        return step(leave, framed)

    def _challenge_step(self, shelf, intent, session, back):
        if intent["status"] != "requires_action":
            address = back(intent, session)
            return lambda leave, framed: redirect(address, 303)
        method = shelf.find("payment_method", intent["payment_method"])
        answer = request.form.get("answer") if request.method == "POST" else None
        if answer == "leave" or (answer and stories.told_about(shelf, "challenge_abandoned", intent["id"])):
            return lambda leave, framed: self._notice("left", intent=intent, onward=leave, framed=framed)
        if answer in ("approve", "fail", "cancel"):
            try:
                act = answer_challenge if intent["object"] == "payment_intent" else answer_setup_challenge
                intent = act(shelf, intent, answer)
                if session:
                    session = complete_session(shelf, session, paid=intent["status"] != "processing")
            except WireError:
                intent = shelf.find(intent["object"], intent["id"])
            address = back(intent, session)
            return lambda leave, framed: redirect(address, 303)
        return lambda leave, framed: self._render("challenge.html", intent=intent, card=method["card"], framed=framed, origin=framed)

    def _back(self, intent, private, session):
        """Where the payer goes after the challenge: the shop when it is paid, else back to the card form."""

        def address(intent, session):
            if session:
                return success_url(session) if session["status"] == "complete" else f"/c/pay/{session['id']}"
            if private.get("framed"):
                around = {"around": private["around"]} if private.get("around") else {}
                return f"/elements/card?{urlencode({'client_secret': intent['client_secret'], **private.get('dress', {}), **around})}"
            return return_url(intent, private["return_url"]) if private.get("return_url") else "/"

        return address

    # --- rendering ----------------------------------------------------------------------------------------------------

    def _account(self, kind, identity):
        """Pages know no key: the id itself leads to the account."""
        row = self.api.store.connection().execute("SELECT account FROM objects WHERE id = ? AND kind = ?", (identity, kind)).fetchone()
        return row["account"] if row else None

    def _form(self, template, typed, **values):
        return self._render(template, typed=typed, groups=published.GROUPS, **values)

    def _render(self, template, **values):
        return render_template(template, nonce=g.nonce, **values)

    def _notice(self, kind, status=200, *, session=None, intent=None, onward=None, frame=False, framed=None):
        if frame:
            g.frames = "*" if status >= 400 else g.frames
        return self._render("notice.html", kind=kind, session=session, intent=intent, onward=onward, framed=framed, origin=framed), status
