"""The words in which a business is told of its own plan: what happened, what comes next and when, what stops, and what is not deleted."""

from __future__ import annotations

from collections.abc import Callable

from core.billing.midnight import NEXT_INVOICE
from core.kernel.sentence import Sentence, said
from core.subscriptions import shared_words as both
from core.subscriptions.charge_words import CHARGES, PLAN, SEE, STOPPED
from core.subscriptions.limit_words import LIMITS
from core.subscriptions.news import News
from core.subscriptions.words import Words, name_of, words

WAKES, WAKING = said("Wakes up on"), said("For waking up")

# --- trial, prices and what comes ----------------------------------------------------------------------------------------------


def trial_began(news: News) -> Words:
    return words(
        both.title_trial(news),
        said("You can use %(plan)s free of charge until %(day)s. On that day the first month begins, for %(amount)s.", plan=name_of(news.plan), day=news.on, amount=news.amount),
        said("Cancel before that day and you pay nothing. We write to you again a few days before."),
        facts=[(PLAN, name_of(news.plan)), both.first_charge(news)],
        button=SEE, tone="good",
    )  # fmt: skip


def trial_ends(news: News) -> Words:
    no_card = news.why == "no card"
    return words(
        both.title_trial_ends(news),
        said("The trial of %(plan)s ends on %(day)s, and there is no card yet. With one, the first month begins on that day for %(amount)s.", plan=name_of(news.plan), day=news.on, amount=news.amount)
        if no_card else
        both.first_month(news),
        said("Without a card your plan is suspended on that day, and nothing is owed.") if no_card else None,
        STOPPED if no_card else said("If you do not want that, cancel before that day and you pay nothing."),
        facts=[(PLAN, name_of(news.plan)), both.first_charge(news)],
        button=both.ADD_CARD if no_card else SEE, tone="warn",
    )  # fmt: skip


def trial_paid(news: News) -> Words:
    return words(
        both.title_first_month(news),
        said("The trial is over: since %(day)s %(plan)s is a paid plan.", day=news.on, plan=name_of(news.plan)),
        said("We ask your card for %(amount)s for the first month.", amount=news.asked) if news.asked else said("Nothing is charged today."),
        facts=[(PLAN, name_of(news.plan)), (both.AMOUNT, news.asked), (both.FROM, news.on), both.next_charge(news)],
        button=SEE,
    )  # fmt: skip


def renewal_ahead(news: News) -> Words:
    rests = news.tier == "hibernation"
    named = said("Hibernation") if rests else name_of(news.tier)
    return words(
        both.title_renewal(news),
        both.next_month(news),
        said("That is the sum as things stand today, at today’s exchange rate. It moves if that does, or if you change the plan, branches or products before.")
        if news.rated else
        said("That is the exact sum as things stand today. It moves only if you change the plan, branches or products before."),
        facts=[(PLAN, named), (both.AMOUNT, news.amount), (both.ON, news.on)],
        button=SEE,
    )  # fmt: skip


def price_moves(news: News) -> Words:
    return words(
        said("From %(day)s your plan costs %(amount)s", day=news.on, amount=news.amount),
        said("The exchange rate has moved a good deal. From %(day)s %(plan)s costs %(amount)s a month.", day=news.on, plan=name_of(news.plan), amount=news.amount),
        said("Until then the old price counts. The price in pounds has not changed."),
        said("If you do not want the new price, change the plan or cancel before that day."),
        facts=[(PLAN, name_of(news.plan)), (both.MONTHLY, news.amount), (both.FROM, news.on)],
        button=SEE, tone="warn",
    )  # fmt: skip


def rate_old(news: News) -> Words:
    kept = news.why == "kept_stale"
    return words(
        said("Your price is worked out with the exchange rate of %(day)s", day=news.on),
        said("On %(today)s no newer rate was to be had, so your price stays exactly as it was.", today=news.told_on) if kept else
        said("On %(today)s the newest exchange rate was that of %(day)s. Your price for this month is worked out with it.", today=news.told_on, day=news.on),
        said("This is for your information; there is nothing you need to do."),
        facts=[(said("Rate of"), news.on), both.next_charge(news)],
        button=SEE,
    )  # fmt: skip


def currency_kept(news: News) -> Words:
    return words(
        said("Your plan is not billed in %(currency)s yet", currency=news.why),
        said("On %(day)s your billing currency was to become %(currency)s. Something was still open in the old one, or there was no exchange rate of that day.", day=news.told_on, currency=news.why),
        said("So this month is billed as before. We try again at the beginning of the next one."),
        facts=[(said("Asked for"), news.why), both.next_charge(news)],
        button=SEE, tone="warn",
    )  # fmt: skip


