"""The processor's own page on which a seller completes a connected account. The address carries its right of access, and is good once."""

from flask import Blueprint, g, redirect, render_template, request

from core.web.wire.errors import WireError
from sandbox import bank, connect
from sandbox.addresses import origin_of

# What the person at the page may let the processor say.
ANSWERS = {
    "ready": "Everything is in order",
    "under_review": "Hand it in: it is looked at first",
    "needs_more": "Hand it in: something is missing",
}
USUAL_IBAN = "DE89370400440532013000"


def make_connect_page(api):
    blueprint, page = Blueprint("connect", __name__), ConnectPage(api)
    blueprint.route("/connect/<identity>", methods=["GET", "POST"])(page.show)
    return blueprint


class ConnectPage:
    """One view; it reads and writes the store in one transaction and renders afterwards."""

    def __init__(self, api):
        self.api = api

    def show(self, identity):
        row = (
            self.api.store.connection()
            .execute("SELECT account FROM objects WHERE id = ? AND kind = 'account_link'", (identity,))
            .fetchone()
        )
        if row is None:
            return render_template("notice.html", kind="unknown", session=None, intent=None, onward=None, framed=None, origin=None), 404
        with self.api.store.change() as connection:
            shelf = self.api.shelf(connection, row["account"])
            link, kept = shelf.find("account_link", identity), shelf.private(identity)
            account = shelf.find("account", kept["account"])
            g.targets = "".join(f" {one}" for one in sorted({origin_of(kept["return_url"]), origin_of(kept["refresh_url"])} - {None}))
            if kept["used"] or shelf.now > link["expires_at"]:
                return redirect(kept["refresh_url"], 303)
            problem = self._act(shelf, account, link, kept) if request.method == "POST" else None
            if request.method == "POST" and problem is None:
                return redirect(kept["return_url"], 303)
        page = render_template("connect.html", account=account, answers=ANSWERS, banks=connect.BANKS, currencies=bank.CURRENCIES,
                               usual=USUAL_IBAN, typed=request.form, problem=problem)  # fmt: skip
        return page, 422 if problem else 200

    @staticmethod
    def _act(shelf, account, link, kept):
        """None when it is done, or what is wrong with the form. Leaving hands nothing in."""
        act = request.form.get("act", "")
        if act != "leave" and act not in ANSWERS:
            return "Choose one of the buttons."
        if act != "leave":
            currency, iban = request.form.get("currency", ""), request.form.get("iban", "").replace(" ", "").upper()
            holder, behaviour = request.form.get("holder", "").strip(), request.form.get("bank", "good")
            if not holder or not holder.isprintable():
                return "Enter the name on the bank account."
            try:
                account = connect.add_bank(shelf, account, currency.lower(), holder, iban, behaviour)
            except WireError as error:
                return error.message
            connect.stand(shelf, account, act)
            if act == "under_review":
                shelf.later("account_review", account["id"], shelf.pace or 0)
        shelf.put(link, {**kept, "used": True})
        return None
