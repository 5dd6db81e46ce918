"""Through whom the money really came: what is written down when another way paid than the chosen one, and who is asked about it."""

from __future__ import annotations

from tests.checkout.test_stages import address_of
from tests.checkout.ways import at_the_bank, choose, offer
from tests.factories import fresh, make_payment, tell, unit
from tests.sandbox.running import answer_bank, wait_until


def test_what_really_paid_is_written_down_also_when_another_way_was_chosen(payer, shop, sandbox, work, live_server):
    from tests.sandbox.running import pay

    offer(shop, "wallet")
    payment = make_payment(shop)
    page = payer.get(address_of(shop, payment))
    pay(choose(payer, page, "wallet"), "4000056655665556")
    page = payer.get(f"{page.address}/return")
    assert page.heading == "Paid" and "Visa debit ending in 5556" in page.text
    paid = fresh(shop, payment)
    assert (paid.method, paid.method_kind, paid.card_funding, paid.provider) == ("card", "card", "debit", "sandbox")


def test_news_that_name_no_kind_are_completed_by_later_ones(shop):
    """An event may leave out how it was paid; asking says it, and says it was another way than the chosen one."""
    from core.kernel.money import Money

    offer(shop, "wallet")
    payment = make_payment(shop)
    attempt = wallet_attempt(shop, payment)
    facts = {"charge": f"ch_{payment.public_id}", "captured": payment.amount}
    assert tell(shop, payment, attempt, "succeeded", **facts) == "settled"
    assert (fresh(shop, payment).method, fresh(shop, payment).method_kind) == ("wallet", None)
    more = {"card_brand": "visa", "card_last4": "4242", "card_funding": "credit", "method": "card", "kind": "card"}
    tell(shop, payment, attempt, "succeeded", **facts, **more, fee=Money(55, "GBP"), fee_reference="txn_1" + payment.public_id)
    known = fresh(shop, payment)
    assert (known.method, known.method_kind, known.card_funding, known.card_last4) == ("card", "card", "credit", "4242")


def wallet_attempt(shop, payment):
    from core.payments.attempt import begin_attempt, record_opening
    from core.providers.contract import Opening

    with unit(shop.app):
        attempt = begin_attempt(shop.vendor, payment, method="wallet")
        return record_opening(
            shop.vendor, attempt, Opening(provider_reference=f"cs_{payment.public_id}", redirect_url="http://127.0.0.1/x")
        )


def test_a_webhook_is_heard_for_the_provider_of_its_attempt(payer, euro, sandbox, work, live_server):
    """The payer never comes back: the event alone settles it."""
    offer(euro, "bank_redirect")
    payment = make_payment(euro)
    page = payer.get(address_of(euro, payment))
    answer_bank(at_the_bank(choose(payer, page, "bank_redirect"), "bancontact", sandbox), "approve")
    wait_until(lambda: (work(), fresh(euro, payment).state)[1] == "succeeded")
    assert payer.get(page.address).heading == "Paid"
