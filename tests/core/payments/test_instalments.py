"""A request paid in parts: never more than the total, whoever pays at once, and never a rest that nobody could pay."""

from __future__ import annotations

import secrets
from datetime import timedelta
from functools import partial

import pytest

from core.kernel.clock import now
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.payments.attempt import PaymentOver, begin_attempt
from core.payments.bank_terms import Terms, change_terms
from core.payments.instalments import PartNotOffered, Progress, TotalBelowPaid, progress_of
from core.payments.link import LinkClosed, edit_link, link_state
from core.payments.link_terms import BadTerms, LinkTerms, check_terms
from core.payments.models import Payment, PaymentLink
from core.payments.start import give_up, start_payment
from core.payments.transfer_cases import accept_transfer
from tests.core.payments.conftest import AtOnce
from tests.core.payments.transfers import TestBank, begin_transfer, transfer
from tests.factories import Shop, again, ask_refund, fresh, make_link, make_paid, make_payment, open_payment, tell_refund, unit

ROUNDS = 40


def request(shop: Shop, total: str = "300.00", **more: object) -> PaymentLink:
    return make_link(shop, amount=None, kind="request", total_minor=Money.of(total, "GBP").minor, **more)


def progress(shop: Shop, link: PaymentLink) -> Progress:
    with unit(shop.app):
        how = progress_of(again(link))
        assert how
        return how


def state(shop: Shop, link: PaymentLink) -> str:
    with unit(shop.app):
        return link_state(again(link))


def part(shop: Shop, link: PaymentLink, minor: int) -> Payment:
    return start_payment(
        shop.vendor, again(link), amount=Money(minor, "GBP"), email="ada@example.com", name="", form_token=secrets.token_urlsafe(18)
    )


def test_a_request_is_paid_bit_by_bit_and_closes_with_the_last_penny(shop: Shop) -> None:
    link = request(shop)
    for amount, open_, where in (("100.00", 20_000, "open"), ("150.00", 5_000, "open"), ("50.00", 0, "paid")):
        make_paid(shop, link, amount=amount)
        how = progress(shop, link)
        assert (how.open.minor, how.unpaid.minor, state(shop, link)) == (open_, open_, where)
    assert progress(shop, link).complete and progress(shop, link).percent == 100
    with pytest.raises(LinkClosed), unit(shop.app):
        part(shop, link, 100)


def test_a_part_that_is_being_paid_is_locked_until_it_is_paid_or_given_up(shop: Shop) -> None:
    link = request(shop)
    held = make_payment(shop, link, amount="300.00")
    assert state(shop, link) == "sold_out" and progress(shop, link).open.minor == 0 and progress(shop, link).unpaid.minor == 30_000
    with unit(shop.app):
        give_up(again(held), to="canceled", actor="payer")
    assert state(shop, link) == "open" and progress(shop, link).open.minor == 30_000


@pytest.mark.parametrize(
    ("minor", "said"),
    [(30_001, "Only GBP 300.00 is open"), (999, "smallest part is GBP 10.00"), (29_980, "would leave GBP 0.20"), (10_000, "")],
)
def test_a_part_must_fit_what_is_open(shop: Shop, minor: int, said: str) -> None:
    link = request(shop, minimum_minor=1_000)
    if not said:
        with unit(shop.app):
            assert part(shop, link, minor).holds_place
        return
    with pytest.raises(PartNotOffered, match=said) as no, unit(shop.app):
        part(shop, link, minor)
    assert no.value.field == "amount"


def test_the_last_part_may_be_smaller_than_the_smallest(shop: Shop) -> None:
    link = request(shop, "25.00", minimum_minor=2_000)
    make_paid(shop, link, amount="20.00")
    make_paid(shop, link, amount="5.00")
    assert state(shop, link) == "paid"


