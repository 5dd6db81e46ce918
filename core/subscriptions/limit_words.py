"""The words about products: more than the plan holds, the days of grace, what the plan becomes, and what is hidden meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from core.kernel.sentence import Sentence, said
from core.subscriptions import shared_words as both
from core.subscriptions.news import News
from core.subscriptions.words import Fact, Words, name_of, words

SEE, LOOK = said("See your plan"), said("See products and plan")
PLAN = said("Plan")
STAY = said("To stay with your plan, unpublish products until it holds them again. Nothing is deleted.")


def _becomes(news: News) -> Sentence:
    if news.small:
        return said(
            "Otherwise your plan becomes %(tier)s on %(day)s, and %(amount)s for that month’s remaining days go onto the next invoice.",
            tier=name_of(news.tier), day=news.on, amount=news.amount,
        )  # fmt: skip
    return said(
        "Otherwise your plan becomes %(tier)s on %(day)s, and %(amount)s is charged for that month’s remaining days.",
        tier=name_of(news.tier), day=news.on, amount=news.amount,
    )  # fmt: skip


def _facts(news: News) -> list[Fact]:
    return [(said("Your plan holds"), news.limit), (said("Becomes"), name_of(news.tier)), (both.ON, news.on), (both.AMOUNT, news.amount)]


def limit_breached(news: News) -> Words:
    days = (news.on - news.told_on).days - 1 if news.on else 0
    return words(
        said("More products are published than %(plan)s holds", plan=name_of(news.plan)),
        said("Since %(day)s more than %(limit)s products are published, which is what %(plan)s holds.", day=news.told_on, limit=news.limit, plan=name_of(news.plan)),
        said("All of them stay online. You have %(days)s whole days, without any charge.", days=days),
        STAY, _becomes(news),
        facts=_facts(news), button=LOOK, tone="warn",
    )  # fmt: skip


def grace_running(news: News) -> Words:
    return words(
        said("One day left for your products") if news.count == 1 else said("%(days)s days left for your products", days=news.count),
        said("More products are published than %(plan)s holds (%(limit)s). On %(day)s your plan becomes %(tier)s for %(amount)s.", plan=name_of(news.plan), limit=news.limit, day=news.on, tier=name_of(news.tier), amount=news.amount),
        STAY,
        said("If you do nothing, all products stay online, and %(amount)s for that month’s remaining days go onto the next invoice.", amount=news.amount) if news.small else
        said("If you do nothing, all products stay online, and %(amount)s is charged for that month’s remaining days.", amount=news.amount),
        facts=_facts(news), button=LOOK, tone="warn",
    )  # fmt: skip


def limit_enforced(news: News) -> Words:
    return words(
        said("Your plan is %(plan)s now", plan=name_of(news.tier)),
        said("More products are published than %(plan)s holds, and the days of grace are over. So since %(day)s your plan is %(tier)s.", plan=name_of(news.before or news.plan), day=news.on, tier=name_of(news.tier)),
        said("%(amount)s for what is left of this month go onto the next invoice. Days before %(day)s are not charged.", amount=news.amount, day=news.on) if news.small else
        said("It costs %(amount)s for what is left of this month. Days before %(day)s are not charged.", amount=news.amount, day=news.on),
        said("All your products stay online. With fewer products you can go back to a smaller plan at the end of the month."),
        facts=[(PLAN, name_of(news.tier)), (both.FROM, news.on), (both.AMOUNT, news.amount), both.next_charge(news)],
        button=SEE,
    )  # fmt: skip


def limit_declined(news: News) -> Words:
    return words(
        said("The larger plan is not paid: your plan stays as it is"),
        said("The days of grace for your products are over. On %(day)s a larger plan was due for %(amount)s, which could not be charged.", day=news.told_on, amount=news.amount),
        both.bank_said(news), both.not_asked(news),
        said("Your plan stays as it is, and you owe nothing. The newest products beyond its limit are hidden, not deleted."),
        said("They are shown again as soon as the larger plan is paid, or when you unpublish others."),
        facts=[(both.NOT_CHARGED, news.amount), (PLAN, name_of(news.plan)), (said("Your plan holds"), news.limit)],
        button=LOOK, tone="bad",
    )  # fmt: skip


def products_hidden(news: News) -> Words:
    return words(
        said("One product is hidden") if news.count == 1 else said("%(count)s products are hidden", count=news.count),
        said("Since %(day)s the newest product beyond what %(plan)s holds is hidden.", day=news.on, plan=name_of(news.plan)) if news.count == 1 else
        said("Since %(day)s the newest %(count)s products beyond what %(plan)s holds are hidden.", day=news.on, count=news.count, plan=name_of(news.plan)),
        said("Nothing is deleted. They are shown again as soon as a larger plan is paid, or when you unpublish others."),
        facts=[(said("Hidden"), news.count), (said("Your plan holds"), news.limit), (said("Since"), news.on)],
        button=LOOK, tone="bad",
    )  # fmt: skip


def downgrade_dropped(news: News) -> Words:
    return words(
        said("Your plan stays %(plan)s", plan=name_of(news.plan)),
        said("On %(day)s your plan was to become %(tier)s. It cannot: more products are published than it holds, or it is not offered any more.", day=news.on, tier=name_of(news.tier)),
        said("So %(plan)s goes on for %(amount)s a month. Nothing is hidden, and nothing is deleted.", plan=name_of(news.plan), amount=news.amount),
        said("Unpublish products first, then you can ask for the smaller plan again."),
        facts=[(PLAN, name_of(news.plan)), (both.MONTHLY, news.amount), (said("The smaller plan holds"), news.limit), both.next_charge(news)],
        button=LOOK, tone="warn",
    )  # fmt: skip


LIMITS: dict[str, Callable[[News], Words]] = {
    made.__name__: made for made in (limit_breached, grace_running, limit_enforced, limit_declined, products_hidden, downgrade_dropped)
}
