"""Staff decide about bank money nobody knows: whose it is, that it goes back, that it is a charge; once, with a reason, and on the record."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from core.kernel.audit import AuditEntry
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.errors import NeedsASecondPerson
from core.payments.line_wishes import Wish, agree, decide_line
from core.payments.models import Payment
from core.payments.unknown import explain_charge, get_line, list_decided
from core.payouts.accounts import add_account
from core.providers.bank_models import BankLine
from tests.browser import Browser, Page
from tests.core.payments.test_statements import refund_of, reversal
from tests.core.payments.transfers import ELSEWHERE, TestBank, begin_transfer, books, case_of, our_account, settle_order, transfer
from tests.core.providers.statements import Line, Tx
from tests.factories import Shop, fresh, make_link, make_payment, make_shop, unit
from tests.portal.admin.people import Colleague, make_staff


@pytest.fixture
def colleague(app: Flask) -> Colleague:
    return make_staff(app, "finance")


@pytest.fixture
def desk(colleague: Colleague) -> Browser:
    return colleague.browser()


@pytest.fixture
def bank(shop: Shop) -> TestBank:
    return TestBank(shop)


@pytest.fixture
def waiting(shop: Shop) -> Payment:
    payment = make_payment(shop, make_link(shop, currency="USD"))
    begin_transfer(shop, payment)
    return payment


def unknown(bank: TestBank, minor: int = 2500, **facts: str) -> BankLine:
    name = f"Nobody {secrets.token_hex(4)}"
    bank.tell(transfer(minor, name=name, **facts))
    return bank.line(name=name)


def path(line: BankLine, rest: str = "") -> str:
    return f"/staff/bank-money/test/{line.public_id}{rest}"


def again_line(app: Flask, line: BankLine) -> BankLine:
    with app.app_context():
        return get_line("test", line.public_id)


def assignment(page: Page, line: BankLine, payment: Payment) -> dict[str, str]:
    """What the button beside this payment sends."""
    forms = [e for e in page.all("form") if e.attrs.get("action") == path(line, "/assignment")]
    sent = [{i.attrs["name"]: i.attrs["value"] for i in page.all("input", type="hidden") if i.within("form") is form} for form in forms]
    return next(values for values in sent if values["payment"] == payment.public_id)


def test_a_suggested_payment_takes_the_money_with_one_press(
    app: Flask, shop: Shop, bank: TestBank, waiting: Payment, desk: Browser, colleague: Colleague
) -> None:
    with app.app_context():
        right = db.session.scalar(db.text("SELECT reference FROM bank_expectations WHERE payment = :p").bindparams(p=waiting.public_id))
    line = unknown(bank, text=right[:-1] + str((int(right[-1]) + 1) % 10))
    assert path(line) in desk.get("/staff/bank-money").html
    page = desk.get(path(line))
    assert waiting.reference in page.text and "its reference, with a slip" in page.text and "the same amount" in page.text
    told = desk.post(path(line, "/assignment"), assignment(page, line, waiting))
    assert f"it is for {waiting.reference}" in told.text and path(line) not in told.html
    assert fresh(shop, waiting).state == "succeeded" and books(shop)["bank"] == 2500
    kept = again_line(app, line)
    assert (kept.state, kept.resolved_by, kept.reason) == (
        "resolved", colleague.member.public_id, "Suggested by its reference with a slip, the same amount",
    )  # fmt: skip
    decided = desk.get("/staff/bank-money/test/decided").text
    assert line.name in decided and colleague.email in decided and "its reference with a slip" in decided


def test_the_vendor_reads_who_placed_the_money_and_the_log_keeps_the_reason(
    app: Flask, shop: Shop, bank: TestBank, waiting: Payment, desk: Browser, colleague: Colleague
) -> None:
    line = unknown(bank)
    desk.submit(desk.get(path(line, f"?payment={waiting.public_id}")).form(path(line, "/assignment")), reason="The payer rang")
    trail = shop.browser().get(f"/portal/payments/{waiting.public_id}").text
    assert "Bank transfer received" in trail and "The platform's staff" in trail and "A member of your team" not in trail
    with app.app_context():
        mine = db.select(AuditEntry).where(AuditEntry.vendor_id == shop.vendor.id, AuditEntry.action == "transfer.assigned")
        entry = db.session.scalars(mine).one()
        assert (entry.actor, entry.subject) == (colleague.member.public_id, waiting.public_id)
        assert entry.detail == {"line": line.public_id, "reason": "The payer rang"}


def test_a_payment_that_was_not_suggested_takes_a_reason(app: Flask, shop: Shop, bank: TestBank, waiting: Payment, desk: Browser) -> None:
    line = unknown(bank, 1234)
    found = desk.get(path(line, f"?q={waiting.reference}"))
    chosen = desk.get(next(e.attrs["href"] for e in found.all("a") if e.text.startswith("Choose")))
    form = chosen.form(path(line, "/assignment"))
    refused = desk.submit(form, status=422)
    assert "Say how you know" in refused.text and waiting.reference in refused.text
    assert fresh(shop, waiting).received_minor == 0 and again_line(app, line).state == "unknown"
    long = desk.submit(form, reason="x" * 301, status=422)
    assert long.form(path(line, "/assignment")).values["reason"] == "x" * 301, "nothing typed is lost"
    desk.submit(form, reason="The payer rang")
    assert fresh(shop, waiting).received_minor == 1234
    case = case_of(shop, waiting)
    assert case is not None and case.kind == "partial"


def test_money_of_another_currency_or_an_unknown_payment_is_refused_at_the_page(
    app: Flask, shop: Shop, bank: TestBank, desk: Browser
) -> None:
    pounds, line = make_payment(shop), unknown(bank)
    page = desk.get(path(line, f"?payment={pounds.public_id}"))
    refused = desk.submit(page.form(path(line, "/assignment")), reason="It must be", status=422)
    assert "That payment is in GBP, this money in USD." in refused.text
    values = page.form(path(line, "/assignment")).values
    desk.post(path(line, "/assignment"), {**values, "payment": "pay_x"}, status=404)
    assert again_line(app, line).state == "unknown"


def test_two_who_decide_at_once_decide_once(app: Flask, shop: Shop, bank: TestBank, waiting: Payment, desk: Browser) -> None:
    line = unknown(bank)
    other = make_staff(app).browser()
    mine, theirs = desk.get(path(line, f"?payment={waiting.public_id}")), other.get(path(line))
    desk.submit(mine.form(path(line, "/assignment")), reason="The payer rang")
    late = other.submit(theirs.form(path(line, "/return")), why_back="Nobody knows it", status=409)
    assert "decided about this line already" in late.text and "The payer rang" in late.text
    assert not [e for e in late.all("form") if e.attrs.get("action", "").startswith("/staff/bank-money")]
    assert books(shop)["bank"] == 2500


def test_it_goes_back_where_it_came_from_or_to_an_iban_that_was_typed(app: Flask, bank: TestBank, desk: Browser) -> None:
    line = unknown(bank, 4200)
    form = desk.get(path(line)).form(path(line, "/return"))
    assert "Say why" in desk.submit(form, status=422).text
    wrong = desk.submit(form, why_back="Nobody knows it", iban="DE00 1234", status=422)
    kept = wrong.form(path(line, "/return")).values
    assert wrong.errors and (kept["why_back"], kept["iban"]) == ("Nobody knows it", "DE00 1234")
    done = desk.submit(form, why_back="Nobody knows it")
    assert "The order for the bank is written" in done.text and line.counter_account in done.text
    assert again_line(app, line).resolution == "returned"
    word = secrets.token_hex(6)
    bank.tell(transfer(77, name="", text=word))
    homeless = bank.line(text=word)
    form = desk.get(path(homeless)).form(path(homeless, "/return"))
    assert "Enter an IBAN" in desk.submit(form, why_back="x", status=422).text
    desk.submit(form, why_back="The payer said where to", iban="GB29 NWBK 6016 1331 9268 19")
    assert again_line(app, homeless).resolution == "returned"


def owing(shop: Shop) -> str:
    """A seller who owes USD 25.00, for what the bank took back after it had gone back to its payer; answers the vendor's number."""
    payment = make_payment(shop, make_link(shop, currency="USD"))
    reference, bank = begin_transfer(shop, payment).provider_reference or "", TestBank(shop)
    bank.tell(transfer(2500, reference))
    settle_order(bank, refund_of(shop, payment, 2500).public_id)
    bank.tell(reversal(2500, reference))
    assert books(shop)["seller_receivable"] == 2500
    return shop.vendor.public_id


