"""EC-96: what is paid and owed, from the events alone, is what the arithmetic says, in lives in which invoices are issued anew."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from core.billing.codec import decode_one_of
from core.billing.effects import ChargeWanted, Drafted, Effect, Written
from core.billing.lines import Document
from core.billing.reissue import ORIGIN, Reissue, reissue
from core.billing.tax import Treatment
from core.billing.wishes import AddBranches, Wish
from core.kernel.errors import Refusal
from tests.core.billing.lives import ANCHORS, ANEW_DAYS, ANSWERS, Anew
from tests.core.subscriptions.test_settled import Told, agrees

Days = list[tuple[int, Wish | Anew]]


def anew(told: Told, wish: Anew, planned: list[ChargeWanted]) -> None:
    effects = [decode_one_of(Effect, kept) for event in told.events for kept in event.effects]
    standing = {number for number, one in told.settled().items() if one.standing not in ("draft", "dropped")}
    papers: list[Document] = [effect.document for effect in effects if isinstance(effect, Drafted) and effect.document.number in standing]
    written = {number for effect in effects if isinstance(effect, Written) for number in effect.documents}
    invoices = [paper for paper in papers if paper.kind == "invoice" and paper.number not in written]
    if wish.back < len(invoices):
        first = invoices[-1 - wish.back]
        mine = [charge for charge in planned if first.number in charge.documents]
        corrected = {line.corrects for paper in papers for line in paper.lines if paper is not first and line.corrects is not None}
        given = Reissue(
            first, None if wish.bps is None else Treatment(wish.bps), tuple(sorted(corrected & {line.number for line in first.lines})),
            tuple(sorted({number for charge in mine for number in charge.documents})),
        )  # fmt: skip
        told.take("reissued", reissue(told.state, given), document=first.number)
        planned[:] = [charge for charge in planned if charge not in mine]


@settings(max_examples=100, deadline=None)
@given(ANCHORS, ANEW_DAYS, ANSWERS, st.sampled_from([None, 2000]))
def test_ec_96_what_is_owed_is_what_the_arithmetic_says(begins: date, days: Days, answers: list[str], tax: int | None) -> None:
    told, asked, planned = Told(begins, tax_bps=tax), 0, list[ChargeWanted]()
    told.pay()
    for wait, wish in [*days, (70, AddBranches(1))]:
        for _ in range(wait):
            told.next_day()
            while told.wanted and asked < 400:
                answer, charge = answers[asked % len(answers)], told.wanted[0]
                asked += 1
                if answer in ("yes", "late"):
                    told.wanted.pop(0)
                    told.receive(charge, charge.amount)
                elif answer == "never":
                    planned.append(told.wanted.pop(0))
                else:
                    told.refuse(hard=answer == "hard")
            agrees(told)
        with suppress(Refusal):
            if isinstance(wish, Anew):
                anew(told, wish, planned + told.wanted)
            else:
                told.wish(wish)
        agrees(told)
    for number, one in told.settled().items():
        parts = (one.due, one.from_balance, one.paid, one.credited, one.written)
        if one.standing in ("open", "settled", "written_off"):
            assert sum(part.minor for part in parts) == one.gross.minor and all(part.minor >= 0 for part in parts), number
        if one.standing == "credited":
            assert one.lowered + one.to_balance == one.gross


def test_ec_96_a_paid_invoice_then_says_what_its_credit_note_brought_and_the_new_one_what_paid_it() -> None:
    told = Told(date(2026, 11, 1), "pro")
    told.pay()
    anew(told, Anew(0, None), [])
    first, note, new = (told.settled()[number] for number in (1, 2, 3))
    assert (first.standing, first.paid, note.to_balance, note.lowered.minor) == ("settled", first.gross, first.gross, 0)
    assert (new.standing, new.from_balance, new.due.minor) == ("settled", new.gross, 0)
    assert [paper["document"]["origin"] for event in told.events[-1:] for paper in event.effects if paper["is"] == "Drafted"] == [
        ORIGIN
    ] * 2
