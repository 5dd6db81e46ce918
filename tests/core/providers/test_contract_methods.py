"""The contract's clauses about ways to pay: what an adapter declares, it can open; what really paid is told; late answers are final."""

from dataclasses import replace

import pytest

from core.kernel.money import Money
from core.providers.contract import METHODS, Offer, ProviderRefused
from tests.core.providers.wishes import read_all, refund, wish
from tests.sandbox.running import answer_bank, ask, choose_way, pay, post_form

# method -> (a currency it is offered in, the kind the payer picks, the country it needs)
SAMPLES = {
    "wallet": ("GBP", "apple_pay", None),
    "bank_redirect": ("EUR", "ideal", "NL"),
    "qr": ("SGD", "paynow", "SG"),
}
ELSEWHERE = ["bank_redirect", "qr"]


def opened(provider, method, **changes):
    currency, _, country = SAMPLES[method]
    once = wish(method=method, country=country, **{"currency": currency, **changes})
    return once, provider.open_payment(once)


def at_the_bank(provider, sandbox, method, answer, **changes):
    """Opens, chooses, and answers at the bank or in the app; gives the wish and the opening."""
    once, opening = opened(provider, method, **changes)
    answer_bank(choose_way(sandbox, opening.redirect_url, SAMPLES[method][1]), answer)
    return once, opening


def in_the_wallet(opening, token="pm_card_visa", kind="apple_pay"):
    session = opening.redirect_url.rsplit("/", 1)[1]
    return post_form(opening.redirect_url.replace(f"/c/pay/{session}", f"/wallet/{session}/{kind}"), card=token)


# --- what is declared --------------------------------------------------------------------------------------------------


def test_every_offer_is_one_of_the_contracts_methods_with_bounds_that_mean_something(provider):
    offers = provider.methods()
    assert offers and {offer.method for offer in offers} <= set(METHODS)
    for offer in offers:
        assert offer.kind and offer.name and offer.surfaces <= {"hosted", "fields"} and offer.surfaces
        assert 0 <= offer.delayed_days <= 30 and (offer.refunds or not offer.partial_refunds)
        assert all(len(code) == 3 and code.isupper() for code in offer.currencies or ())
        assert all(len(code) == 2 and code.isupper() for code in offer.countries or ())
        assert all(0 <= least < most for least, most in offer.limits.values())


def test_declaring_asks_nobody(sandbox):
    from core.providers.stripe import Stripe
    from tests.sandbox.running import free_port

    nowhere = Stripe("sandbox", "test", key="sk_test_x", publishable_key="", secrets=[], api_base=f"http://127.0.0.1:{free_port()}")
    assert [offer.method for offer in nowhere.methods()] == ["card", "wallet"]


def test_whatever_is_declared_can_be_opened_in_each_of_its_currencies(provider):
    """The smallest sum that every currency of the table allows, and the first of the offer's countries."""
    for offer in provider.methods():
        for currency in sorted(offer.currencies or {"GBP", "JPY", "KWD"}):
            amount = Money({"JPY": 5000, "KWD": 50_000, "SEK": 50_000}.get(currency, 5000), currency)
            once = wish(method=offer.method, country=min(offer.countries) if offer.countries else None, amount=amount)
            assert provider.open_payment(once).redirect_url, (offer, currency)


@pytest.mark.parametrize(
    ("method", "changes"),
    [
        ("bank_redirect", {"currency": "JPY", "country": None}),
        ("bank_redirect", {"currency": "EUR", "country": "JP"}),
        ("qr", {"currency": "SEK", "country": None, "surface": "fields"}),
        ("bank_transfer", {"currency": "EUR", "country": None}),
        ("bank_redirect", {"currency": "EUR", "country": "NL", "surface": "fields"}),
        ("cash", {}),
    ],
)
def test_what_is_not_offered_is_refused_before_anybody_is_asked(provider, sandbox, key, method, changes):
    with pytest.raises(ProviderRefused) as refusal:
        provider.open_payment(wish(method=method, **changes))
    assert refusal.value.code == "method_not_offered"
    assert sandbox.call("GET", "checkout/sessions", key)[2]["data"] == []


@pytest.mark.parametrize(
    ("asked", "objection"),
    [
        (("EUR", 1000, 1000, "NL"), None),
        (("EUR", 1000, 1000, None), None),
        (("GBP", 1000, 1000, "NL"), "currency"),
        (("EUR", 1000, 1000, "DE"), "country"),
        (("EUR", 99, 99, "NL"), "below"),
        (("EUR", 50, 150, "NL"), None),
        (("EUR", 5001, 9000, "NL"), "above"),
        (("EUR", 100, 100, "NL"), None),
        (("EUR", 5000, 5000, "NL"), None),
    ],
)
def test_an_offers_objection_names_its_bound(asked, objection):
    offer = Offer("bank_redirect", "ideal", "iDEAL", frozenset({"EUR"}), frozenset({"NL"}), {"EUR": (100, 5000)})
    assert offer.objection(*asked) == objection