def test_a_seller_pays_a_debt_back(app: Flask, shop: Shop, bank: TestBank, desk: Browser) -> None:
    seller = owing(shop)
    line = unknown(bank, 3000, account=ELSEWHERE)  # nobody's payouts go there
    page = desk.get(path(line))
    form = page.form(path(line, "/repayment"))
    assert "Choose who has paid" in desk.submit(form, how_known="They wrote", status=422).text
    assert "Choose who has paid" in desk.submit(form, how_known="They wrote", seller="vnd_nobody", status=422).text
    unsaid = desk.submit(form, seller=seller, status=422)
    assert "Say how you know" in unsaid.text and unsaid.form(path(line, "/repayment")).values["seller"] == seller
    desk.submit(form, seller=seller, how_known="They wrote to us")
    kept = again_line(app, line)
    assert (kept.resolution, kept.vendor, kept.reason) == ("repaid", seller, "They wrote to us")
    told = desk.get(path(line)).text
    assert "A seller paid a debt back" in told and shop.vendor.name in told and "25.00" in told and "5.00" in told
    stands = books(shop)
    assert (stands.get("seller_receivable"), stands["seller_available"]) == (None, 500)
    owner = shop.browser()
    assert "You paid back what you owed" in owner.get("/portal/balance/owed?currency=USD").text
    assert "A debt was paid back by transfer" in owner.get("/portal/settings/audit-log").text
    assert "Your transfer paid back what you owed" in owner.get("/portal/notices").text