def currency_changed(news: News) -> Words:
    return words(
        said("Your plan is billed in %(currency)s now", currency=news.why),
        said("Since %(day)s %(plan)s costs %(amount)s a month. A balance has moved along at the same rate.", day=news.on, plan=name_of(news.plan), amount=news.amount),
        facts=[(PLAN, name_of(news.plan)), (both.MONTHLY, news.amount), (both.FROM, news.on), both.next_charge(news)],
        button=SEE,
    )  # fmt: skip


# --- plans made, and plans that came true --------------------------------------------------------------------------------------


def change_planned(news: News) -> Words:
    return words(
        said("Your plan becomes %(plan)s on %(day)s", plan=name_of(news.tier), day=news.on),
        said("As you asked: from %(day)s your plan is %(plan)s, for %(amount)s a month.", day=news.on, plan=name_of(news.tier), amount=news.amount),
        said("Until then %(plan)s stays as it is. You can take this back on the page of your plan.", plan=name_of(news.plan)),
        said("If more products are published on that day than it holds, the plan stays as it is, and we tell you."),
        facts=[(PLAN, name_of(news.tier)), (both.MONTHLY, news.amount), (both.FROM, news.on)],
        button=SEE,
    )  # fmt: skip


def hibernation_planned(news: News) -> Words:
    return words(
        said("Your plan hibernates from %(day)s", day=news.on),
        said(
            "As you asked: from %(day)s your plan hibernates, for %(amount)s a month, branches included. On %(wakes)s it wakes up for %(sum)s.",
            day=news.on, amount=news.amount, wakes=news.wakes_on, sum=news.wakes_for,
        )
        if news.wakes_on else
        said("As you asked: from %(day)s your plan hibernates, for %(amount)s a month, branches included.", day=news.on, amount=news.amount),
        said("From then on your pages are out of the directory. You can go on editing, and nothing is deleted."),
        wakes_by_itself(news) or said("You can wake it up again at any time, for up to %(months)s months.", months=news.months),
        facts=[(said("Fee a month"), news.amount), (both.FROM, news.on), (WAKES, news.wakes_on), (WAKING, news.wakes_for)],
        button=SEE,
    )  # fmt: skip


def wakes_by_itself(news: News) -> Sentence | None:
    """The day that was set, and what is asked on it."""
    if news.wakes_on is None:
        return None
    if not news.wakes_for:
        return said("On %(day)s it wakes up by itself, and nothing is charged for that.", day=news.wakes_on)
    if news.why == NEXT_INVOICE:
        return said(
            "On %(day)s it wakes up by itself. %(amount)s for the days that are left of that month go onto the next invoice.",
            day=news.wakes_on, amount=news.wakes_for,
        )  # fmt: skip
    return said("On %(day)s it wakes up by itself, and your card is asked for %(amount)s.", day=news.wakes_on, amount=news.wakes_for)


def wake_planned(news: News) -> Words:
    return words(
        said("Your plan wakes up on %(day)s", day=news.wakes_on),
        wakes_by_itself(news),
        said("Your pages are in the directory again as soon as that is paid. Should your card say no, the plan goes on hibernating, and we tell you."),
        said("You can choose another day on the page of your plan, take it back, or wake the plan up earlier."),
        facts=[(PLAN, name_of(news.plan)), (WAKES, news.wakes_on), (WAKING, news.wakes_for)],
        button=SEE,
    )  # fmt: skip


def wake_ahead(news: News) -> Words:
    return words(
        said("Your plan wakes up on %(day)s", day=news.wakes_on),
        wakes_by_itself(news),
        said("That is the sum as things stand today, at today’s exchange rate. It moves if that does, or if you change the plan, branches or products before.")
        if news.rated else
        said("That is the exact sum as things stand today. It moves only if you change the plan, branches or products before."),
        said("If it is to go on hibernating, choose another day before that one, or take it back."),
        facts=[(PLAN, name_of(news.plan)), (WAKES, news.wakes_on), (WAKING, news.wakes_for)],
        button=SEE,
    )  # fmt: skip


def wake_withdrawn(news: News) -> Words:
    return words(
        said("Your plan goes on hibernating"),
        said("It was to wake up on %(day)s. You have taken that back.", day=news.on),
        said("It hibernates for %(amount)s a month until you wake it up, for up to %(months)s months in all.", amount=news.amount, months=news.months),
        facts=[(said("Fee a month"), news.amount), both.next_charge(news)],
        button=SEE,
    )  # fmt: skip


