"""The sandbox's bank: transfers people enter, mishaps, orders, and statements that the product's own strict reader accepts."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, date, datetime
from urllib.parse import urlencode

import pytest

from core.kernel.money import Money
from core.providers.bank import new_reference
from core.providers.bank_accounts import accounts
from core.providers.camt import read_camt
from core.providers.pain import Transfer, write_pain_001
from core.providers.pain_status import StatusReport, read_pain_002
from core.providers.statement import StatementFile
from ops.introduce import bank_accounts
from sandbox.bank import garble
from tests.sandbox.running import Sandbox, ask

PAYER = "DE12500105170648489890"


def iban(sandbox: Sandbox, key: str, currency: str = "EUR") -> str:
    return accounts(bank_accounts(sandbox.url, key))[currency].iban


def send(sandbox: Sandbox, key: str, amount: str = "25.00", *, currency: str = "EUR", **facts: object) -> None:
    status, told = sandbox.control(
        "POST", "bank/transfers", key, iban=iban(sandbox, key, currency), amount=amount, **{"name": "Ada", **facts}
    )
    assert status == 201, told


def statements(sandbox: Sandbox, key: str, currency: str = "EUR", after: int = 0) -> list[StatementFile]:
    sandbox.control("POST", "bank/statements", key, now=True)
    query = urlencode({"iban": iban(sandbox, key, currency), "after": after})
    return [read_camt(one["xml"].encode()) for one in sandbox.control("GET", f"bank/statements?{query}", key)[1]["statements"]]


def test_the_accounts_of_a_key_are_its_own_and_right(sandbox: Sandbox, key: str) -> None:
    mine = accounts(bank_accounts(sandbox.url, key))
    other = accounts(bank_accounts(sandbox.url, key + "x"))
    assert set(mine) >= {"EUR", "GBP", "JPY", "KWD"}
    assert not {a.iban for a in mine.values()} & {a.iban for a in other.values()}
    assert accounts(bank_accounts(sandbox.url, key)) == mine


@pytest.mark.parametrize(
    ("currency", "amount", "minor"), [("EUR", "25.00", 2500), ("JPY", "2500", 2500), ("KWD", "2.500", 2500), ("GBP", "25", 2500)]
)
def test_a_transfer_stands_on_a_statement_that_our_reader_takes(sandbox: Sandbox, key: str, currency: str, amount: str, minor: int) -> None:
    reference = new_reference()
    send(sandbox, key, amount, currency=currency, reference=reference, from_iban=PAYER)
    (file,) = statements(sandbox, key, currency)
    (statement,) = file.statements
    (detail,) = statement.entries[0].details
    assert (detail.amount.minor, detail.amount.currency, detail.reference, detail.account, detail.name) == (
        minor,
        currency,
        reference,
        PAYER,
        "Ada",
    )
    assert statement.closing.signed_minor == minor and statement.entries[0].bank_reference


def test_statements_follow_each_other(sandbox: Sandbox, key: str) -> None:
    send(sandbox, key, "10.00")
    first = statements(sandbox, key)[-1].statements[0]
    send(sandbox, key, "5.00", times=2)
    (second,) = statements(sandbox, key, after=first.sequence or 0)
    assert second.statements[0].opening.signed_minor == first.closing.signed_minor == 1000
    assert second.statements[0].closing.signed_minor == 2000
    assert statements(sandbox, key, after=2) == []


def test_hostile_words_stay_words(sandbox: Sandbox, key: str) -> None:
    send(sandbox, key, name="</Nm><x>&lol;", reference='"<!-- ]]>')
    (file,) = statements(sandbox, key)
    (detail,) = file.statements[0].entries[0].details
    assert (detail.name, detail.text) == ("</Nm><x>&lol;", '"<!-- ]]>')


def test_a_mistyped_reference_is_only_text(sandbox: Sandbox, key: str) -> None:
    right = new_reference()
    send(sandbox, key, reference=garble(right))
    (detail,) = statements(sandbox, key)[0].statements[0].entries[0].details
    assert (detail.reference, detail.text) == ("", garble(right)) and garble(right) != right


def test_an_order_is_made_once_and_bounces_when_the_account_is_closed(sandbox: Sandbox, key: str) -> None:
    send(sandbox, key, "30.00", from_iban=PAYER)
    order = {"iban": iban(sandbox, key), "to_iban": PAYER, "to_name": "Ada", "amount": "5.00", "end_to_end": "a" * 32, "text": "back"}
    assert sandbox.control("POST", "bank/orders", key, **order)[0] == sandbox.control("POST", "bank/orders", key, **order)[0] == 201
    assert sandbox.control("POST", "bank/orders", key, **{**order, "amount": "6.00"})[0] == 400
    (file,) = statements(sandbox, key)
    assert [(e.signed_minor, e.details[0].end_to_end) for e in file.statements[0].entries] == [(3000, ""), (-500, "a" * 32)]


def test_the_app_sends_and_its_mishaps_happen(sandbox: Sandbox, key: str) -> None:
    cookie = {"Cookie": f"sandbox_key={key}", "Content-Type": "application/x-www-form-urlencoded"}
    form = {
        "act": "send",
        "iban": iban(sandbox, key),
        "amount": "12.50",
        "name": "Ben",
        "from_iban": PAYER,
        "reference": new_reference(),
        "booked_on": "",
    }
    words = urlencode([*form.items(), ("mishap", "twice"), ("mishap", "bare"), ("mishap", "closed"), ("at_once", "1")])
    status, headers, _ = ask("POST", f"{sandbox.url}/bank", words, cookie)
    assert (status, headers["Location"]) == (303, "/bank?said=sent_closed")
    (file,) = statements(sandbox, key)
    assert [(e.signed_minor, e.details[0].account) for e in file.statements[0].entries] == [(1250, ""), (1250, "")]
    page = ask("GET", f"{sandbox.url}/bank", headers=cookie)[2]
    link = re.search(r"/bank/statements/EUR/1\.xml", page)
    assert link and read_camt(ask("GET", sandbox.url + link.group(), headers=cookie)[2].encode()) == file
    back = {"iban": iban(sandbox, key), "to_iban": PAYER, "to_name": "Ben", "amount": "1.00", "end_to_end": "b" * 32, "text": ""}
    sandbox.control("POST", "bank/orders", key, **back)
    (after,) = statements(sandbox, key, after=1)
    assert [(e.signed_minor, e.details[0].return_reason) for e in after.statements[0].entries] == [(-100, ""), (100, "AC04")]


def test_the_app_takes_a_transfer_back(sandbox: Sandbox, key: str) -> None:
    send(sandbox, key, reference=new_reference())
    cookie = {"Cookie": f"sandbox_key={key}", "Content-Type": "application/x-www-form-urlencoded"}
    entry = re.search(r'name="entry" value="(\d+)"', ask("GET", f"{sandbox.url}/bank", headers=cookie)[2])
    assert entry
    ask("POST", f"{sandbox.url}/bank", urlencode({"act": "reverse", "entry": entry[1]}), cookie)
    (file,) = statements(sandbox, key)
    assert [(e.signed_minor, e.reversal) for e in file.statements[0].entries] == [(2500, False), (-2500, True)]


@pytest.mark.parametrize("wrong", [
    {"iban": "DE00"}, {"amount": "1,5"}, {"amount": "0"}, {"amount": "1.234"}, {"from_iban": "DE12500105170648489891"}, {"booked_on": "tomorrow"},
    {"times": 11}, {"name": 7}, {"name": "x" * 201},
])  # fmt: skip
def test_what_cannot_be_sent_is_refused(sandbox: Sandbox, key: str, wrong: dict[str, object]) -> None:
    body = {"iban": iban(sandbox, key), "amount": "1.00", "name": "Ada", **wrong}
    assert sandbox.control("POST", "bank/transfers", key, **body)[0] in (400, 402, 404, 422)


def test_the_page_asks_for_a_key_and_keeps_what_was_typed(sandbox: Sandbox, key: str) -> None:
    assert "Secret test key" in ask("GET", f"{sandbox.url}/bank")[2]
    cookie = {"Cookie": f"sandbox_key={key}", "Content-Type": "application/x-www-form-urlencoded"}
    status, _, text = ask(
        "POST", f"{sandbox.url}/bank", urlencode({"act": "send", "iban": "nonsense", "amount": "7.77", "name": "Cleo"}), cookie
    )
    assert status == 422 and 'value="7.77"' in text and 'value="Cleo"' in text
    assert ask("POST", f"{sandbox.url}/bank", "act=close", {**cookie, "Origin": "http://evil.test"})[0] == 403


ORDERED = (("12.50", "DE12500105170648489890"), ("3.00", "GB33BUKB20201555555555"))


def order_file(sandbox: Sandbox, key: str) -> bytes:
    mine = accounts(bank_accounts(sandbox.url, key))["EUR"]
    transfers = [Transfer(uuid.uuid4().hex, Money.of(amount, "EUR"), "Blue Door Bakery", to, "", "Payout") for amount, to in ORDERED]
    return write_pain_001(uuid.uuid4().hex, datetime.now(UTC).replace(microsecond=0), mine, transfers, on=date.today())


def give_file(sandbox: Sandbox, key: str, raw: bytes, story: str = "accept") -> int:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/xml"}
    return int(ask("POST", f"{sandbox.url}/_sandbox/bank/order-files?story={story}", raw, headers)[0])


def answers(sandbox: Sandbox, key: str, after: int = 0) -> list[StatusReport]:
    told = sandbox.control("GET", f"bank/status-reports?after={after}", key)[1]["reports"]
    return [read_pain_002(one["xml"].encode()) for one in told]


@pytest.mark.parametrize(
    ("story", "status", "refused", "left"),
    [
        ("accept", "ACCP", [], 1550),
        ("first", "PART", ["AC01"], 300),
        ("each", "PART", ["AC04"], 1250),
        ("poor", "RJCT", [], 0),
        ("later", "RCVD", [], 0),
    ],
)
def test_a_file_is_answered_as_chosen_and_what_is_accepted_leaves(
    sandbox: Sandbox, key: str, story: str, status: str, refused: list[str], left: int
) -> None:
    assert give_file(sandbox, key, order_file(sandbox, key), story) == 201
    (report,) = answers(sandbox, key)
    assert (report.status, [one.reason.code for one in report.transfers if one.status == "RJCT"]) == (status, refused)
    entries = [entry for file in statements(sandbox, key) for one in file.statements for entry in one.entries]
    assert sum(entry.amount.minor for entry in entries if entry.sign == -1) == left


def test_the_same_file_again_is_refused_and_nothing_is_made_twice(sandbox: Sandbox, key: str) -> None:
    raw = order_file(sandbox, key)
    assert [give_file(sandbox, key, raw) for _ in range(2)] == [201, 201]
    first, second = answers(sandbox, key)
    assert (first.status, second.status, second.reason.code) == ("ACCP", "RJCT", "DUPL")
    entries = [entry for file in statements(sandbox, key) for one in file.statements for entry in one.entries]
    assert sum(entry.amount.minor for entry in entries) == 1550


@pytest.mark.parametrize("raw", [b"", b"x", b"<Document/>", b"<!DOCTYPE a><a/>", b"\xff\xfe"])
def test_what_is_no_file_of_transfers_is_refused_at_the_bank(sandbox: Sandbox, key: str, raw: bytes) -> None:
    assert give_file(sandbox, key, raw) == 400


def test_the_app_leads_back_to_the_page_of_the_payment(sandbox: Sandbox, key: str) -> None:
    cookie = {"Cookie": f"sandbox_key={key}", "Content-Type": "application/x-www-form-urlencoded"}
    back = "http://shop.test/checkout/abc"
    form = {"act": "send", "iban": iban(sandbox, key), "amount": "1.00", "name": "Ben", "reference": new_reference(), "at_once": "1"}
    opened = ask("GET", f"{sandbox.url}/bank?{urlencode({'back': back})}", headers=cookie)[2]
    assert f'name="back" value="{back}"' in opened and f'href="{back}"' in opened
    _, headers, _ = ask("POST", f"{sandbox.url}/bank", urlencode({**form, "back": back}), cookie)
    assert f'href="{back}"' in ask("GET", sandbox.url + headers["Location"], headers=cookie)[2]
    _, headers, _ = ask("POST", f"{sandbox.url}/bank", urlencode(form), cookie)
    assert "go back to it" in ask("GET", sandbox.url + headers["Location"], headers=cookie)[2]
    for strange in ("javascript:alert(1)", "http://[", "//shop.test"):
        status, _, page = ask("GET", f"{sandbox.url}/bank?{urlencode({'back': strange})}", headers=cookie)
        assert status == 200 and "Back to the payment" not in page


def test_the_app_says_on_which_day_a_transfer_is_booked(sandbox: Sandbox, key: str) -> None:
    days = {datetime.now(UTC).date()}
    page = ask("GET", f"{sandbox.url}/bank", headers={"Cookie": f"sandbox_key={key}"})[2]
    days.add(datetime.now(UTC).date())
    assert any(f"booked today: {day:%A}, {day}." in page for day in days)
    assert 'placeholder="20' not in page, "a day that is only an example is taken for the one"
