"""The provider contract about sellers' own accounts, clause by clause, over real HTTP: opening, completing, moving, paying out, taking back."""

import pytest

from core.kernel.db import TransactionOpen, db
from core.kernel.ids import public_id
from core.kernel.money import Money
from core.providers.bank import Bank
from core.providers.contract import ProviderRefused, ProviderUnreachable
from core.providers.receivers import PAY_OUT_STATES, RECEIVER_STATES, PaysSellers
from core.providers.stripe_receivers import receiver_outcome
from sandbox.connect import STANDINGS
from tests.core.providers.receivers import IBAN, OTHER_IBAN, complete, fill, move, opened, ready, receiver_wish
from tests.core.providers.wishes import read_all
from tests.sandbox.running import ask, new_key, wait_until

BACK = {"vendor": "vnd_1", "mode": "test", "payout": "po_1"}


def gbp(minor):
    return Money(minor, "GBP")


# --- the account -------------------------------------------------------------------------------------------------------


def test_the_same_wish_is_the_same_account_and_it_is_not_complete(provider):
    once = receiver_wish()
    first, second = provider.open_receiver(once), provider.open_receiver(once)
    assert first == second and isinstance(provider, PaysSellers)
    assert (first.state, first.banks, first.metadata["vendor"]) == ("to_complete", {}, "vnd_1") and first.due
    assert provider.inquire_receiver(first.provider_reference) == first


@pytest.mark.parametrize(
    ("act", "state"), [("ready", "ready"), ("needs_more", "to_complete"), ("under_review", "under_review"), ("leave", "to_complete")]
)
def test_its_owner_completes_it_at_the_provider(provider, sandbox, key, act, state):
    receiver = opened(provider)
    assert complete(provider, receiver, act) == "http://shop.test/back"
    if act == "under_review":  # it is over soon; what it looked like is asked by hand
        wait_until(lambda: provider.inquire_receiver(receiver).state == "ready")
        sandbox.control("POST", "accounts", key, account=receiver, outcome="under_review")
    found = provider.inquire_receiver(receiver)
    assert found.state == state and found.state in RECEIVER_STATES
    if act == "ready":
        assert (found.banks["GBP"].last4, found.due, found.reason) == (IBAN[-4:], 0, "")


@pytest.mark.parametrize("standing", sorted(STANDINGS))
def test_every_standing_has_a_word_of_ours(provider, sandbox, key, standing):
    receiver = ready(provider)
    sandbox.control("POST", "accounts", key, account=receiver, outcome=standing)
    found = provider.inquire_receiver(receiver)
    assert found.state == {"needs_more": "to_complete"}.get(standing, standing) and (found.state == "ready") == (not found.reason)


def test_a_page_is_good_for_one_visit_and_then_leads_to_a_new_one(provider):
    receiver = opened(provider)
    page = provider.receiver_page(receiver, "http://shop.test/back", "http://shop.test/again")
    assert "Get paid" in ask("GET", page)[2]
    wrong = ask("POST", page, "act=ready&holder=A&currency=GBP&iban=GB00", {"Content-Type": "application/x-www-form-urlencoded"})
    assert wrong[0] == 422 and "not an IBAN" in wrong[2]
    assert ask("POST", page, "act=leave", {"Content-Type": "application/x-www-form-urlencoded"})[1]["Location"] == "http://shop.test/back"
    assert ask("GET", page)[1]["Location"] == "http://shop.test/again"


def test_another_bank_account_has_another_mark(provider, sandbox, key):
    receiver = ready(provider)
    before = provider.inquire_receiver(receiver).banks["GBP"]
    sandbox.control("POST", "accounts", key, account=receiver, currency="gbp", iban=OTHER_IBAN)
    after = provider.inquire_receiver(receiver).banks["GBP"]
    assert (after.last4, after.mark == before.mark) == (OTHER_IBAN[-4:], False)


