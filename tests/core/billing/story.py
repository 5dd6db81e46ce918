"""A subscription that lives through days: what tests drive. Money goes in and out of the real acts; only the card's answer is the test's."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

from core.billing import payment
from core.billing.begin import begin
from core.billing.dunning import schedule
from core.billing.effects import ChargeWanted, Drafted, Dropped, Effect, Notice
from core.billing.lines import Document
from core.billing.midnight import midnight
from core.billing.payment import paid
from core.billing.renew import Offer
from core.billing.subscription import Step, Subscription
from core.billing.terms import POLICY
from core.billing.wishes import AddBranches, AddProducts, Wish, perform
from core.kernel.money import Money

T = TypeVar("T")


def gbp(text: str) -> Money:
    """`gbp("-0.67")`."""
    return -Money.of(text[1:], "GBP") if text.startswith("-") else Money.of(text, "GBP")


class Story:
    """`pays`: whether the card answers yes; `first`: whether it did for the very first invoice. `effects` keeps everything; `new` only what the last step did."""

    def __init__(self, tier: str, on: date, *, offer: Offer | None = None, pays: bool = True, first: bool = True, **more: Any) -> None:
        self.offer = offer or Offer(POLICY)
        self.effects: list[Effect] = []
        self.new: list[Effect] = []
        self.pays = first
        self.state: Subscription
        self.received = Money(0, "GBP")  # for tests that count what came in
        self.most: dict[date, int] = {}  # the most branches at one moment of a period
        self.days: list[date] = []  # on which day each effect happened
        self.take(begin(self.offer.terms, tier, on, key="sub_story", **more))
        self.pays = pays

    def offer_on(self, _day: date) -> Offer:
        """One price list and the same rates for every day."""
        return self.offer

    def take(self, step: Step) -> list[Effect]:
        """Go on with what an act answered; wanted charges are paid when the card says yes, else they wait for the test."""
        self.state, effects = paid(*step, self.offer) if self.pays else step
        self.new = list(effects)
        self.effects += self.new
        self.days += [self.state.today] * len(self.new)
        return self.new

    def wish(self, wish: Wish) -> list[Effect]:
        return self.take(perform(self.state, wish, self.offer))

    def branches(self, more: int) -> list[Effect]:
        return self.wish(AddBranches(more))

    def products(self, count: int) -> list[Effect]:
        """So many are published from now on."""
        return self.wish(AddProducts(count - self.state.products.count))

    def to(self, day: date) -> list[Effect]:
        """Run every midnight up to the beginning of a day; answers what all of them did."""
        seen: list[Effect] = []
        while self.state.today < day:
            seen += self.take(midnight(self.state, self.offer))
        self.new = seen
        return seen

    def decline(self, *, hard: bool = False) -> list[Effect]:
        """The card says no to the last charge that was wanted."""
        return self.take(payment.refuse(self.state, self.wanted()[-1].documents, hard=hard))

    def settle(self) -> list[Effect]:
        """The card says yes to the last charge that was wanted."""
        charge = self.wanted()[-1]
        return self.take(payment.receive(self.state, charge.documents, charge.amount, coming=self.offer.local(self.state)))

    def change(self, **fields: Any) -> None:
        """A fact that is not an act: a card was removed, a wish was ticked."""
        self.state = replace(self.state, **fields)

    # --- what was seen ---------------------------------------------------------------------------------------------------

    def of(self, kind: type[T], *, new: bool = False) -> list[T]:
        return [effect for effect in (self.new if new else self.effects) if isinstance(effect, kind)]

    def effects_on(self, effect: Effect) -> date:
        """On which day an effect happened."""
        return self.days[next(n for n, each in enumerate(self.effects) if each is effect)]

    def wanted(self, *, new: bool = False) -> list[ChargeWanted]:
        return self.of(ChargeWanted, new=new)

    def documents(self, *, new: bool = False) -> list[Document]:
        """The documents that are or may still become final."""
        dropped = {effect.document for effect in self.of(Dropped)}
        return [effect.document for effect in self.of(Drafted, new=new) if effect.document.number not in dropped]

    def notices(self, *, new: bool = False) -> list[tuple[str, date]]:
        return [(notice.kind, notice.sent_on) for notice in self.of(Notice, new=new)]

    def notice(self, kind: str) -> Notice:
        return next(notice for notice in reversed(self.of(Notice)) if notice.kind == kind)


def amounts(document: Document) -> list[str]:
    """The amounts of a document's lines, as text without the currency."""
    return [line.amount.decimal_text for line in document.lines]


def behind(tier: str = "pro", renewal: date = date(2026, 11, 1), *, begins: date = date(2026, 10, 1), hard: bool = False) -> Story:
    """A story whose renewal was declined."""
    story = Story(tier, begins, pays=False)
    story.to(renewal)
    story.decline(hard=hard)
    return story


def run_declining(story: Story, until: date) -> list[date]:
    """Every retry is declined; answers the days on which there was one."""
    days = []
    while story.state.today < until:
        story.to(date.fromordinal(story.state.today.toordinal() + 1))
        if story.wanted(new=True):
            days.append(story.state.today)
            story.decline()
    return days


def suspended(tier: str = "pro", renewal: date = date(2026, 11, 1), **more: date) -> Story:
    story = behind(tier, renewal, **more)
    run_declining(story, schedule(renewal, POLICY).suspended)
    assert story.state.status == "suspended"
    return story
