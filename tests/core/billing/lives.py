"""Lives of subscriptions as hypothesis writes them: wishes, days between them, and a card that answers as it likes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from hypothesis import strategies as st

from core.billing import payment
from core.billing.effects import ChargeWanted, Drafted, Dropped, Effect, Written
from core.billing.fx import Rate
from core.billing.lines import Document, Line
from core.billing.midnight import midnight
from core.billing.reissue import Reissue, reissue
from core.billing.renew import Offer
from core.billing.tax import REVERSE, Treatment
from core.billing.terms import POLICY
from core.billing.wishes import AddBranches, AddProducts, Cancel, ChooseTier, Hibernate, Keep, Reactivate, Resume, WakeOn, Wish
from core.kernel.errors import Refusal
from tests.core.billing.story import Story

TIERS = st.sampled_from(["starter", "pro", "enterprise"])
WAKES = st.none() | st.dates(date(2026, 1, 1), date(2030, 12, 31))  # of these some can be chosen, whenever it begins
WISHES: st.SearchStrategy[Wish] = st.one_of(
    st.builds(ChooseTier, TIERS, st.booleans()),
    st.builds(AddBranches, st.integers(-3, 4)),
    st.builds(AddProducts, st.sampled_from([-60, -12, -1, 1, 3, 12, 110])),
    st.builds(Hibernate, st.booleans(), WAKES),
    st.builds(WakeOn, WAKES),
    st.builds(Resume),
    st.builds(Reactivate),
    st.builds(Keep),
)


@dataclass(frozen=True)
class Anew:
    """One of the invoices there are is issued anew, counted from the newest, with its tax as it was or another one."""

    back: int
    bps: int | None


ANEW = st.builds(Anew, st.integers(0, 3), st.sampled_from([None, REVERSE, 2000, 1750]))
ENDS = st.builds(Cancel, st.booleans())
DAYS = st.lists(st.tuples(st.integers(0, 9), st.one_of(WISHES, WISHES, WISHES, ENDS)), max_size=14)
ANEW_DAYS = st.lists(st.tuples(st.integers(0, 20), st.one_of(WISHES, WISHES, ANEW, ANEW, ANEW)), min_size=3, max_size=14)
ANCHORS = st.dates(date(2026, 1, 1), date(2029, 12, 31))
ANSWERS = st.lists(st.sampled_from(["yes", "yes", "yes", "no", "hard", "late", "never"]), min_size=1, max_size=12)


def live(
    begins: date,
    days: Iterable[tuple[int, Wish | Anew]],
    answers: list[str],
    *,
    tax_bps: int | None = None,
    rate: Rate | None = None,
    more: int = 70,
) -> Story:
    """A life: wishes with days between them, and a card that answers as it likes, at once, days later or never."""
    story = Story("starter", begins, tax_bps=tax_bps, rate=rate)
    story.offer, story.pays = Offer(POLICY, (rate,) if rate else ()), False
    asked, late, silent = 0, [], []
    story.received = story.wanted()[0].amount

    def answer(effects: list[Effect]) -> None:
        nonlocal asked
        for charge in [effect for effect in effects if isinstance(effect, ChargeWanted)]:
            assert charge.amount >= story.state.terms.gateway_minimum  # nothing below it is ever sent
            said = answers[asked % len(answers)]
            asked += 1
            if said == "yes":
                story.received = story.received + charge.amount
                answer(story.take(payment.receive(story.state, charge.documents, charge.amount)))
            elif said == "late":
                late.append(charge)
            elif said == "never":
                silent.append(charge)
            else:
                answer(story.take(payment.refuse(story.state, charge.documents, hard=said == "hard")))

    def look() -> None:
        story.most[story.state.period.start] = max(story.most.get(story.state.period.start, 0), story.state.branches.peak)

    for pause, wish in [*days, (more, None)]:
        for _ in range(pause):
            look()
            answer(story.take(midnight(story.state, story.offer)))
        if wish is None:
            break
        for charge in late[:1]:
            late.remove(charge)
            story.received = story.received + charge.amount
            answer(story.take(payment.receive(story.state, charge.documents, charge.amount)))
        try:
            answer(anew(story, wish, late, silent) if isinstance(wish, Anew) else story.wish(wish))
        except Refusal:
            continue
    look()  # the last midnight may have begun a period
    return story


def anew(story: Story, wish: Anew, late: list[ChargeWanted], silent: list[ChargeWanted]) -> list[Effect]:
    """What the layer with the database does: it knows which charges are planned, refuses while one is at the card, and finds who corrects what."""
    papers = standing(story)
    invoices = [each for each in papers if each.kind == "invoice"]
    if wish.back >= len(invoices):
        return []
    first = invoices[-1 - wish.back]
    written = {number for entry in story.of(Written) for number in entry.documents}
    if first.number in written or any(first.number in charge.documents for charge in late):
        return []
    planned = [charge for charge in silent if first.number in charge.documents]
    corrected = {line.corrects for each in papers if each is not first for line in each.lines if line.corrects is not None}
    mine = tuple(sorted(corrected & {line.number for line in first.lines}))
    tax = None if wish.bps is None else Treatment(wish.bps)
    done = story.take(reissue(story.state, Reissue(first, tax, mine, tuple({n for charge in planned for n in charge.documents}))))
    silent[:] = [charge for charge in silent if charge not in planned]
    return done


def charged(story: Story) -> list[Line]:
    """Every line that was ever on a document that stands, or that still waits."""
    lines = {line.number: line for document in standing(story) for line in document.lines}
    lines |= {entry.line.number: entry.line for entry in story.state.entries}
    return list(lines.values())


def standing(story: Story) -> list[Document]:
    dropped = {effect.document for effect in story.of(Dropped)}
    held = story.state.awaiting.document.number if story.state.awaiting else None
    return [e.document for e in story.of(Drafted) if e.document.number not in dropped and e.document.number != held]