def test_its_bank_accounts_are_read_to_the_last(provider, sandbox, key):
    """Ten come along with the account; the first one stands behind them."""
    receiver = ready(provider)
    first = provider.inquire_receiver(receiver).banks
    for _ in range(11):
        sandbox.control("POST", "accounts", key, account=receiver, currency="usd", iban=OTHER_IBAN)
    found = provider.inquire_receiver(receiver).banks
    assert found["GBP"] == first["GBP"] and found["USD"].last4 == OTHER_IBAN[-4:]


def test_of_several_in_one_currency_the_one_that_is_paid_out_to_counts():
    account = {"id": "acct_1", "payouts_enabled": True, "capabilities": {"transfers": "active"}}
    kept = {"object": "bank_account", "currency": "gbp", "last4": "0001", "fingerprint": "kept"}
    banks = [{**kept, "id": "ba_2", "fingerprint": "newer"}, {**kept, "id": "ba_1", "default_for_currency": True}]
    assert receiver_outcome(account, banks).banks["GBP"].mark == "kept"
    card = {"object": "card", "id": "card_1", "currency": "gbp", "default_for_currency": True}
    assert receiver_outcome(account, [banks[0], card]).banks == {}  # it would leave for the card, which nobody here has seen


# --- money to it, and back ---------------------------------------------------------------------------------------------


def test_the_same_move_is_one_move_and_is_found_by_our_reference(provider):
    receiver = ready(provider)
    fill(provider)
    held, once = provider.held()["GBP"], move(receiver)
    first = provider.move_to_receiver(once)
    assert first == provider.move_to_receiver(once) == provider.find_move(once.reference)
    assert (first.amount, first.taken_back, provider.held()["GBP"]) == (gbp(2_500), gbp(0), held - 2_500)
    assert provider.find_move("po_other") is None


def test_what_we_do_not_have_there_is_not_moved(provider):
    receiver = ready(provider)
    with pytest.raises(ProviderRefused) as no:
        provider.move_to_receiver(once := move(receiver))
    assert no.value.code == "balance_insufficient" and provider.find_move(once.reference) is None


@pytest.mark.parametrize("standing", ["to_complete", "restricted", "under_review"])
def test_nothing_is_moved_to_an_account_that_is_not_ready(provider, sandbox, key, standing):
    receiver = ready(provider)
    fill(provider)
    sandbox.control("POST", "accounts", key, account=receiver, outcome=standing)
    with pytest.raises(ProviderRefused):
        provider.move_to_receiver(move(receiver))


def test_taken_back_it_is_ours_again_once(provider):
    receiver = ready(provider)
    fill(provider)
    held, moved = provider.held()["GBP"], provider.move_to_receiver(once := move(receiver))
    for _again in range(2):
        back = provider.take_back(f"{once.reference}-back", moved.provider_reference, gbp(2_500))
        assert (back.taken_back, back.back_reference[:4], provider.held()["GBP"]) == (gbp(2_500), "trr_", held)
    with pytest.raises(ProviderRefused):
        provider.take_back("another", moved.provider_reference, gbp(1))
    assert provider.find_move(once.reference).taken_back == gbp(2_500)


def test_what_came_back_is_read_to_the_last(provider, sandbox, key):
    """Ten returns come along with a transfer; ours stands behind those that somebody made by hand."""
    receiver = ready(provider)
    fill(provider)
    moved = provider.move_to_receiver(once := move(receiver))
    ours = provider.take_back(f"{once.reference}-back", moved.provider_reference, gbp(100)).back_reference
    for _ in range(11):
        provider._ask("post", f"transfers/{moved.provider_reference}/reversals", amount=100)
    found = provider.find_move(once.reference)
    assert (found.taken_back, found.back_reference) == (gbp(1_200), ours)


