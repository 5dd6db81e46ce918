"""The provider contract about disputes, clause by clause, over real HTTP: reading one, answering it once, giving in, and both ends."""

import io

import pytest
from PIL import Image

from core.kernel.db import TransactionOpen, db
from core.kernel.money import Money
from core.providers.bank import Bank
from core.providers.contract import ProviderRefused
from core.providers.disputes import DISPUTE_STATES, FILES, REASONS, TEXTS, Evidence, EvidenceFile
from sandbox import disputes as theirs
from tests.core.providers.wishes import paid, read_all
from tests.sandbox.running import wait_until

WORDS = Evidence({"product_description": "A pot", "uncategorized_text": "They came and took it."})


@pytest.fixture
def disputed(provider, sandbox, key):
    """disputed(**how) opens a dispute of a payment and answers (its name, the payment's outcome)."""

    def make(**how):
        outcome = paid(provider, sandbox)
        status, made = sandbox.control("POST", "disputes", key, charge=outcome.charge, **how)
        assert status == 201, made
        return made["id"], outcome

    return make


def decide(sandbox, key, name, outcome):
    status, told = sandbox.control("POST", "disputes", key, dispute=name, outcome=outcome)
    assert status == 200, told


def picture():
    made = io.BytesIO()
    Image.new("RGB", (60, 60), (200, 30, 30)).save(made, "JPEG")
    return made.getvalue()


def test_it_is_read_whole_with_whose_charge_it_is(provider, disputed):
    name, outcome = disputed(reason="product_not_received")
    found = provider.inquire_dispute(name)
    assert (found.state, found.provider_reference, found.charge, found.amount) == (
        "needs_response",
        name,
        outcome.charge,
        Money(2500, "GBP"),
    )
    assert (found.reason, found.network_code, found.cycles, found.submissions) == ("product_not_received", "13.1", 1, 0)
    assert found.metadata["payment"] == "pay_1" and found.due_at > found.opened_at
    (line,) = found.withdrawals
    assert (line.amount, line.fee) == (Money(2500, "GBP"), Money(1500, "GBP"))


def test_its_event_names_it_and_says_nothing_more(provider, sandbox, catcher):
    paid(provider, sandbox, "4000000000000259")
    catcher.hear("charge.dispute.created", "charge.dispute.funds_withdrawn")
    told = [event for event in read_all(provider, catcher) if event.kind == "dispute"]
    assert {event.type for event in told} == {"charge.dispute.created", "charge.dispute.funds_withdrawn"}
    (name,) = {event.dispute for event in told}
    assert provider.inquire_dispute(name).reason == "fraudulent" and told[0].outcome is None


def test_an_answer_is_handed_over_once_with_its_files(provider, disputed):
    name, _ = disputed()
    files = tuple(
        EvidenceFile(kind, f"{kind}.jpg", "image/jpeg", picture()) for kind in ("receipt", "shipping_documentation", "evidence_pack")
    )
    answer = Evidence(WORDS.texts, files)
    for _again in range(2):
        told = provider.answer_dispute("dp_1-answer-1", name, answer)
        assert (told.state, told.submissions) == ("under_review", 1)
    kept = provider._ask("get", f"disputes/{name}")["evidence"]
    assert kept["product_description"] == "A pot" and kept["receipt"].startswith("file_") and kept["uncategorized_file"].startswith("file_")
    with pytest.raises(ProviderRefused):
        provider.answer_dispute("dp_1-answer-other", name, WORDS)


def test_every_field_of_the_contract_is_taken(provider, disputed):
    name, _ = disputed()
    told = provider.answer_dispute("dp_2-answer-1", name, Evidence({text: f"About {text}" for text in TEXTS}, tuple(
        EvidenceFile(kind, f"{kind}.jpg", "image/jpeg", picture()) for kind in FILES)))  # fmt: skip
    assert told.state == "under_review"
    kept = provider._ask("get", f"disputes/{name}")["evidence"]
    assert all(kept[text] == f"About {text}" for text in TEXTS) and sum(
        1 for value in kept.values() if str(value).startswith("file_")
    ) == len(FILES)


@pytest.mark.parametrize("end", ["won", "lost"])
def test_it_ends_one_way_or_the_other(provider, sandbox, key, disputed, end):
    name, _ = disputed()
    provider.answer_dispute("dp_3-answer-1", name, WORDS)
    decide(sandbox, key, name, end)
    found = provider.inquire_dispute(name)
    moved = [line.amount.minor for line in found.withdrawals]
    assert (found.state, moved) == (end, [2500, -2500] if end == "won" else [2500])