# --- each method, opened and paid ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", SAMPLES)
def test_opening_takes_no_money_and_is_the_same_when_asked_again(provider, sandbox, key, method):
    once, opening = opened(provider, method)
    assert provider.open_payment(once) == opening
    assert ask("GET", opening.redirect_url)[0] == 200
    assert provider.inquire(opening.provider_reference).state == "requires_method"
    assert sandbox.charges(key) == []


def test_another_method_under_the_same_reference_is_refused(provider):
    once, _ = opened(provider, "bank_redirect")
    with pytest.raises(ProviderRefused):
        provider.open_payment(replace(once, method="card"))


@pytest.mark.parametrize("method", ELSEWHERE)
def test_a_payment_approved_at_the_bank_is_paid_and_says_how(provider, sandbox, key, method):
    once, opening = at_the_bank(provider, sandbox, method, "approve")
    outcome = provider.inquire(opening.provider_reference)
    assert (outcome.state, outcome.captured, outcome.method, outcome.kind) == ("succeeded", once.amount, method, SAMPLES[method][1])
    assert outcome.card_last4 is None and outcome.fee and outcome.charge.startswith("ch_")
    assert [charge["status"] for charge in sandbox.charges(key)] == ["succeeded"]


@pytest.mark.parametrize("kind", ["apple_pay", "google_pay"])
def test_a_wallet_is_told_as_that_wallet_with_the_card_in_it(provider, kind):
    _, opening = opened(provider, "wallet")
    assert in_the_wallet(opening, "pm_card_visa_debit", kind)[0] == 303
    outcome = provider.inquire(opening.provider_reference)
    assert (outcome.state, outcome.method, outcome.kind, outcome.card_last4) == ("succeeded", "wallet", kind, "5556")


def test_a_card_typed_on_the_page_for_wallets_is_told_as_a_card(provider):
    _, opening = opened(provider, "wallet")
    pay(opening.redirect_url)
    outcome = provider.inquire(opening.provider_reference)
    assert (outcome.method, outcome.kind) == ("card", "card")


@pytest.mark.parametrize(
    ("number", "funding"), [("4242424242424242", "credit"), ("4000056655665556", "debit"), ("5105105105105100", "prepaid")]
)
def test_credit_debit_and_prepaid_cards_are_told_apart(provider, number, funding):
    opening = provider.open_payment(wish())
    pay(opening.redirect_url, number)
    outcome = provider.inquire(opening.provider_reference)
    assert (outcome.method, outcome.card_funding) == ("card", funding)


@pytest.mark.parametrize("method", ELSEWHERE)
@pytest.mark.parametrize(("answer", "code"), [("refuse", "payment_method_provider_decline"), ("cancel", "payment_method_customer_decline")])
def test_a_no_at_the_bank_is_a_decline_and_the_attempt_stays_open(provider, sandbox, key, method, answer, code):
    _, opening = at_the_bank(provider, sandbox, method, answer)
    outcome = provider.inquire(opening.provider_reference)
    assert (outcome.state, outcome.decline_code, outcome.charge, outcome.method) == ("declined", code, None, method)
    answer_bank(choose_way(sandbox, opening.redirect_url, SAMPLES[method][1]), "approve")
    assert provider.inquire(opening.provider_reference).state == "succeeded"
    assert len(sandbox.charges(key)) == 1


def test_a_declined_wallet_stays_open(provider, sandbox, key):
    _, opening = opened(provider, "wallet")
    assert in_the_wallet(opening, "pm_card_visa_chargeDeclinedInsufficientFunds")[0] == 402
    assert provider.inquire(opening.provider_reference).decline_code == "insufficient_funds"
    assert in_the_wallet(opening)[0] == 303
    assert provider.inquire(opening.provider_reference).state == "succeeded"


@pytest.mark.parametrize("method", ELSEWHERE)
def test_a_payer_who_leaves_the_bank_has_paid_nothing_and_may_be_closed(provider, sandbox, key, method):
    _, opening = opened(provider, method)
    address = choose_way(sandbox, opening.redirect_url, SAMPLES[method][1])
    answer_bank(address, "leave")
    assert provider.inquire(opening.provider_reference).state == "requires_action"
    assert provider.cancel(opening.provider_reference).state == "canceled"
    answer_bank(address, "approve")
    assert provider.inquire(opening.provider_reference).state == "canceled"
    assert sandbox.charges(key) == []