def test_a_refund_does_not_ask_for_the_money_again(shop: Shop) -> None:
    link = request(shop, "50.00")
    tell_refund(shop, ask_refund(shop, make_paid(shop, link, amount="50.00"), "20.00"), "succeeded")
    assert state(shop, link) == "paid" and progress(shop, link).open.minor == 0


def test_two_who_pay_at_once_never_bring_more_than_the_total(shop: Shop, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        link = request(shop, "100.00")
        answers = at_once(*(partial(part, shop, link, 6_000) for _ in range(2)))
        assert sorted(type(answer).__name__ for answer in answers) == ["PartNotOffered", "Payment"], answers
        assert progress(shop, link).being_paid.minor == 6_000


def test_many_who_pay_at_once_fill_it_exactly(shop: Shop, at_once: AtOnce) -> None:
    for _ in range(10):
        link = request(shop, "100.00")
        answers = at_once(*(partial(part, shop, link, 2_500) for _ in range(6)))
        assert sum(isinstance(answer, Payment) for answer in answers) == 4
        assert all(isinstance(answer, Payment | Refusal) for answer in answers), answers
        assert progress(shop, link).being_paid.minor == 10_000


def test_one_form_sent_at_once_is_one_part(shop: Shop, at_once: AtOnce) -> None:
    for _ in range(10):
        link, token = request(shop, "100.00"), secrets.token_urlsafe(18)

        def pay(link: PaymentLink = link, token: str = token) -> str:
            paid = start_payment(shop.vendor, again(link), amount=Money(10_000, "GBP"), email="a@b.example", name="", form_token=token)
            return paid.public_id

        assert len(set(at_once(pay, pay, pay))) == 1
        assert progress(shop, link).being_paid.minor == 10_000


# --- terms ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("amount", {"total_minor": None}),
        ("amount", {"kind": "single"}),
        ("amount", {"total_minor": 5}),
        ("amount", {"amount_minor": 30_000}),
        ("amount", {"total_minor": 200_000_000_000}),
        ("part_minimum", {"minimum_minor": 30_001}),
        ("part_minimum", {"minimum_minor": 1}),
        ("due_on", {"due_on": (now() + timedelta(days=6 * 365)).date()}),
    ],
)
def test_terms_that_contradict_themselves_are_refused_at_their_field(field: str, wrong: dict[str, object]) -> None:
    with pytest.raises(BadTerms) as no:
        check_terms(LinkTerms(**{"title": "Roof", "currency": "GBP", "kind": "request", "total_minor": 30_000, **wrong}))  # type: ignore[arg-type]
    assert no.value.field == field


def change(shop: Shop, link: PaymentLink, **terms: object) -> None:
    wanted = {"title": "Roof", "currency": "GBP", "kind": "request", "total_minor": 30_000, **terms}
    with unit(shop.app):
        edit_link(again(link), by="usr_x", terms=LinkTerms(**wanted))  # type: ignore[arg-type]


def test_the_total_may_grow_but_not_fall_below_what_is_paid_or_being_paid(shop: Shop) -> None:
    link = request(shop)
    make_paid(shop, link, amount="100.00")
    make_payment(shop, link, amount="50.00")
    change(shop, link, total_minor=15_000)
    assert state(shop, link) == "sold_out"
    change(shop, link, total_minor=40_000)
    assert progress(shop, link).open.minor == 25_000
    for wrong in ({"total_minor": 14_999}, {"currency": "EUR"}, {"kind": "single", "total_minor": None, "amount_minor": 40_000}):
        with pytest.raises(TotalBelowPaid):
            change(shop, link, **wrong)


def test_lowering_the_total_against_somebody_paying_never_overfills(shop: Shop, at_once: AtOnce) -> None:
    def lower(link: PaymentLink) -> None:
        edit_link(again(link), by="usr_x", terms=LinkTerms(title="Roof", currency="GBP", kind="request", total_minor=5_000))

    for _ in range(ROUNDS):
        link = request(shop, "100.00")
        at_once(partial(lower, link), partial(part, shop, link, 6_000))
        how = progress(shop, link)
        assert how.being_paid.minor <= how.total.minor, how