def hibernation_began(news: News) -> Words:
    return words(
        said("Your plan is hibernating"),
        said("Since %(day)s your plan hibernates: your pages are out of the directory, and nothing is deleted.", day=news.on),
        said("Meanwhile your payment links and pay buttons say that you take no payments, and take none."),
        both.credited(news),
        said("On %(day)s it wakes up by itself, as you asked; we write to you again some days before.", day=news.wakes_on)
        if news.wakes_on else
        said("You can wake it up again at any time, for up to %(months)s months.", months=news.months),
        facts=[(both.FROM, news.on), (both.AMOUNT, news.asked), (WAKES, news.wakes_on), both.next_charge(news)],
        button=said("Wake it up"),
    )  # fmt: skip


def hibernation_ends(news: News) -> Words:
    return words(
        said("Your plan hibernates until %(day)s: shall it go on after that?", day=news.on),
        said("%(months)s months is the longest a plan can hibernate. On %(day)s they are over.", months=news.months, day=news.on),
        said("Confirm it, and on that day %(plan)s goes on for %(amount)s a month, with your branches on top.", plan=name_of(news.plan), amount=news.amount),
        said("Without your word the plan ends on that day and nothing more is charged. You can then download everything for %(days)s days.", days=news.export_days),
        facts=[(both.ENDS, news.on), (said("Price a month if you confirm"), news.amount)],
        button=both.DECIDE, tone="warn",
    )  # fmt: skip


def hibernation_dropped(news: News) -> Words:
    return words(
        said("Hibernation did not begin"),
        said("Your plan was to hibernate from %(day)s. An invoice was unpaid on that day, so it goes on as before.", day=news.told_on),
        said("Once that invoice is paid you can ask for it again."),
        facts=[(both.ON, news.told_on), both.next_charge(news)],
        button=SEE, tone="warn",
    )  # fmt: skip


def woke_up(news: News) -> Words:
    return words(
        said("Your plan is awake again"),
        said("Since %(day)s %(plan)s goes on, and your pages are in the directory again.", day=news.on, plan=name_of(news.plan)),
        said("We have received %(amount)s for the days that are left of this month.", amount=news.paid) if news.paid else
        said("We ask your card for %(amount)s for the new month.", amount=news.asked) if news.asked else None,
        facts=[(PLAN, name_of(news.plan)), (both.RECEIVED, news.paid), (both.AMOUNT, news.asked), (both.FROM, news.on), both.next_charge(news)],
        button=SEE, tone="good",
    )  # fmt: skip


def reactivated(news: News) -> Words:
    return words(
        said("You are back: %(plan)s goes on", plan=name_of(news.plan)),
        said("Since %(day)s your plan is active and your pages are in the directory again.", day=news.on),
        said("We have received %(amount)s: what was open, and the days that are left of this period.", amount=news.paid) if news.paid else None,
        facts=[(PLAN, name_of(news.plan)), (both.RECEIVED, news.paid), (both.FROM, news.on), both.next_charge(news)],
        button=SEE, tone="good",
    )  # fmt: skip


def raised(news: News) -> Words:
    return words(
        said("Your plan is %(plan)s now", plan=name_of(news.tier)),
        said("Since %(day)s your plan is %(plan)s.", day=news.on, plan=name_of(news.tier)),
        said("We have received %(amount)s for the days that are left of this month.", amount=news.paid) if news.paid else None,
        facts=[(PLAN, name_of(news.tier)), (both.RECEIVED, news.paid), (both.FROM, news.on), both.next_charge(news)],
        button=SEE, tone="good",
    )  # fmt: skip


def lowered(news: News) -> Words:
    return words(
        said("Your plan is %(plan)s now", plan=name_of(news.tier)),
        said("Since %(day)s your plan is %(plan)s.", day=news.on, plan=name_of(news.tier)),
        both.credited(news),
        facts=[(PLAN, name_of(news.tier)), (both.CREDITED, news.credited), (both.FROM, news.on), both.next_charge(news)],
        button=SEE,
    )  # fmt: skip


def plan_kept(news: News) -> Words:
    kept = {
        "cancel": said("Your plan was to end. You have taken that back, so it goes on as before."),
        "hibernate": said("Your plan was to hibernate. You have taken that back, so it goes on as before."),
    }
    return words(
        said("Taken back: %(plan)s goes on", plan=name_of(news.plan)),
        kept.get(news.why, said("A change of your plan was waiting. You have taken it back, so it goes on as before.")),
        said("The next month begins on %(day)s.", day=news.on),
        facts=[(PLAN, name_of(news.plan)), (said("Next month from"), news.on), both.next_charge(news)],
        button=SEE,
    )  # fmt: skip