def test_the_account_of_its_payouts_speaks_for_a_seller(app: Flask, shop: Shop, bank: TestBank, desk: Browser) -> None:
    seller = owing(shop)
    with unit(app):
        add_account(shop.vendor, "test", currency="USD", holder=shop.vendor.name, iban="GB33BUKB20201555555555", by="usr_owner")
    line = unknown(bank, 100, account="GB33BUKB20201555555555")
    page = desk.get(path(line))
    assert "the account of its payouts" in page.text
    forms = [e for e in page.all("form") if e.attrs.get("action") == path(line, "/repayment")]
    sent = [{i.attrs["name"]: i.attrs["value"] for i in page.all("input", type="hidden") if i.within("form") is form} for form in forms]
    desk.post(path(line, "/repayment"), next(values for values in sent if values.get("seller") == seller))
    assert books(shop)["seller_receivable"] == 2400 and "account of its payouts" in again_line(app, line).reason


def test_a_large_repayment_waits_for_a_second_person_and_says_whose(app: Flask, shop: Shop, bank: TestBank, desk: Browser) -> None:
    seller, line = owing(shop), unknown(bank, LARGE)
    asked = desk.submit(desk.get(path(line)).form(path(line, "/repayment")), seller=seller, how_known="They wrote to us")
    assert "somebody else has to agree" in asked.text and "A seller paid a debt back" in asked.text and shop.vendor.name in asked.text
    assert books(shop)["seller_receivable"] == 2500
    second = make_staff(app, "finance").browser()
    second.submit(second.get(path(line)).form(path(line, "/agreement")))
    assert "seller_receivable" not in books(shop) and books(shop)["seller_available"] == LARGE - 2500


