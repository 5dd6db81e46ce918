"""Connected accounts: sellers who have an account of their own here, opened by the platform and completed on the processor's page."""

from core.web.wire.errors import WireError, bad_parameter, not_found, wrong_state
from core.web.wire.lists import envelope
from sandbox import bank
from sandbox.calls import call
from sandbox.events import emit
from sandbox.finding import embedded, get, list_page
from sandbox.ids import letters, new_id

LINK_SECONDS = 300
CURRENCY_OF = {"GB": "gbp", "US": "usd", "CH": "chf", "JP": "jpy", "KW": "kwd"}  # euros everywhere else
_IDENTITY = "individual.verification.document"
# What a person may let an account be: is it submitted, what is due, what is being looked at, why it is closed, may it be paid out, transfers.
STANDINGS = {
    "to_complete": (False, ["external_account", "tos_acceptance.date"], [], "requirements.past_due", False, "inactive"),
    "needs_more": (True, [_IDENTITY], [], "requirements.past_due", False, "inactive"),
    "under_review": (True, [], [_IDENTITY], "requirements.pending_verification", False, "pending"),
    "ready": (True, [], [], None, True, "active"),
    "restricted": (True, [], [], "rejected.other", False, "inactive"),
}
# What the account's bank does with payouts that are sent to it.
BANKS = {
    "good": "Takes what is sent",
    "closed": "The account is closed: payouts fail",
    "comes_back": "Takes it first, and sends it back later",
    "slow": "Says nothing until somebody decides on the stories page",
}


def other(shelf, account):
    """The shelf of a connected account of this platform's. Raises 403 as the wire does for one that is not its own."""
    if shelf.find("account", account) is None:
        raise WireError(
            403, "invalid_request_error", f"The provided key does not have access to account '{account[:60]}' (or it does not exist).",
            code="account_invalid", stored=False,
        )  # fmt: skip
    return shelf.beside(account)


def stand(shelf, account, standing):
    """Brings an account to one of STANDINGS and tells the platform."""
    submitted, due, pending, disabled, paid_out, transfers = STANDINGS[standing]
    changed = {
        **account,
        "details_submitted": submitted,
        "charges_enabled": paid_out,
        "payouts_enabled": paid_out,
        "capabilities": {"transfers": transfers},
        "requirements": _requirements(due, pending, disabled),
    }
    shelf.put(changed)
    emit(shelf, "account.updated", changed, account, account=account["id"])
    return changed


def _requirements(due, pending, disabled):
    return {
        "alternatives": [], "current_deadline": None, "currently_due": due, "disabled_reason": disabled, "errors": [], "eventually_due": due,
        "past_due": due, "pending_verification": pending,
    }  # fmt: skip


def add_bank(shelf, account, currency, holder, iban, behaviour="good"):
    """The bank account that payouts in this currency go to from now on. The one before stays, and is paid no more."""
    if currency.upper() not in bank.CURRENCIES:
        raise bad_parameter("parameter_invalid", "currency", "Choose one of the currencies.")
    if not bank.is_iban(iban):
        raise bad_parameter("parameter_invalid", "iban", "This is not an IBAN. Check it sign by sign.")
    if behaviour not in BANKS:
        raise bad_parameter("parameter_invalid", "bank", f"bank is one of {', '.join(BANKS)}.")
    made = {
        "id": new_id("ba"), "object": "bank_account", "account": account["id"], "account_holder_name": holder[:70] or None,
        "account_holder_type": None, "account_type": None, "available_payout_methods": ["standard"], "bank_name": "SANDBOX BANK",
        "country": iban[:2], "currency": currency, "default_for_currency": True, "fingerprint": letters(16), "last4": iban[-4:],
        "metadata": {}, "routing_number": None, "status": "new",
    }  # fmt: skip
    for one in reversed(account["external_accounts"]["data"]):
        shelf.put({**one, "default_for_currency": False} if one["currency"] == currency else one)
    for one in shelf.rows("bank_account", equal={"account": account["id"], "currency": currency, "default_for_currency": True}):
        shelf.put({**one, "default_for_currency": False})
    shelf.put(made)
    held = {**account, "external_accounts": embedded(shelf, "bank_account", _banks_url(account["id"]), {"account": account["id"]})}
    banks = {**shelf.private(account["id"]).get("banks", {}), currency: behaviour}
    return shelf.put(held, {**shelf.private(account["id"]), "banks": banks})


def paid_out_to(shelf, account, currency):
    """The bank account that a payout in this currency goes to; None where there is none."""
    mine = {"account": account["id"], "currency": currency, "default_for_currency": True}
    of_before = [one for one in account["external_accounts"]["data"] if one["currency"] == currency]  # from when it stood there only
    return next(iter([*shelf.rows("bank_account", equal=mine, count=1), *of_before]), None)


def _banks_url(identity):
    return f"/v1/accounts/{identity}/external_accounts"


def set_bank(shelf, account, behaviour):
    """What the bank does from now on, in every currency of the account."""
    if behaviour not in BANKS:
        raise bad_parameter("parameter_invalid", "bank", f"bank is one of {', '.join(BANKS)}.")
    kept = shelf.private(account["id"])
    shelf.put(account, {**kept, "banks": dict.fromkeys(kept.get("banks", {}), behaviour)})