def cancel_planned(news: News) -> Words:
    last = both.last_day(news)
    return words(
        said("Your plan ends: %(day)s is its last day", day=last),
        said("As you asked: %(day)s is the last day of your plan. After that nothing is renewed.", day=last),
        both.unpaid_at_end(news)
        or said("Changes of this month that are on no invoice yet are settled on that day, and nothing else is charged."),
        said("Your pages then leave the directory. Until %(day)s you can still download all that was on them; only then is it deleted. Invoices are kept.", day=news.until),
        said("If you change your mind, take it back on the page of your plan before that day."),
        facts=[(both.LAST_DAY, last), (both.UNPAID, news.amount), (said("Download until"), news.until)],
        button=SEE,
    )  # fmt: skip


def cancelled(news: News) -> Words:
    return words(
        said("Your plan has ended"),
        said("Your plan ended on %(day)s, and your pages are out of the directory. Nothing is renewed any more.", day=news.told_on),
        said("Meanwhile your payment links and pay buttons say that you take no payments, and take none."),
        *both.settled_at_end(news),
        said("Listings, branches, products and pictures can be downloaded until %(day)s. Only then are they deleted. Invoices are kept.", day=news.on),
        said("%(amount)s is left on your balance. It stays yours: on the page of your plan you can have it paid back.", amount=both.left_over(news))
        if both.left_over(news) else None,
        said("You are welcome to begin again at any time."),
        facts=[(both.ENDED, news.told_on), (both.LAST_CHARGE, news.asked), (both.BALANCE, both.left_over(news)), (said("Download until"), news.on)],
        button=said("Download or begin again"), tone="bad",
    )  # fmt: skip


def not_begun(news: News) -> Words:
    return words(
        said("Your plan has not begun"),
        both.never_began(news),
        both.bank_said(news),
        said("You can choose a plan again at any time, with this card or another one."),
        facts=[(both.ON, news.on)],
        button=said("Choose a plan"), tone="warn",
    )  # fmt: skip


def deletion_ahead(news: News) -> Words:
    return words(
        said("After %(day)s what you had in the directory is deleted", day=news.on),
        said("Your plan has ended. Your listings, branches, products and pictures are kept until %(day)s, and then deleted for good.", day=news.on),
        said("Download them by then, or begin a plan again: then nothing is deleted, and everything is shown as it was."),
        said("Invoices and payments are kept, as the law asks."),
        facts=[(said("Kept until"), news.on)],
        button=said("Download or begin again"), tone="bad",
    )  # fmt: skip


def card_ends(news: News) -> Words:
    return words(
        said("The card that pays your plan ends on %(day)s", day=news.on),
        said("Your card ending in %(digits)s can be charged until %(day)s. After that your bank declines what your plan asks of it.", digits=news.why, day=news.on),
        said("Save the new one on the page of your plan before that day. From then on it is the one that is asked, and nothing else changes."),
        facts=[(said("Last four digits"), news.why), (both.LAST_DAY, news.on)],
        button=both.ANOTHER_CARD, tone="warn",
    )  # fmt: skip


def paid_back(news: News) -> Words:
    return words(
        said("%(amount)s is on its way back to you", amount=news.amount),
        said("On %(day)s your balance of %(amount)s was sent back to the card that paid it. It takes some days until your bank shows it.", day=news.told_on, amount=news.amount),
        said("Your invoices and credit notes stay as they are: no further document belongs to this."),
        facts=[(both.AMOUNT, news.amount), (said("Date"), news.told_on), (said("Card ending in"), news.why)],
        button=SEE, tone="good",
    )  # fmt: skip


def payout_came_back(news: News) -> Words:
    return words(
        said("%(amount)s could not be paid back", amount=news.amount),
        said("On %(day)s the bank sent %(amount)s back to us: that card takes no money any more. It is on your balance again.", day=news.told_on, amount=news.amount),
        said("Write to us, and we find another way together."),
        facts=[(both.AMOUNT, news.amount), (said("Date"), news.told_on), (said("Card ending in"), news.why)],
        button=SEE, tone="warn",
    )  # fmt: skip


WORDS: dict[str, Callable[[News], Words]] = LIMITS | CHARGES | {
    made.__name__: made
    for made in (
        trial_began, trial_ends, trial_paid, renewal_ahead, price_moves, rate_old, currency_kept, currency_changed, change_planned,
        hibernation_planned, hibernation_began, hibernation_ends, hibernation_dropped, wake_planned, wake_ahead, wake_withdrawn, woke_up,
        reactivated, raised, lowered, plan_kept, cancel_planned, cancelled, not_begun, deletion_ahead, paid_back, payout_came_back, card_ends,
    )
}  # fmt: skip