def test_a_seller_reads_where_to_pay_it_back(shop: Shop, bank: TestBank) -> None:
    owner = shop.browser()
    assert "Pay it back by transfer" not in owner.get("/portal/balance/owed?currency=USD").text
    owing(shop)
    told = owner.get("/portal/balance/owed?currency=USD").text
    assert "Pay it back by transfer" in told and our_account("USD") in told.replace(" ", "").replace("\xa0", "")


def test_a_debit_is_a_charge_and_nothing_else(app: Flask, bank: TestBank, desk: Browser) -> None:
    name = f"Fee {secrets.token_hex(4)}"
    bank.tell(Line((Tx(350, sign=-1, name=name),), sign=-1, booked_on=now().date()))
    line = bank.line(name=name)
    page = desk.get(path(line))
    assert "-USD 3.50" in page.heading.replace("−", "-").replace("\xa0", " ") and "Send it back" not in page.text
    assert "Say what it was for" in desk.submit(page.form(path(line, "/charge")), status=422).text
    desk.submit(page.form(path(line, "/charge")), why_charged="Quarterly fee")
    assert again_line(app, line).resolution == "charge"


def test_a_reviewer_neither_sees_nor_decides(app: Flask, bank: TestBank, waiting: Payment) -> None:
    line, reviewer = unknown(bank), make_staff(app, "reviewer").browser()
    reviewer.get(path(line), status=403)
    token = reviewer.get("/staff/").form("/staff/sign-out").values["csrf_token"]
    for rest in ("/assignment", "/return", "/charge"):
        reviewer.post(path(line, rest), {"csrf_token": token, "payment": waiting.public_id, "reason": "x"}, status=403)
    assert again_line(app, line).state == "unknown"


@pytest.mark.parametrize("q", ["%00@example.com", "nobody", "%F0%9F%98%80", "x" * 300, "looked-for@nowhere.example", "' OR 1=1"])
def test_what_is_looked_for_may_be_anything(bank: TestBank, desk: Browser, q: str) -> None:
    page = desk.get(path(unknown(bank), f"?q={q}"))
    assert page.error_summary or "No payment fits" in page.text


def test_every_decision_is_on_exactly_one_page_of_the_trail(app: Flask, shop: Shop, bank: TestBank, desk: Browser) -> None:
    names = []
    for number in range(4):
        line = unknown(bank, 10 + number)
        with shifted(timedelta(seconds=number)):
            desk.submit(desk.get(path(line)).form(path(line, "/return")), why_back="Nobody knows it")
        names.append(line.public_id)
    seen: list[str] = []
    after = None
    with app.app_context():
        while True:
            found = list_decided("test", after=after, limit=3)
            seen += [line.public_id for line in found.rows]
            after = found.next
            if after is None or len(seen) > 500:
                break
    assert len(seen) == len(set(seen)) and [number for number in seen if number in names] == names[::-1]  # other tests' clocks may be ahead


def test_another_vendors_payment_is_paid_into_that_vendors_book_alone(
    app: Flask, shop: Shop, bank: TestBank, waiting: Payment, desk: Browser
) -> None:
    other, line = make_shop(app), unknown(bank)
    desk.submit(desk.get(path(line, f"?payment={waiting.public_id}")).form(path(line, "/assignment")), reason="The payer rang")
    assert books(shop)["bank"] == 2500 and books(other) == {}


LARGE = 100_001  # in minor units, one more than one person decides about alone