def test_what_has_left_for_the_bank_cannot_be_taken_back(provider):
    receiver = ready(provider, bank="slow")
    fill(provider)
    moved = provider.move_to_receiver(move(receiver))
    provider.pay_out("po_1-pay", receiver, gbp(2_500), BACK)
    with pytest.raises(ProviderRefused) as no:
        provider.take_back("po_1-back", moved.provider_reference, gbp(2_500))
    assert no.value.code == "balance_insufficient"


# --- from it to the bank ---------------------------------------------------------------------------------------------------


def sent(provider, reference="po_1-pay", **fields):
    receiver = ready(provider, **fields)
    fill(provider)
    provider.move_to_receiver(move(receiver))
    return receiver, provider.pay_out(reference, receiver, gbp(2_500), BACK)


def test_the_same_payout_is_one_payout_and_arrives(provider):
    receiver, first = sent(provider)
    again = provider.pay_out("po_1-pay", receiver, gbp(2_500), BACK)
    assert (again.provider_reference, first.state, first.amount) == (first.provider_reference, "pending", gbp(2_500)) and first.trace
    told = wait_until(lambda: (found := provider.inquire_pay_out(receiver, first.provider_reference)).state == "paid" and found)
    assert told == provider.find_pay_out("po_1-pay", receiver) and told.state in PAY_OUT_STATES
    assert provider.find_pay_out("po_2-pay", receiver) is None


def test_a_closed_account_fails_and_the_money_can_be_taken_back(provider):
    receiver = ready(provider, bank="closed")
    fill(provider)
    held, moved = provider.held()["GBP"], provider.move_to_receiver(move(receiver))
    made = provider.pay_out("po_1-pay", receiver, gbp(2_500), BACK)
    told = wait_until(lambda: (found := provider.inquire_pay_out(receiver, made.provider_reference)).state == "failed" and found)
    assert told.failure_reason == "account_closed"
    provider.take_back("po_1-back", moved.provider_reference, gbp(2_500))
    assert provider.held()["GBP"] == held


def test_a_paid_one_may_come_back(provider, sandbox, key):
    receiver, made = sent(provider)
    wait_until(lambda: provider.inquire_pay_out(receiver, made.provider_reference).state == "paid")
    sandbox.control("POST", "connected_payouts", key, payout=made.provider_reference, outcome="failed")
    assert provider.inquire_pay_out(receiver, made.provider_reference).state == "failed"


def test_more_than_the_account_has_is_refused_and_so_is_a_currency_without_a_bank(provider):
    receiver = ready(provider)
    for amount in (gbp(1), Money(1, "EUR")):
        with pytest.raises(ProviderRefused):
            provider.pay_out(public_id("po"), receiver, amount, BACK)


# --- what may be unknown, and news -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("story", ["timeout_after", "timeout_before", "error_after"])
def test_a_move_whose_answer_is_lost_is_unknown_and_found(provider, sandbox, key, story):
    receiver = ready(provider)
    fill(provider)
    sandbox.story(key, story, seconds=0, times=1, path="/v1/transfers")
    with pytest.raises(ProviderUnreachable) as problem:
        provider.move_to_receiver(once := move(receiver))
    assert problem.value.effect_unknown
    assert (provider.find_move(once.reference) is None) == (story == "timeout_before")
    if story != "error_after":  # that one is answered the same for as long as the key is kept
        assert provider.move_to_receiver(once) == provider.find_move(once.reference)


def test_a_payout_whose_answer_is_lost_is_unknown_and_found(provider, sandbox, key):
    receiver = ready(provider)
    fill(provider)
    provider.move_to_receiver(move(receiver))
    sandbox.story(key, "timeout_after", seconds=0, times=1, path="/v1/payouts")
    with pytest.raises(ProviderUnreachable):
        provider.pay_out("po_1-pay", receiver, gbp(2_500), BACK)
    assert provider.find_pay_out("po_1-pay", receiver).amount == gbp(2_500)