def test_won_it_can_be_opened_again_and_is_a_second_cycle(provider, sandbox, key, disputed):
    name, _ = disputed()
    decide(sandbox, key, name, "won")
    decide(sandbox, key, name, "again")
    found = provider.inquire_dispute(name)
    assert (found.state, found.cycles, [line.amount.minor for line in found.withdrawals]) == ("needs_response", 2, [2500, -2500, 2500])
    assert provider.answer_dispute("dp_4-answer-2", name, WORDS).state == "under_review"


def test_the_published_words_decide_by_themselves(provider, disputed):
    name, _ = disputed()
    provider.answer_dispute("dp_5-answer-1", name, Evidence({"uncategorized_text": "winning_evidence"}))
    assert wait_until(lambda: (found := provider.inquire_dispute(name)).state == "won" and found).cycles == 1


def test_an_inquiry_takes_nothing_and_leaves_refunds_open(provider, sandbox, key, disputed):
    name, outcome = disputed(inquiry=True)
    found = provider.inquire_dispute(name)
    assert (found.state, found.cycles, found.withdrawals) == ("inquiry", 0, ())
    assert provider.refund("ref_i", outcome.charge, Money(500, "GBP"), "other", {}).state == "succeeded"
    assert provider.answer_dispute("dp_6-answer-0", name, WORDS).submissions == 1
    decide(sandbox, key, name, "closed")
    assert provider.inquire_dispute(name).state == "closed"


def test_an_inquiry_may_become_a_dispute(provider, sandbox, key, disputed):
    name, _ = disputed(inquiry=True)
    decide(sandbox, key, name, "again")
    assert (provider.inquire_dispute(name).state, provider.inquire_dispute(name).cycles) == ("needs_response", 1)


def test_giving_in_is_the_end(provider, disputed):
    name, outcome = disputed()
    assert provider.accept_dispute("dp_7-accept-1", name).state == "lost"
    assert provider.accept_dispute("dp_7-accept-1", name).state == "lost", "the same wish again is the same answer"
    with pytest.raises(ProviderRefused):
        provider.answer_dispute("dp_7-answer-1", name, WORDS)
    with pytest.raises(ProviderRefused):
        provider.refund("ref_7", outcome.charge, Money(100, "GBP"), "other", {})


def test_without_an_answer_it_is_lost_when_the_day_is_over(provider, disputed):
    name, _ = disputed(due_seconds=1)
    assert wait_until(lambda: provider.inquire_dispute(name).state == "lost")


def test_won_the_charge_can_be_refunded_again(provider, sandbox, key, disputed):
    name, outcome = disputed()
    with pytest.raises(ProviderRefused) as no:
        provider.refund("ref_8", outcome.charge, Money(100, "GBP"), "other", {})
    assert no.value.code == "charge_disputed"
    decide(sandbox, key, name, "won")
    assert provider.refund("ref_9", outcome.charge, Money(100, "GBP"), "other", {}).state == "succeeded"


def test_of_one_it_does_not_know_it_says_so(provider):
    for ask in (lambda: provider.inquire_dispute("du_nothing"), lambda: provider.accept_dispute("dp_x", "du_nothing"),
                lambda: provider.answer_dispute("dp_y", "du_nothing", WORDS)):  # fmt: skip
        with pytest.raises(ProviderRefused):
            ask()


def test_nobody_is_asked_inside_a_transaction(provider):
    db.session.execute(db.text("SELECT 1"))
    for ask in (lambda: provider.inquire_dispute("du_1"), lambda: provider.accept_dispute("a", "du_1"),
                lambda: provider.answer_dispute("b", "du_1", WORDS)):  # fmt: skip
        with pytest.raises(TransactionOpen):
            ask()


def test_a_file_that_is_none_is_refused(provider, disputed):
    name, _ = disputed()
    with pytest.raises(ProviderRefused):
        provider.answer_dispute("dp_9-answer-1", name, Evidence({}, (EvidenceFile("receipt", "a.pdf", "application/pdf", b"hello"),)))
    assert provider.inquire_dispute(name).state == "needs_response"


def test_a_bank_transfer_is_not_disputed():
    bank = Bank("test", {})
    for ask in (lambda: bank.inquire_dispute("x"), lambda: bank.accept_dispute("a", "x"), lambda: bank.answer_dispute("a", "x", WORDS)):
        with pytest.raises(ProviderRefused) as no:
            ask()
        assert no.value.code == "disputes_not_offered"


def test_the_contracts_words_are_those_the_sandbox_knows():
    assert set(TEXTS) <= set(theirs.EVIDENCE) and {kind for kind in FILES if kind != "evidence_pack"} <= set(theirs.FILES)
    assert set(theirs.CODES) < set(REASONS) and "unknown" in DISPUTE_STATES