@pytest.mark.parametrize("method", SAMPLES)
def test_a_cancelled_attempt_cannot_be_paid(provider, sandbox, key, method):
    _, opening = opened(provider, method)
    assert provider.cancel(opening.provider_reference).state == "canceled"
    if method == "wallet":
        in_the_wallet(opening)
    else:
        post_form(opening.redirect_url, type=SAMPLES[method][1], email="ada@example.com")
    assert provider.inquire(opening.provider_reference).state == "canceled"
    assert sandbox.charges(key) == []


# --- answers that come later ---------------------------------------------------------------------------------------------


@pytest.fixture
def patience(sandbox, key):
    """Banks that answer later do so when the test says."""
    sandbox.story(key, "bank_late", seconds=3600)

    def answer(provider, opening, said):
        intent = provider.inquire(opening.provider_reference).payment_intent
        return sandbox.control("POST", "processing", key, payment_intent=intent, outcome=said)[0] == 200

    return answer


@pytest.mark.parametrize("method", ELSEWHERE)
def test_a_late_yes_is_processing_and_then_paid_once(provider, sandbox, key, patience, method):
    once, opening = at_the_bank(provider, sandbox, method, "late_yes")
    waiting = provider.inquire(opening.provider_reference)
    assert (waiting.state, waiting.captured, waiting.method) == ("processing", None, method)
    assert patience(provider, opening, "succeeded") and not patience(provider, opening, "failed")
    outcome = provider.inquire(opening.provider_reference)
    assert (outcome.state, outcome.captured) == ("succeeded", once.amount)
    assert [charge["status"] for charge in sandbox.charges(key)] == ["succeeded"]


@pytest.mark.parametrize("method", ELSEWHERE)
def test_a_late_no_is_a_decline_whose_page_is_used_up(provider, sandbox, key, patience, method):
    _, opening = at_the_bank(provider, sandbox, method, "late_no")
    assert patience(provider, opening, "failed")
    outcome = provider.inquire(opening.provider_reference)
    assert (outcome.state, outcome.decline_code, outcome.closed) == ("declined", "payment_method_provider_decline", True)
    post_form(opening.redirect_url, type=SAMPLES[method][1], email="ada@example.com")
    assert provider.cancel(opening.provider_reference).closed
    assert [charge["status"] for charge in sandbox.charges(key)] == ["failed"]


def test_what_the_bank_is_working_on_cannot_be_closed(provider, sandbox, patience):
    _, opening = at_the_bank(provider, sandbox, "bank_redirect", "late_yes")
    assert provider.cancel(opening.provider_reference).state == "processing"
    assert patience(provider, opening, "succeeded")
    assert provider.cancel(opening.provider_reference).state == "succeeded"


def test_a_bank_that_never_answers_at_once_is_declared_as_delayed(provider, sandbox, patience):
    once = wish(method="bank_redirect", currency="USD", country="US")
    opening = provider.open_payment(once)
    answer_bank(choose_way(sandbox, opening.redirect_url, "us_bank_account"), "approve")
    outcome = provider.inquire(opening.provider_reference)
    assert outcome.state == "processing"
    assert next(offer for offer in provider.methods() if offer.kind == outcome.kind).delayed_days > 0


def test_the_late_answer_comes_by_itself_and_is_told(provider, sandbox, catcher):
    once, _ = at_the_bank(provider, sandbox, "bank_redirect", "late_yes")
    catcher.hear("payment_intent.processing", "charge.succeeded")
    told = {event.type: event for event in read_all(provider, catcher)}
    assert told["payment_intent.processing"].outcome.state == "processing"
    assert told["payment_intent.processing"].metadata == dict(once.metadata)
    good = told["charge.succeeded"].outcome
    assert (good.state, good.captured, good.method, good.kind) == ("succeeded", once.amount, "bank_redirect", "ideal")
    catcher.hear("checkout.session.async_payment_succeeded")


def test_the_late_no_is_told_with_its_reason(provider, sandbox, catcher):
    at_the_bank(provider, sandbox, "qr", "late_no")
    catcher.hear("payment_intent.payment_failed", "checkout.session.async_payment_failed")
    told = {event.type: event for event in read_all(provider, catcher)}
    assert (told["payment_intent.payment_failed"].outcome.state, told["payment_intent.payment_failed"].outcome.method) == ("declined", "qr")


# --- giving back ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ELSEWHERE)
def test_what_is_declared_refundable_is_given_back_in_parts(provider, sandbox, key, method):
    offer = next(offer for offer in provider.methods() if offer.kind == SAMPLES[method][1])
    assert offer.refunds and offer.partial_refunds
    _, opening = at_the_bank(provider, sandbox, method, "approve")
    outcome = provider.inquire(opening.provider_reference)
    assert refund(provider, outcome, 1000).state == "succeeded"
    assert refund(provider, outcome, 1500).state == "succeeded"
    assert sandbox.charges(key)[0]["amount_refunded"] == 2500