def test_events_name_the_payout_and_the_account_and_say_nothing_more(provider, sandbox, catcher):
    receiver, _made = sent(provider)
    catcher.hear("account.updated", "transfer.created", "payout.paid")
    told = {event.type: event for event in read_all(provider, catcher)}
    assert (told["account.updated"].kind, told["account.updated"].receiver, told["account.updated"].metadata["vendor"]) == (
        "receiver",
        receiver,
        "vnd_1",
    )
    for kind in ("transfer.created", "payout.created", "payout.paid"):
        assert told[kind].kind == "payout" and told[kind].metadata["payout"].startswith("po_")
    sandbox.control("POST", "payouts", provider._client._requestor.api_key, at_once=True)
    catcher.wait_for(lambda c: sum(kind == "payout.paid" for kind in c.types()) == 2)
    assert [event.kind for event in read_all(provider, catcher) if event.type == "payout.paid"] == ["payout", "other"], (
        "our own is no seller's"
    )


def test_our_lines_name_the_move_the_return_and_the_payout_they_are_for(provider):
    from tests.core.providers.test_settlement import since

    receiver = ready(provider)
    fill(provider)
    moved = provider.move_to_receiver(once := move(receiver, reference="po_abc"))
    back = provider.take_back("po_abc-back", moved.provider_reference, gbp(2_500))
    lines = {line.category: line for line in provider.settlement_lines(since())[0]}
    assert (lines["transfer"].net_minor, lines["transfer"].source_id) == (-2_500, moved.provider_reference)
    assert (lines["transfer_reversal"].net_minor, lines["transfer_reversal"].source_id) == (2_500, back.back_reference)
    assert {lines[name].reference for name in ("transfer", "transfer_reversal")} == {"po_abc"} and once.reference == "po_abc-1"
    assert {lines[name].counterparty for name in ("transfer", "transfer_reversal")} == {"vnd_1"}


def test_of_what_it_does_not_know_it_says_so(provider):
    for question in (
        lambda: provider.inquire_receiver("acct_nothing"), lambda: provider.receiver_page("acct_nothing", "http://a.test", "http://a.test"),
        lambda: provider.take_back("r", "tr_nothing", gbp(1)), lambda: provider.move_to_receiver(move("acct_nothing")),
        lambda: provider.inquire_receiver(""),
    ):  # fmt: skip
        with pytest.raises(ProviderRefused):
            question()
    with pytest.raises((ProviderRefused, ProviderUnreachable)):  # a key without access to an account says nothing about a payout
        provider.inquire_pay_out("acct_nothing", "po_nothing")


def test_another_platforms_account_is_nobodys(provider, sandbox):
    from tests.core.providers.conftest import stripe_at_the_sandbox

    receiver, stranger = ready(provider), stripe_at_the_sandbox(sandbox, new_key())
    try:
        for question in (lambda: stranger.inquire_receiver(receiver), lambda: stranger.pay_out("a", receiver, gbp(1), {})):
            with pytest.raises((ProviderRefused, ProviderUnreachable)):
                question()
    finally:
        stranger.close()


def test_nobody_is_asked_inside_a_transaction(provider):
    db.session.execute(db.text("SELECT 1"))
    for question in (
        lambda: provider.open_receiver(receiver_wish()), lambda: provider.receiver_page("a", "b", "c"), lambda: provider.inquire_receiver("a"),
        lambda: provider.move_to_receiver(move("a")), lambda: provider.find_move("a"), lambda: provider.take_back("a", "b", gbp(1)),
        lambda: provider.pay_out("a", "b", gbp(1), {}), lambda: provider.inquire_pay_out("a", "b"), lambda: provider.find_pay_out("a", "b"),
    ):  # fmt: skip
        with pytest.raises(TransactionOpen):
            question()
    db.session.rollback()


def test_a_bank_has_no_part_of_it():
    assert not isinstance(Bank("test", {}), PaysSellers)
