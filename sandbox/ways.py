"""Ways to pay that are no card: which there are, what the payer may answer at the bank or in the app, and answers that come late."""

from dataclasses import dataclass

from core.web.wire.errors import bad_parameter
from sandbox import stories
from sandbox.charging import blank_charge, take
from sandbox.confirming import ask_for_challenge, fail_intent, unexpected_state
from sandbox.events import emit
from sandbox.finding import get
from sandbox.ids import new_id
from sandbox.methods import card_options

BANKS = {"test_bank_north": "Test Bank North", "test_bank_south": "Test Bank South", "test_savings_bank": "Test Savings Bank"}
_WECHAT = ("aud", "cad", "chf", "cny", "dkk", "eur", "gbp", "hkd", "jpy", "nok", "sek", "sgd", "usd")


@dataclass(frozen=True)
class Way:
    title: str
    currencies: tuple
    page: str = "bank"
    display: str | None = None  # the wire's action when it is not a redirect
    slow: bool = False  # the bank never answers at once


WAYS = {
    "ideal": Way("iDEAL", ("eur",)),
    "bancontact": Way("Bancontact", ("eur",)),
    "eps": Way("EPS", ("eur",)),
    "p24": Way("Przelewy24", ("eur", "pln")),
    "pay_by_bank": Way("Pay by Bank", ("gbp",)),
    "us_bank_account": Way("US bank account", ("usd",), slow=True),
    "paynow": Way("PayNow", ("sgd",), "qr", "paynow_display_qr_code"),
    "promptpay": Way("PromptPay", ("thb",), "qr", "promptpay_display_qr_code"),
    "swish": Way("Swish", ("sek",), "qr", "swish_handle_redirect_or_display_qr_code"),
    "twint": Way("TWINT", ("chf",), "qr"),
    "wechat_pay": Way("WeChat Pay", _WECHAT, "qr", "wechat_pay_display_qr_code"),
}
# code of the error, and what the payer is told
REFUSALS = {
    "refuse": ("payment_method_provider_decline", "Your bank did not accept the payment. Try again or choose another way to pay."),
    "cancel": ("payment_method_customer_decline", "You cancelled the payment. Try again or choose another way to pay."),
    "late_no": ("payment_method_provider_decline", "Your bank did not carry out the payment."),
}
ANSWERS = ("approve", "late_yes", "late_no", "refuse", "cancel")
_APPROVED = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": "approved_by_network",
    "reason": None,
    "risk_level": "not_assessed",
    "seller_message": "Payment complete.",
    "type": "authorized",
}


def read_types(params):
    """Reads `payment_method_types` and the options they need: the types, and what is wished of cards."""
    types = params.texts("payment_method_types", default=["card"])
    unknown = [one for one in types if one != "card" and one not in WAYS]
    if unknown or not types or len(set(types)) != len(types):
        known = ", ".join(("card", *WAYS))
        raise bad_parameter("parameter_invalid", "payment_method_types", f"Invalid payment_method_types: each is one of {known}, once.")
    options = params.inner("payment_method_options")
    wechat = options.inner("wechat_pay")
    client = wechat.choice("client", ("web", "ios", "android"))
    wechat.finish()
    card = card_options(options)
    options.finish()
    if "wechat_pay" in types and client is None:
        raise bad_parameter("parameter_missing", "payment_method_options[wechat_pay][client]", "WeChat Pay needs to know the client: web.")
    return types, card


def check_currency(types, currency):
    """Refuses a type that does not exist in this currency."""
    for one in types:
        if one != "card" and currency not in WAYS[one].currencies:
            raise bad_parameter(
                "parameter_invalid",
                "payment_method_types",
                f"The currency provided ({currency}) is invalid for {one}: {WAYS[one].currencies}.",
            )


def begin(shelf, intent, kind, billing):
    """The payer has chosen this way: the intent waits for the bank's page or the app."""
    way = WAYS[kind]
    method = shelf.put(
        {
            "id": new_id("pm"),
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": billing,
            "created": int(shelf.now),
            "customer": None,
            "livemode": False,
            "metadata": {},
            "type": kind,
            kind: {},
        }
    )
    return ask_for_challenge(shelf, {**intent, "payment_method": method["id"], "last_payment_error": None}, way.page, display=way.display)


def answer(shelf, intent, said, bank=None):
    """What the payer answered there. `late_yes` and `late_no` promise an answer that the bank gives later."""
    if intent["status"] != "requires_action":
        raise unexpected_state(intent, "answered")
    method = get(shelf, "payment_method", intent["payment_method"])
    if said in ("refuse", "cancel"):
        code, message = REFUSALS[said]
        return fail_intent(shelf, intent, method, code, message)
    details = {"type": method["type"], method["type"]: {"bank": bank} if bank in BANKS else {}}
    if said == "approve" and WAYS[method["type"]].slow:
        said = "late_yes"
    if said == "approve":
        charge = blank_charge(shelf, intent, method, payment_method_details=details)
        return _paid(shelf, intent, charge)
    charge = blank_charge(shelf, intent, method, payment_method_details=details)
    emit(shelf, "charge.pending", shelf.put(charge, {"answer": said}))
    waiting = shelf.put({**intent, "status": "processing", "next_action": None, "latest_charge": charge["id"], "last_payment_error": None})
    emit(shelf, "payment_intent.processing", waiting, intent)
    late = stories.told_about(shelf, "bank_late", intent["id"])
    shelf.later("payment", intent["id"], late["seconds"] if late else shelf.pace)
    return waiting


def _paid(shelf, intent, charge):
    done = {
        **charge,
        "amount_captured": charge["amount"],
        "captured": True,
        "outcome": dict(_APPROVED),
        "paid": True,
        "status": "succeeded",
        "balance_transaction": take(shelf, charge, charge["amount"]),
    }
    emit(shelf, "charge.succeeded", shelf.put(done))
    paid = {
        **intent,
        "status": "succeeded",
        "amount_received": charge["amount"],
        "latest_charge": charge["id"],
        "last_payment_error": None,
        "next_action": None,
    }
    emit(shelf, "payment_intent.succeeded", shelf.put(paid), intent)
    return paid


def promised(shelf, intent):
    """Whether the late answer that was chosen at the bank is a yes."""
    return shelf.private(intent["latest_charge"])["answer"] == "late_yes"


def end_processing(shelf, intent, *, good):
    """The bank's late word on a payment that is processing."""
    charge = shelf.find("charge", intent["latest_charge"])
    if good:
        return _paid(shelf, intent, charge)
    code, message = REFUSALS["late_no"]
    failed = {**charge, "status": "failed", "failure_code": code, "failure_message": message}
    emit(shelf, "charge.failed", shelf.put(failed), charge)
    return fail_intent(shelf, intent, get(shelf, "payment_method", intent["payment_method"]), code, message, charge=failed)