def test_a_large_sum_takes_a_second_person(app: Flask, shop: Shop, bank: TestBank, desk: Browser, colleague: Colleague) -> None:
    payment = make_payment(shop, make_link(shop, currency="USD", amount="1000.01"))
    line, second = unknown(bank, LARGE), make_staff(app, "finance")
    asked = desk.submit(desk.get(path(line, f"?payment={payment.public_id}")).form(path(line, "/assignment")), reason="The payer rang")
    assert "somebody else has to agree" in asked.text and "The payer rang" in asked.text and "You asked for it" in asked.text
    assert fresh(shop, payment).received_minor == 0 and again_line(app, line).state == "unknown"
    assert "Waits for a second person" in desk.get("/staff/bank-money").text
    actions = {e.attrs.get("action") for e in asked.all("form")}
    assert path(line, "/agreement") not in actions and path(line, "/assignment") not in actions, "nothing else may be decided meanwhile"
    token = asked.form(path(line, "/withdrawal")).values["csrf_token"]
    assert "Somebody else has to agree" in desk.post(path(line, "/agreement"), {"csrf_token": token}, status=409).text
    assert "already what is to become" in desk.post(
        path(line, "/return"), {"csrf_token": token, "why_back": "no", "iban": "DE12500105170648489890"}, status=409
    ).text  # fmt: skip
    theirs = second.browser()
    shown = theirs.get(path(line))
    assert colleague.email in shown.text and payment.reference in shown.text
    done = theirs.submit(shown.form(path(line, "/agreement")))
    assert "two people have said so" in done.text and colleague.email in done.text and second.email in done.text
    kept = again_line(app, line)
    assert (kept.state, kept.asked_by, kept.resolved_by, kept.wish) == (
        "resolved", colleague.member.public_id, second.member.public_id, None,
    )  # fmt: skip
    assert fresh(shop, payment).received_minor == LARGE


def test_a_second_person_may_say_no_and_another_decision_waits_anew(
    app: Flask, bank: TestBank, desk: Browser, colleague: Colleague
) -> None:
    line, second = unknown(bank, LARGE, account="GB33BUKB20201555555555"), make_staff(app, "finance")
    desk.submit(desk.get(path(line)).form(path(line, "/return")), why_back="Nobody knows it", iban="DE12500105170648489890")
    theirs = second.browser()
    shown = theirs.get(path(line))
    assert "DE12500105170648489890" in shown.text
    form = shown.form(path(line, "/withdrawal"))
    assert "Say why" in theirs.submit(form, status=422).text
    assert "waits for another decision" in theirs.submit(form, why_not="It came from another account").text
    kept = again_line(app, line)
    assert (kept.state, kept.wish, kept.asked_by) == ("unknown", None, None)
    with app.app_context():
        said = db.select(AuditEntry.actor, AuditEntry.action).where(AuditEntry.subject == line.public_id).order_by(AuditEntry.id)
        assert [tuple(row) for row in db.session.execute(said)] == [
            (colleague.member.public_id, "line.asked"), (second.member.public_id, "line.not_agreed"),
        ]  # fmt: skip
    theirs.submit(theirs.get(path(line)).form(path(line, "/return")), why_back="To where it came from", iban="")
    done = desk.submit(desk.get(path(line)).form(path(line, "/agreement")))
    assert "Sent back" in done.text and again_line(app, line).resolution == "returned"


def test_one_person_alone_is_refused_by_the_act_and_by_the_table(app: Flask, bank: TestBank) -> None:
    name = f"Nobody {secrets.token_hex(4)}"
    bank.tell(Line((Tx(LARGE, sign=-1, name=name),), sign=-1))
    line = bank.line(name=name)
    with unit(app), pytest.raises(NeedsASecondPerson):
        explain_charge(get_line("test", line.public_id), by="stf_one", reason="A large fee")
    with unit(app):
        assert not decide_line(get_line("test", line.public_id), Wish("charge", "A large fee"), by="stf_one")
    with unit(app), pytest.raises(NeedsASecondPerson):
        explain_charge(get_line("test", line.public_id), by="stf_one", reason="A large fee")
    with pytest.raises(IntegrityError, match="two_people"), unit(app):
        own = get_line("test", line.public_id)
        own.state, own.wish, own.resolved_by, own.resolution = "resolved", None, "stf_one", "charge"
        db.session.flush()
    with unit(app):
        agree(get_line("test", line.public_id), by="stf_two")
    assert again_line(app, line).resolution == "charge"