def review_later(shelf, identity):
    """What the clock does with an account that was handed in: the processor has looked at it and found nothing."""
    account = shelf.find("account", identity)
    if account["requirements"]["pending_verification"]:
        stand(shelf, account, "ready")


def by_hand(shelf, identity, *, outcome=None, behaviour=None, currency=None, iban=None, holder="Sandbox Seller"):
    """What a person decides about an account: where it stands, its bank account, and what that bank does."""
    account = shelf.find("account", identity)
    if account is None:
        raise not_found("account", str(identity)[:80])
    if currency or iban:
        account = add_bank(
            shelf, account, str(currency or "").lower(), holder, str(iban or "").replace(" ", "").upper(), behaviour or "good"
        )
    elif behaviour:
        set_bank(shelf, account, behaviour)
    if outcome is not None and outcome not in STANDINGS:
        raise bad_parameter("parameter_invalid", "outcome", f"outcome is one of {', '.join(STANDINGS)}.")
    if outcome == "ready" and not account["external_accounts"]["data"]:
        raise bad_parameter("parameter_invalid", "outcome", "Name a bank account first: an account without one is not ready.")
    return stand(shelf, account, outcome) if outcome else account


# --- the wire ---------------------------------------------------------------------------------------------------------------


@call("POST", "accounts")
def create_account(shelf, params):
    kind, country = params.choice("type", ("express", "custom"), required=True), params.text("country", longest=2, default="DE").upper()
    email, business = params.text("email", longest=254), params.choice("business_type", ("individual", "company", "non_profit"))
    metadata, asked = params.metadata(), params.inner("capabilities").inner("transfers").boolean("requested")
    interval = _interval(params, "daily")
    params.finish()
    if not asked:
        raise bad_parameter("parameter_missing", "capabilities[transfers][requested]", "Ask for the transfers capability.")
    submitted, due, pending, disabled, paid_out, transfers = STANDINGS["to_complete"]
    account = {
        "id": new_id("acct"), "object": "account", "business_profile": {"mcc": None, "name": None, "url": None}, "business_type": business,
        "capabilities": {"transfers": transfers}, "charges_enabled": paid_out, "controller": {"type": "application", "is_controller": True},
        "country": country, "created": int(shelf.now), "default_currency": CURRENCY_OF.get(country, "eur"), "details_submitted": submitted,
        "email": email, "metadata": metadata, "payouts_enabled": paid_out, "requirements": _requirements(due, pending, disabled),
        "settings": _settings(interval), "tos_acceptance": {"date": None}, "type": kind,
    }  # fmt: skip
    account["external_accounts"] = envelope(_banks_url(account["id"]), [], False)
    return shelf.put(account)


def _interval(params, usual):
    return params.inner("settings").inner("payouts").inner("schedule").choice("interval", ("manual", "daily"), default=usual)


def _settings(interval):
    return {
        "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
        "card_payments": {"statement_descriptor_prefix": None},
        "dashboard": {"display_name": None, "timezone": "Etc/UTC"},
        "payments": {"statement_descriptor": None},
        "payouts": {"debit_negative_balances": False, "schedule": {"delay_days": 2, "interval": interval}, "statement_descriptor": None},
    }


@call("POST", "accounts/<id>")
def update_account(shelf, params, identity):
    account = get(shelf, "account", identity)
    metadata, email = params.metadata(account["metadata"]), params.text("email", longest=254, default=account["email"])
    interval = _interval(params, account["settings"]["payouts"]["schedule"]["interval"])
    params.finish()
    return shelf.put({**account, "metadata": metadata, "email": email, "settings": _settings(interval)})


@call("GET", "accounts/<id>")
def read_account(shelf, params, identity):
    params.finish()
    return get(shelf, "account", identity)


@call("GET", "accounts")
def list_accounts(shelf, params):
    return list_page(shelf, params, "account", "/v1/accounts", created=params.between("created"))


@call("GET", "accounts/<id>/external_accounts")
def list_banks(shelf, params, identity):
    get(shelf, "account", identity)
    params.choice("object", ("bank_account",))  # nobody has a card here
    return list_page(shelf, params, "bank_account", _banks_url(identity), equal={"account": identity})


@call("POST", "account_links")
def create_link(shelf, params):
    """An address at which the account's owner completes it; good for one visit, and for a few minutes."""
    account = get(shelf, "account", params.text("account", required=True), "account")
    back, again = params.url("return_url", required=True), params.url("refresh_url", required=True)
    params.choice("type", ("account_onboarding",), required=True)
    params.finish()
    if account["requirements"]["disabled_reason"] == "rejected.other":
        raise wrong_state("This account was rejected and cannot be completed.", "account_invalid")
    link = {"id": f"alink_{letters(32)}", "object": "account_link", "created": int(shelf.now), "expires_at": int(shelf.now) + LINK_SECONDS}
    shelf.put(link, {"account": account["id"], "return_url": back, "refresh_url": again, "used": False})
    shown = {name: value for name, value in link.items() if name != "id"}
    return {**shown, "url": f"{shelf.public_url}/connect/{link['id']}"}
