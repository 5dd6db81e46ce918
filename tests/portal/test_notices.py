"""Who is told what: notices and choices of the team, receipts sent again, and what a vendor adds to them."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import text

from core.kernel.db import db
from core.kernel.money import Money
from core.notifications.notices import post_notice
from tests.browser import Browser
from tests.core.payments.transfers import TestBank, begin_transfer, transfer
from tests.factories import (  # fmt: skip
    Shop,
    ask_refund,
    fresh,
    make_colleague,
    make_link,
    make_paid,
    make_payment,
    tell,
    tell_refund,
    unit,
)


def test_news_is_told_once_and_read_by_each_person_for_themselves(shop: Shop, owner: Browser, work: Callable[[], int]) -> None:
    colleague = make_colleague(shop, "support").browser()
    paid = make_paid(shop)
    tell_refund(shop, ask_refund(shop, paid, "5.00"), "failed", failure_reason="lost")
    work()
    assert next(e.text for e in owner.get("/portal/").all("span", class_="bell-count")).startswith("2")
    page = owner.get("/portal/notices?kind=refund_failed")
    opening = next(e.attrs["action"] for e in page.all("form") if e.attrs.get("action", "").endswith("/open"))
    assert owner.submit(page.form(opening)).address.endswith(paid.public_id)
    assert next(e.text for e in owner.get("/portal/").all("span", class_="bell-count")).startswith("1")
    owner.submit(owner.get("/portal/notices").form("/portal/notices/read"))
    assert not owner.get("/portal/").all("span", class_="bell-count") and colleague.get("/portal/").all("span", class_="bell-count")
    owner.get("/portal/notices?kind=nonsense", status=404)


def test_each_person_chooses_what_is_shown_and_mailed(shop: Shop, owner: Browser, work: Callable[[], int]) -> None:
    accountant = make_colleague(shop, "accountant")
    theirs = accountant.browser()
    form = theirs.get("/portal/settings/notifications").form("/portal/settings/notifications")
    form.values.pop("shown_payment_received")
    theirs.submit(form, mailed_payment_received="y")
    business = owner.get("/portal/settings/notifications").form("/portal/settings/notifications/business")
    assert business.values["mailed_payment_received"] == "y", "the business's address is told without choosing"
    business.values.pop("mailed_payment_received")
    owner.submit(business)
    make_paid(shop)
    work()
    with unit(shop.app):
        told = db.session.scalars(
            text("SELECT recipient FROM messages WHERE vendor_id = :v AND kind = 'payment_received'"), {"v": shop.vendor.id}
        ).all()
    assert told == [accountant.user.email]
    assert "Nothing here yet" in theirs.get("/portal/notices").text and "Payment received" in owner.get("/portal/notices").text


def test_unexpected_money_is_news_and_a_task(shop: Shop, owner: Browser, work: Callable[[], int]) -> None:
    from core.kernel.clock import now

    paid = make_paid(shop)
    tell(shop, paid, None, "succeeded", charge="ch_second", captured=paid.amount, card_brand="visa", card_last4="4242", occurred_at=now())
    work()
    home = owner.get("/portal/")
    assert (
        "£25.00 arrived that was not expected" in home.text and "Money arrived that was not expected" in owner.get("/portal/notices").text
    )
    assert "Unexpected money" in owner.get(f"/portal/payments/{paid.public_id}").text


def test_a_receipt_is_sent_again_to_an_address_put_right(shop: Shop, owner: Browser, work: Callable[[], int]) -> None:
    make_paid(shop, email="misspelt@example.com")
    work()
    receipt = next(
        one for one in owner.get("/portal/outbox").links() if "/outbox/msg_" in one and "receipt" in owner.get(one).heading.lower()
    )
    address = receipt.removeprefix("http://localhost") + "/again"
    assert owner.submit(owner.get(receipt).form(address), email="nobody", status=422).errors
    page = owner.submit(owner.get(receipt).form(address), email="right@example.com")
    work()
    assert "right@example.com" in owner.get(page.address).text and "misspelt@example.com" in owner.get("/portal/outbox").text
    assert "No message is in this state" in owner.get("/portal/outbox?state=failed").text
    owner.get("/portal/outbox?state=nonsense", status=404)


def test_receipts_say_what_the_vendor_adds_and_leave_off_what_it_does_not_want(
    shop: Shop, owner: Browser, stranger: Browser, work: Callable[[], int]
) -> None:
    from core.payments.start import receipt_token

    form = owner.get("/portal/settings/receipts").form("/portal/settings/receipts")
    form.values.pop("show_payer")
    owner.submit(
        form,
        legal_name="Blue Door <Ltd>",
        postal_address="1 Mill Lane\nYork",
        registration="Co. 0123",
        paragraph="Bring the bag.",
        footer="Thank you.",
    )
    paid = make_paid(shop, name="Ada Payer")
    with unit(shop.app):
        sheet = stranger.client.get(f"/receipt/{receipt_token(shop.vendor, fresh(shop, paid))}").get_data(as_text=True)
    assert all(word in sheet for word in ("Blue Door &lt;Ltd&gt;", "1 Mill Lane", "York", "Co. 0123", "Bring the bag.", "Thank you."))
    assert "Ada Payer" not in sheet and "ada@example.com" not in sheet
    work()
    with unit(shop.app):
        letter = db.session.scalar(text("SELECT text FROM messages WHERE vendor_id = :v AND kind = 'receipt'"), {"v": shop.vendor.id})
    assert "Bring the bag." in letter
    assert owner.submit(owner.get("/portal/settings/receipts").form("/portal/settings/receipts"), footer="x" * 301, status=422).errors


def test_a_notice_of_a_refund_names_what_went_back_and_not_what_was_paid(shop: Shop, owner: Browser, work: Callable[[], int]) -> None:
    paid = make_paid(shop)
    tell_refund(shop, ask_refund(shop, paid, "10.00"), "succeeded")
    tell_refund(shop, ask_refund(shop, paid, "15.00"), "failed", failure_reason="lost")
    work()
    told = {
        kind: owner.get(f"/portal/notices?kind={kind}").all("ul", class_="notices-list")[0].text
        for kind in ("refund_sent", "refund_failed", "payment_received")
    }
    assert "£10.00 · " in told["refund_sent"] and "£15.00 · " in told["refund_failed"] and "£25.00 · " in told["payment_received"]


def test_a_notice_of_before_that_did_not_keep_its_sum_says_none(shop: Shop, owner: Browser) -> None:
    paid = make_paid(shop)
    with unit(shop.app):
        post_notice(shop.vendor, "refund_sent", mode="test", about=paid.public_id)
    assert "£" not in owner.get("/portal/notices?kind=refund_sent").all("ul", class_="notices-list")[0].text


def test_money_that_was_not_expected_is_told_with_its_own_sum(shop: Shop, owner: Browser) -> None:
    from core.kernel.clock import now

    paid = make_paid(shop)
    tell(
        shop,
        paid,
        None,
        "succeeded",
        charge="ch_other",
        captured=Money.of("7.00", "GBP"),
        card_brand="visa",
        card_last4="4242",
        occurred_at=now(),
    )
    assert "£7.00 · " in owner.get("/portal/notices?kind=unexpected_money").all("ul", class_="notices-list")[0].text


def test_a_transfer_to_decide_is_told_with_what_waits_and_is_no_news_once_decided(shop: Shop, owner: Browser) -> None:
    payment = make_payment(shop, make_link(shop, currency="USD", amount="18.00"))
    reference = begin_transfer(shop, payment).provider_reference or ""
    TestBank(shop).tell(transfer(2500, reference))
    told = "/portal/notices?kind=transfer_decision"
    before = owner.get(told).all("ul", class_="notices-list")[0].text
    assert "USD 7.00 · " in before and "New" in before and "decided" not in before
    owner.submit(owner.get("/portal/transfers").form(f"/portal/payments/{payment.public_id}/transfer/give-back"))
    after = owner.get(told).all("ul", class_="notices-list")[0].text
    assert "USD 7.00 · " in after and "New" not in after and "decided" in after