# --- what a transfer falls short of its part -----------------------------------------------------------------------------


def test_what_a_transfer_falls_short_within_the_tolerance_is_not_asked_for_again(shop: Shop) -> None:
    bank, link = TestBank(shop), request(shop, "300.00", currency="USD")
    with unit(shop.app):
        change_terms(shop.vendor, "test", by=shop.user.public_id, terms=Terms(tolerance_minor=50))
    make_paid(shop, link, amount="200.00")
    by_bank(shop, bank, link, "100.00", 9_950)
    how = progress(shop, link)
    assert (how.paid.minor, how.let_go.minor, how.unpaid.minor, how.percent) == (29_950, 50, 0, 100)
    assert state(shop, link) == "paid", "nobody is reminded of fifty cents that nobody wants"
    with unit(shop.app):
        change_terms(shop.vendor, "test", by=shop.user.public_id, terms=Terms())
    assert state(shop, link) == "paid", "what was let go stays so"


def test_what_is_missing_of_a_transfer_that_the_vendor_took_as_it_was_stays_open(shop: Shop) -> None:
    bank, link = TestBank(shop), request(shop, "300.00", currency="USD")
    payment = by_bank(shop, bank, link, "100.00", 6_000)
    with unit(shop.app):
        accept_transfer(shop.vendor, again(payment), by=shop.user.public_id)
    how = progress(shop, link)
    assert (how.paid.minor, how.let_go.minor, how.open.minor) == (6_000, 0, 24_000) and state(shop, link) == "open"


def by_bank(shop: Shop, bank: TestBank, link: PaymentLink, amount: str, came: int) -> Payment:
    """A part for which so much is transferred."""
    payment = make_payment(shop, link, amount=amount)
    bank.tell(transfer(came, begin_transfer(shop, payment).provider_reference or ""))
    return payment


def test_who_is_paying_when_a_link_gets_a_limit_takes_from_it(shop: Shop) -> None:
    """The vendor limits a link while somebody stands at the card page: the last place is theirs, and not sold a second time."""
    link = make_link(shop, kind="reusable")
    held = make_payment(shop, link)
    with unit(shop.app):
        edit_link(
            again(link), by="usr_x", terms=LinkTerms(title="Course", currency="GBP", amount_minor=2_500, kind="reusable", max_payments=1)
        )
    assert state(shop, link) == "sold_out"
    with pytest.raises(LinkClosed), unit(shop.app):
        part(shop, link, 2_500)
    with unit(shop.app):
        give_up(again(held), to="expired", actor="system")
    assert state(shop, link) == "open"


def test_no_link_becomes_a_request_under_somebody_who_is_paying(shop: Shop) -> None:
    link = make_link(shop, kind="reusable")
    make_payment(shop, link)
    with pytest.raises(TotalBelowPaid), unit(shop.app):
        edit_link(again(link), by="usr_x", terms=LinkTerms(title="Course", currency="EUR", kind="request", total_minor=2_500))


def test_who_began_in_the_very_moment_a_link_got_its_limit_takes_a_place_before_money_moves_or_finds_none(shop: Shop) -> None:
    """The link was read when it had no limit, and the payment is written down after it has one."""
    link = make_link(shop, kind="reusable")
    with unit(shop.app):
        edit_link(
            again(link), by="usr_x", terms=LinkTerms(title="Course", currency="GBP", amount_minor=2_500, kind="reusable", max_payments=1)
        )
    first, second = (make_payment(shop, link) for _ in range(2))
    assert not first.holds_place and not second.holds_place
    open_payment(shop, first)
    assert fresh(shop, first).holds_place and state(shop, link) == "sold_out"
    with pytest.raises(PaymentOver), unit(shop.app):
        begin_attempt(shop.vendor, again(second))
