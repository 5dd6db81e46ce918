"""The list of refund links: those that wait first, filters and pages in the address, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.kernel.clock import now
from core.kernel.money import Money
from core.payments.claim import revoke_claim
from core.payments.claim_models import RefundClaim
from core.payments.models import Payment
from portal.refund_link_list import SHOWN
from tests.browser import Browser, Page
from tests.core.payments.claims import THEIRS, failed_refund, named, opened
from tests.core.payments.transfers import TestBank, begin_transfer, euros_at_another_bank
from tests.core.providers.statements import Line, Tx
from tests.factories import Shop, again, fresh, make_colleague, make_link, make_payment, make_shop, unit

LIST = "/portal/refund-links"


@pytest.fixture(autouse=True)
def euros() -> Iterator[None]:
    with euros_at_another_bank():
        yield


def from_nobody_knows_where(shop: Shop, amount: str = "600.00") -> Payment:
    """A transfer of which the bank did not say whose account it came from: parts of it are paid one after the other."""
    payment = make_payment(shop, make_link(shop, amount=amount, currency="EUR"))
    attempt = begin_transfer(shop, payment)
    TestBank(shop, "EUR").tell(
        Line((Tx(payment.amount_minor, reference=attempt.provider_reference or "", name=""),), booked_on=now().date())
    )
    return fresh(shop, payment)


def taken_back(shop: Shop, claim: RefundClaim) -> RefundClaim:
    with unit(shop.app):
        return revoke_claim(shop.vendor, again(claim), by=shop.user.public_id)


def many(shop: Shop, count: int) -> list[RefundClaim]:
    """So many links that were taken back, oldest first."""
    payment = from_nobody_knows_where(shop)
    return [taken_back(shop, opened(shop, payment, None, Money(100 + n, "EUR"))) for n in range(count)]


def listed(page: Page) -> list[str]:
    """The numbers of the links on a page, in its order."""
    return [a.attrs["href"].rpartition("/")[2] for a in page.all("a") if a.attrs.get("href", "").startswith(f"{LIST}/rcl_")]


def test_with_none_it_says_how_one_comes_about(owner: Browser) -> None:
    page = owner.get(LIST)
    assert "No refund links yet" in page.text and "30 days to name one" in page.text
    assert "/portal/refunds?status=failed" in page.links()


def test_those_that_wait_stand_first_the_oldest_before_the_others(shop: Shop, owner: Browser) -> None:
    first, second = (named(shop, opened(shop, *failed_refund(shop))) for _ in range(2))
    payment, refund = failed_refund(shop, amount="70.00")
    newest = opened(shop, payment, refund)
    page = owner.get(LIST)
    assert listed(page) == [first.public_id, second.public_id, newest.public_id]
    assert page.text.index("Waiting for your decision") < page.text.index("Ada Payer") < page.text.index("€70.00")
    assert "€70.00" in page.text and payment.email in page.text and payment.reference in page.text
    assert "Ada Payer" in page.text and "9890" in page.text and THEIRS not in page.html
    assert "Approve it?" in owner.get(f"{LIST}/{first.public_id}").text
    for where in ("/portal/", "/portal/refunds"):
        told = owner.get(where)
        assert "2 refunds to named accounts wait for approval" in told.text and f"{LIST}?status=claimed" in told.links()
    assert LIST in owner.get("/portal/refunds").links()
    assert f'href="{LIST}"' in owner.get("/portal/search?q=another+account").html


def test_what_does_not_fit_among_those_that_wait_is_a_filter_away(shop: Shop, owner: Browser) -> None:
    waiting = [named(shop, opened(shop, *failed_refund(shop))).public_id for _ in range(SHOWN + 1)]
    page = owner.get(LIST)
    assert listed(page) == waiting[:SHOWN] and f"{LIST}?status=claimed" in page.links()
    assert listed(owner.get(f"{LIST}?status=claimed")) == waiting[::-1]


def test_each_state_is_a_filter_and_time_counts_at_once(shop: Shop, owner: Browser) -> None:
    claimed, waits, back = named(shop, opened(shop, *failed_refund(shop))), opened(shop, *failed_refund(shop)), many(shop, 1)[0]
    for status, found in (("claimed", [claimed]), ("open", [waits]), ("revoked", [back]), ("paid", []), ("expired", [])):
        page = owner.get(f"{LIST}?status={status}")
        assert listed(page) == [one.public_id for one in found], status
        assert ("No refund link fits" in page.text) == (not found)
    with unit(shop.app):
        again(waits).expires_at = now()
    assert fresh(shop, waits).state == "open", "the clock has not been here yet"
    assert listed(owner.get(f"{LIST}?status=open")) == []
    page = owner.get(f"{LIST}?status=expired")
    assert listed(page) == [waits.public_id] and "Ran out" in page.text
    assert listed(owner.get(f"{LIST}?span=today")) == [back.public_id, waits.public_id, claimed.public_id]
    assert listed(owner.get(f"{LIST}?span=yesterday")) == []


def test_it_goes_on_page_by_page_and_nothing_twice(shop: Shop, owner: Browser) -> None:
    made = [one.public_id for one in many(shop, 26)]
    waits = named(shop, opened(shop, *failed_refund(shop)))
    page = owner.get(LIST)
    assert listed(page) == [waits.public_id, *made[:0:-1]] and "25 refund links on this page" in page.text
    older = next(where for where in page.links() if "after=" in where)
    last = owner.get(older)
    assert listed(last) == made[:1] and LIST in last.links()
    narrowed = owner.get(f"{LIST}?status=revoked")
    assert any("after=" in where and "status=revoked" in where for where in narrowed.links())


@pytest.mark.parametrize("asked", ["?status=nothing", "?since=never", "?span=sometime", "?since=2026-11-28&until=2026-11-01"])
def test_a_filter_that_cannot_be_used_says_so(owner: Browser, asked: str) -> None:
    page = owner.get(f"{LIST}{asked}")
    assert "These filters cannot be used" in page.text


@pytest.mark.parametrize("after", ["x", "rcl_x", "../..", "rcl_00000000000000000000000000"])
def test_a_page_that_there_is_not_is_not_found(owner: Browser, after: str) -> None:
    owner.get(f"{LIST}?after={after}", status=404)


def test_only_ones_own_are_listed_and_whoever_sees_payments_sees_them(shop: Shop, owner: Browser) -> None:
    claim = opened(shop, *failed_refund(shop))
    assert listed(make_colleague(shop, "viewer").browser().get(LIST)) == [claim.public_id]
    other = make_shop(shop.app).browser()
    assert listed(other.get(LIST)) == [] and other.get(f"{LIST}?after={claim.public_id}", status=404)
    Browser(shop.app).get(LIST, follow=False, status=303)
