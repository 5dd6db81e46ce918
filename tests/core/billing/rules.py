"""What holds for every life of a subscription, as sentences that fail: asked of lives with and without invoices that are issued anew."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from core.billing.calendar import period_of
from core.billing.effects import BalanceMoved, Written
from core.billing.lines import BRANCH, group_of, sum_of
from core.kernel.money import Money
from tests.core.billing.lives import charged, standing
from tests.core.billing.story import Story, gbp


def every_penny_is_accounted_for(story: Story) -> None:
    """What was invoiced less what was credited is what was received, is owed, was written off, or stands on the balance."""
    invoiced = sum_of((document.gross for document in standing(story)), "GBP")
    owed = sum_of((each.due for each in story.state.open), "GBP")
    written = sum_of((entry.amount for entry in story.of(Written) if entry.documents), "GBP")
    assert story.received + owed + written == invoiced + story.state.balance
    assert story.state.balance == sum_of((moved.amount for moved in story.of(BalanceMoved)), "GBP")
    assert story.state.balance >= gbp("0.00")


def no_period_costs_more_than_its_highest_state(story: Story) -> None:
    """Nor less than nothing."""
    nets: dict[tuple[str, date], Money] = defaultdict(lambda: gbp("0.00"))
    caps: dict[tuple[str, date], Money] = defaultdict(lambda: gbp("0.00"))
    for line in charged(story):
        key = (group_of(line.item), period_of(story.state.anchor, line.start).start)
        nets[key] = nets[key] + line.amount
        if line.corrects is None and line.item != BRANCH:
            caps[key] = max(caps[key], line.whole)
    for (group, start), net in nets.items():
        cap = caps[group, start] if group != BRANCH else Money(100 * story.most.get(start, 0), "GBP")
        assert gbp("0.00") <= net <= cap


def no_more_tax_goes_back_than_was_taken(story: Story) -> None:
    for share in story.state.taxed:
        assert gbp("0.00") <= share.credited_tax <= share.tax
        assert share.credited_net <= share.net
        if share.credited_net == share.net:
            assert share.credited_tax == share.tax
