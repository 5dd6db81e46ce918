"""What a provider that holds money says of it: lines, payouts to our bank and their lines, and the balance; the same over the API and in the report."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from sqlalchemy import text

from core.kernel import clock
from core.kernel.db import TransactionOpen, db
from core.providers.settlement import CATEGORIES, Settles, category_of
from tests.core.providers.wishes import paid
from tests.sandbox.running import ask as request


def since():
    return clock.now() - timedelta(hours=1)


def test_every_line_is_gross_less_fee_and_names_what_moved_it_and_whose_it_is(provider, sandbox):
    outcome = paid(provider, sandbox)
    assert isinstance(provider, Settles)
    (line,), after = provider.settlement_lines(since())
    assert after is None
    assert (line.category, line.currency, line.gross_minor, line.fee_minor, line.net_minor) == ("charge", "GBP", 2500, 55, 2445)
    assert (line.source_id, line.reference, line.counterparty) == (outcome.charge, "pay_1", "vnd_1")
    assert line.settlement_id == "" and line.external_id.startswith("txn_")


def test_lines_come_in_pages_and_none_is_told_twice(provider, sandbox, key):
    for _ in range(105):
        sandbox.control("POST", "mishaps", key, mishap="stranger", subject="gbp")
    first, after = provider.settlement_lines(since())
    rest, end = provider.settlement_lines(since(), after)
    assert (len(first), len(rest), end) == (100, 5, None)
    assert len({line.external_id for line in (*first, *rest)}) == 105


def test_a_payout_is_the_sum_of_its_lines_and_leaves_nothing_behind(provider, sandbox, key):
    outcome = paid(provider, sandbox)
    provider.refund("ref_1", outcome.charge, outcome.captured, "other", {"vendor": "vnd_1"})
    paid(provider, sandbox)
    assert provider.held() == {"GBP": 2445 - 2500 + 2445}
    sandbox.control("POST", "payouts", key, at_once=True)
    (payout,), after = provider.settlements(since())
    assert after is None
    assert (payout.amount_minor, payout.currency, payout.state, payout.itemised) == (2390, "GBP", "paid", True) and payout.trace
    lines, _ = provider.lines_of_settlement(payout.external_id)
    assert sum(line.net_minor for line in lines) == payout.amount_minor and {line.settlement_id for line in lines} == {payout.external_id}
    assert sorted(line.category for line in lines) == ["charge", "charge", "refund"]
    assert provider.held() == {"GBP": 0}
    told, _ = provider.settlement_lines(since())
    assert sorted(line.category for line in told) == ["charge", "charge", "payout", "refund"]


def test_the_bank_shows_the_payout_under_its_trace(provider, sandbox, key):
    paid(provider, sandbox)
    sandbox.control("POST", "payouts", key, at_once=True)
    (payout,), after = provider.settlements(since())
    assert after is None
    accounts = sandbox.control("GET", "bank/accounts", key)[1]["accounts"]
    iban = next(one["iban"] for one in accounts if one["currency"] == "GBP")
    sandbox.control("POST", "bank/statements", key, now=1)
    (statement,) = sandbox.control("GET", f"bank/statements?iban={iban}", key)[1]["statements"]
    assert payout.trace in statement["xml"] and "24.45" in statement["xml"]


def test_the_report_says_the_same_as_the_api(provider, sandbox, key):
    paid(provider, sandbox)
    lines, _ = provider.settlement_lines(since())
    status, _, body = _report(sandbox, key)
    rows = list(csv.DictReader(io.StringIO(body)))
    assert status == 200 and rows[0]["balance_transaction_id"] == lines[0].external_id
    assert (rows[0]["gross"], rows[0]["fee"], rows[0]["net"]) == ("25.00", "0.55", "24.45")
    assert (rows[-1]["balance_transaction_id"], rows[-1]["net"], rows[-1]["description"]) == ("TOTAL", "24.45", "1 rows")


def _report(sandbox, key):
    return request("GET", f"{sandbox.url}/_sandbox/settlement.csv", None, {"Authorization": f"Bearer {key}"})


def test_nothing_of_it_is_asked_inside_a_transaction(provider, bare_app):
    db.session.execute(text("SELECT 1"))
    try:
        for ask in (provider.held, lambda: provider.settlement_lines(since()), lambda: provider.settlements(since())):
            with pytest.raises(TransactionOpen):
                ask()
    finally:
        db.session.rollback()


def test_a_word_we_have_none_for_is_other():
    assert category_of("payment_refund") == "refund" and category_of("climate_order_purchase") == "other"
    assert {category_of(word) for word in ("charge", "payout_cancel", "stripe_fee", "dispute_reversal")} <= set(CATEGORIES)


@pytest.mark.parametrize("mishap", ["forgotten", "twice", "refund_back", "short_payout", "nonsense"])
def test_a_mishap_that_cannot_be_done_says_so(sandbox, key, mishap):
    status, told = sandbox.control("POST", "mishaps", key, mishap=mishap)
    assert status in (400, 404) and told["error"]["message"]
