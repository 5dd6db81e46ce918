"""A payment's documents follow what happens to it: an invoice, a credit note for a refund, both for another buyer; each once, none changed."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from core.accounts.house import house
from core.invoices.issue import NothingToInvoice, bring_up_to_date, issue_by_hand
from core.invoices.queries import documents_of
from core.invoices.switch import DetailsMissing, switch_invoices
from core.kernel.db import db
from core.kernel.money import Money
from core.payments.offer import Item
from core.payments.payer_page import change_details
from core.payments.sale import Details
from tests.core.invoices.conftest import Issue
from tests.core.payments.carts import LOAF, buy, link_with, paid, rate
from tests.core.payments.conftest import AtOnce, another_shop
from tests.factories import Shop, again, ask_refund, make_paid, make_payment, tell_refund, unit

COMPANY = Details(
    company="Ada & Co GmbH", tax_id="DE136695976", billing={"line1": "Hof 1", "postcode": "10115", "city": "Berlin", "country": "DE"}
)


def test_a_payment_is_invoiced_once_with_its_tax(shop: Shop, issue: Issue) -> None:
    vat = rate(shop)
    with unit(shop.app):
        payment = buy(
            shop,
            link_with(shop, items=(LOAF, Item("itm_jam", "Jam", 320, 0, 5, vat))),
            choices={"quantities": {"itm_loaf": 2, "itm_jam": 3}},
        )
    payment = paid(shop, payment)
    (invoice,) = issue(payment)
    assert (invoice.kind, invoice.origin, invoice.name, invoice.place) == ("invoice", "sale", "TEST-INV-000001", 1)
    assert (invoice.net_minor, invoice.tax_minor, invoice.gross_minor) == (900 + 960, 192, payment.captured_minor)
    assert [(line["title"], line["quantity"], line["amount"]) for line in invoice.lines] == [("Loaf", 2, 900), ("Jam", 3, 960 + 192)]
    assert invoice.seller["name"] == "Blue Door Bakery Ltd" and invoice.buyer["name"] == "Ada"
    assert [one.id for one in issue(payment)] == [invoice.id]


def test_a_refund_is_credited_once_and_the_last_takes_what_is_left_of_the_tax(shop: Shop, issue: Issue) -> None:
    vat = rate(shop, 1_900, inclusive=True)
    with unit(shop.app):
        payment = buy(shop, link_with(shop, items=(Item("itm_jam", "Jam", 1_000, 1, 5, vat),)))
    payment = paid(shop, payment)
    issue(payment)
    for amount in ("3.33", "3.33", "3.34"):
        refund = ask_refund(shop, payment, amount)
        tell_refund(shop, refund, "succeeded")
        issue(payment)
    invoice, *notes = issue(payment)
    assert [note.name for note in notes] == ["TEST-CN-000001", "TEST-CN-000002", "TEST-CN-000003"]
    assert all(note.corrects == invoice.place and note.is_credit for note in notes)
    assert (
        sum(note.gross_minor for note in notes) == invoice.gross_minor and sum(note.tax_minor for note in notes) == invoice.tax_minor == 160
    )


def test_a_refund_that_does_not_arrive_after_all_is_invoiced_again(shop: Shop, issue: Issue) -> None:
    payment = make_paid(shop)
    issue(payment)
    refund = ask_refund(shop, payment, "10.00")
    tell_refund(shop, refund, "succeeded")
    assert [one.kind for one in issue(payment)] == ["invoice", "credit_note"]
    tell_refund(shop, refund, "failed", failure_reason="closed_account")
    invoice, note, again_ = issue(payment)
    assert (again_.kind, again_.origin, again_.corrects, again_.gross_minor) == ("invoice", "refund_undone", note.place, 1_000)
    assert len(issue(payment)) == 3 and invoice.gross_minor == 2_500


def test_made_out_to_a_company_it_is_taken_back_and_issued_anew(shop: Shop, issue: Issue) -> None:
    payment = make_paid(shop)
    refund = ask_refund(shop, payment, "5.00")
    tell_refund(shop, refund, "succeeded")
    issue(payment)
    with unit(shop.app):
        change_details(shop.vendor, again(payment), COMPANY)
    first, back, undone, anew = issue(payment)
    assert (undone.kind, undone.corrects, undone.gross_minor, undone.buyer["name"]) == ("credit_note", first.place, 2_000, "Ada Payer")
    assert (anew.kind, anew.gross_minor, anew.buyer["name"], anew.buyer["vat_id"]) == ("invoice", 2_000, "Ada & Co GmbH", "DE136695976")
    assert len(issue(payment)) == 4 and back.gross_minor == 500
    other = ask_refund(shop, payment, "20.00")
    tell_refund(shop, other, "succeeded")
    *_, note = issue(payment)
    assert (note.corrects, note.gross_minor, note.buyer["name"]) == (anew.place, 2_000, "Ada & Co GmbH")


def test_nothing_is_issued_before_the_switch_and_one_can_be_issued_by_hand(shop: Shop, issue: Issue) -> None:
    with unit(shop.app):
        switch_invoices(shop.vendor, "test", on=False, by="usr_owner")
    payment = make_paid(shop)
    assert issue(payment) == []
    with unit(shop.app):
        switch_invoices(shop.vendor, "test", on=True, by="usr_owner")
    assert issue(payment) == [], "it was paid before"
    with unit(shop.app):
        (made,) = issue_by_hand(shop.vendor, again(payment), by="usr_owner")
        assert made.issued_by == "usr_owner" and issue_by_hand(shop.vendor, again(payment), by="usr_owner") == []
    assert len(issue(payment)) == 1


def test_whoever_has_no_address_issues_none(shop: Shop) -> None:
    bare = another_shop(shop)
    with unit(shop.app), pytest.raises(DetailsMissing):
        switch_invoices(bare.vendor, "test", on=True, by="usr_owner")
    payment = make_paid(bare)
    with unit(shop.app), pytest.raises(DetailsMissing):
        issue_by_hand(bare.vendor, again(payment), by="usr_owner")


def test_what_is_not_paid_or_belongs_to_a_plan_has_no_invoice_here(shop: Shop) -> None:
    payment = make_payment(shop)
    with unit(shop.app), pytest.raises(NothingToInvoice):
        issue_by_hand(shop.vendor, again(payment), by="usr_owner")
    with unit(shop.app):
        assert bring_up_to_date(shop.vendor, again(payment)) == [] and house().id != shop.vendor.id


def test_two_workers_at_once_issue_one(shop: Shop, at_once: AtOnce) -> None:
    payment = make_paid(shop)

    def work() -> int:
        return len(bring_up_to_date(shop.vendor, again(payment)))

    assert sorted(at_once(work, work)) == [0, 1]
    with shop.app.app_context():
        assert len(documents_of(shop.vendor, payment)) == 1


@pytest.mark.parametrize("sql", ["UPDATE sale_documents SET gross_minor = 1 WHERE id = :id", "DELETE FROM sale_documents WHERE id = :id"])
def test_postgresql_refuses_to_change_one(shop: Shop, issue: Issue, sql: str) -> None:
    (invoice,) = issue(make_paid(shop))
    with pytest.raises(IntegrityError, match="append-only"), unit(shop.app):
        db.session.execute(text(sql), {"id": invoice.id})


def test_numbers_have_no_gap_when_one_is_rolled_back(shop: Shop, issue: Issue) -> None:
    payment = make_paid(shop)
    with pytest.raises(RuntimeError), unit(shop.app):
        bring_up_to_date(shop.vendor, again(payment))
        raise RuntimeError("the machine stops")
    assert [one.number for one in issue(payment)] == [1]
    assert [one.number for one in issue(make_paid(shop))] == [2]
    assert Money(2_500, "GBP") == issue(payment)[0].gross
