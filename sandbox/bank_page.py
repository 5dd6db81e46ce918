"""My banking app: a page where a person plays the payer's bank, mistakes included, and the bank's statements can be had."""

from urllib.parse import urlencode

from flask import Blueprint, Response, g, redirect, render_template, request

from core.web.wire.errors import WireError
from sandbox import bank
from sandbox.addresses import origin_of
from sandbox.api import account_of_key
from sandbox.bank_calls import LARGEST_NUMBER, bank_day, texts
from sandbox.bank_camt import decimal
from sandbox.bank_files import LARGEST, STORIES
from sandbox.control_page import same_site

COOKIE = "sandbox_key"
LONGEST_BACK = 2000
MISHAPS = {
    "twice": "The transfer is sent twice",
    "garbled": "Two digits of the reference are swapped",
    "bare": "The bank does not pass on my account number",
    "closed": "My account is closed afterwards: what is sent back to me bounces",
}
FIELDS = ("iban", "amount", "name", "from_iban", "reference", "booked_on")
START = {"name": "Ada Payer", "from_iban": "DE12500105170648489890"}


def make_bank_page(api, demo_key):
    """The blueprint; `demo_key` opens the page for a visitor who brings no key."""
    blueprint, page = Blueprint("bank_page", __name__), BankPage(api, demo_key)
    blueprint.get("/bank")(page.show)
    blueprint.post("/bank")(page.change)
    blueprint.post("/bank/order-files")(page.take_file)
    blueprint.get("/bank/answers/<int:number>.xml")(page.answer)
    blueprint.get("/bank/statements/<currency>/<int:number>.xml")(page.file)
    return blueprint


def way_back():
    """The page of the payment, where it was given along; None for anything that is no address of a page."""
    back = request.values.get("back", "")[:LONGEST_BACK]
    try:
        return back if origin_of(back) else None
    except ValueError:
        return None


class BankPage:
    """One page, one form handler."""

    def __init__(self, api, demo_key):
        self.api, self.demo_key = api, demo_key

    def account(self):
        try:
            return account_of_key(request.cookies.get(COOKIE) or self.demo_key or "")
        except WireError:
            return None

    def show(self, problem=None, status=200, typed=None):
        account, entries, statements, accounts, answers = self.account(), [], [], [], []
        if account:
            with self.api.store.look() as connection:
                teller = bank.Teller(connection, account)
                (entries, statements), answers = teller.latest(), teller.latest_answers()
            accounts = bank.accounts_of(account)
        asked = {name: request.args[name][:200] for name in FIELDS if name in request.args}
        page = render_template(
            "my_bank.html", nonce=g.nonce, account=account, accounts=accounts, entries=entries, statements=statements, mishaps=MISHAPS, answers=answers, stories=STORIES,
            problem=problem, typed={**dict.fromkeys(FIELDS, ""), **START, **asked, **(typed or {})}, decimal=decimal,
            said=request.args.get("said") if request.args.get("said") in SAID else None, words=SAID,
            back=way_back(), today=f"{bank.today():%A, %Y-%m-%d}",
        )  # fmt: skip
        return page, status

    def change(self):
        act, account = request.form.get("act"), self.account()
        if not same_site():
            return self.show("This form came from another site.", 403)
        if act == "open":
            return self.sign_in()
        if not account:
            return self.show("Enter a test API key first.", 401)
        try:
            with self.api.store.change() as connection:
                said = self.do(bank.Teller(connection, account), act)
        except (WireError, ValueError, KeyError) as error:
            typed = {name: request.form.get(name, "")[:200] for name in FIELDS} if act == "send" else None
            return self.show(getattr(error, "message", None) or "That cannot be done.", 422, typed)
        back = way_back()
        return redirect(f"/bank?{urlencode({'said': said, **({'back': back} if back else {})})}", 303)

    def do(self, teller, act):
        if act == "close":
            return "closed" if teller.close_statements() else "nothing"
        if act == "reverse":
            teller.reverse(min(int(request.form["entry"]), LARGEST_NUMBER))
            return "reversed"
        given = texts(request.form, *FIELDS)
        mishaps = set(request.form.getlist("mishap"))
        given["booked_on"] = bank_day(given["booked_on"])
        if "garbled" in mishaps:
            given["reference"] = bank.garble(given["reference"])
        if "closed" in mishaps and given["from_iban"]:
            teller.close_account(given["from_iban"])
        if "bare" in mishaps:
            given["from_iban"] = ""
        teller.transfer(**given, times=2 if "twice" in mishaps else 1)
        if request.form.get("at_once"):
            teller.close_statements()
            return "sent_closed"
        return "sent"

    def take_file(self):
        """Somebody carries a file of transfers to the bank."""
        request.max_content_length = LARGEST + 10_000  # with the rest of the form
        account, sent, story = self.account(), request.files.get("file"), request.form.get("story", "accept")
        if not same_site():
            return self.show("This form came from another site.", 403)
        if not account:
            return self.show("Enter a test API key first.", 401)
        try:
            if story not in STORIES or sent is None:
                raise ValueError("choose a file and an answer")
            with self.api.store.change() as connection:
                teller = bank.Teller(connection, account)
                teller.take_file(sent.stream.read(LARGEST + 1), story)
                if request.form.get("at_once"):
                    teller.close_statements()
        except (WireError, ValueError) as error:
            return self.show(getattr(error, "message", None) or "Choose a file of transfers first.", 422)
        return redirect("/bank?said=answered", 303)

    def answer(self, number):
        account = self.account()
        if account is None:
            return Response("Not found\n", 404, mimetype="text/plain")
        with self.api.store.look() as connection:
            row = next(iter(bank.Teller(connection, account).answers(min(number, LARGEST_NUMBER) - 1, 1)), None)
        if row is None or row["number"] != number:
            return Response("Not found\n", 404, mimetype="text/plain")
        name = f"{row['identity']}.xml"
        return Response(row["xml"], mimetype="application/xml", headers={"Content-Disposition": f'attachment; filename="{name}"'})

    def file(self, currency, number):
        account = self.account()
        if account is None or currency not in bank.CURRENCIES:
            return Response("Not found\n", 404, mimetype="text/plain")
        with self.api.store.look() as connection:
            row = next(iter(bank.Teller(connection, account).statements(currency, min(number, LARGEST_NUMBER) - 1)), None)
        if row is None or row["number"] != number:
            return Response("Not found\n", 404, mimetype="text/plain")
        name = f"{row['identity']}.xml"
        return Response(row["xml"], mimetype="application/xml", headers={"Content-Disposition": f'attachment; filename="{name}"'})

    def sign_in(self):
        key = request.form.get("key", "").strip()
        try:
            account_of_key(key)
        except WireError as error:
            return self.show(error.message, 422)
        response = redirect("/bank", 303)
        response.set_cookie(COOKIE, key, httponly=True, samesite="Strict", path="/bank", secure=request.is_secure)
        return response


SAID = {
    "sent": "Sent. It stands on the bank's next statement.",
    "sent_closed": "Sent, and the bank has closed a statement with it.",
    "closed": "The bank has closed its statements.",
    "nothing": "There was nothing to put on a statement.",
    "answered": "The bank has the file, and has answered it.",
    "reversed": "Taken back. It stands on the bank's next statement.",
}
