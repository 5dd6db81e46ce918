"""What each kind of news to a vendor's people is called, and how the kinds stand together where somebody chooses among them."""

from __future__ import annotations

from core.kernel.sentence import Sentence, said
from core.notifications.notices import LAW, SAFETY, STOPS

# What the group is called, and its kinds; each with its title and its tone.
GROUPS: tuple[tuple[Sentence, dict[str, tuple[Sentence, str]]], ...] = (
    (
        said("Payments"),
        {
            "payment_received": (said("Payment received"), "good"),
            "payment_waits": (said("A payer has paid by a way that takes days"), "quiet"),
            "payment_over": (said("A payment ended without money"), "quiet"),
            "unexpected_money": (said("Money arrived that was not expected"), "bad"),
            "large_payment": (said("A payment is larger than usual"), "warn"),
            "review_ended": (said("A payment was not accepted after a check"), "warn"),
            "discount_beyond": (said("A discount code was used more often than it may with one card"), "warn"),
            "problem_reported": (said("A payer reports a problem"), "warn"),
            "letter_returned": (said("A letter to a customer came back"), "bad"),
            "transfer_decision": (said("A bank transfer needs your decision"), "warn"),
            "transfer_taken_back": (said("The bank took a transfer back"), "bad"),
        },
    ),
    (
        said("Refunds"),
        {
            "refund_claimed": (said("A payer named an account for a refund: it waits for your approval"), "warn"),
            "refund_sent": (said("A refund reached the payer"), "quiet"),
            "refund_failed": (said("A refund did not go through"), "bad"),
            "refund_outside": (said("Refunded at the processor, not from here"), "quiet"),
            "refund_not_booked": (said("The processor tells of a refund that does not fit"), "bad"),
        },
    ),
    (
        said("Disputes"),
        {
            "dispute_opened": (said("A payment is disputed, or its bank asks about it"), "bad"),
            "dispute_due": (said("A dispute waits for your answer"), "bad"),
            "dispute_to_accept": (said("A small dispute will be given in, unless you stop it"), "warn"),
            "dispute_message": (said("The platform’s staff wrote to you about a dispute"), "warn"),
            "dispute_answered_for": (said("The platform’s staff answered a dispute for you"), "warn"),
            "dispute_sent": (said("Your answer to a dispute is with the bank"), "quiet"),
            "dispute_decided": (said("A dispute is decided"), "quiet"),
        },
    ),
    (
        said("Payouts"),
        {
            "payout_asked": (said("A payout was asked for"), "quiet"),
            "payout_left": (said("A payout is with the bank"), "quiet"),
            "payout_paid": (said("A payout has left for your bank"), "good"),
            "payout_failed": (said("A payout did not arrive"), "bad"),
            "payout_called_off": (said("A payout was called off: its money is available again"), "warn"),
            "payout_account": (said("The bank account for payouts was changed"), "warn"),
            "debt_repaid": (said("Your transfer paid back what you owed"), "good"),
            "debt_repayment_taken_back": (said("The bank took back what had paid your debt"), "bad"),
            "reserve_changed": (said("What is kept in reserve of your sales has changed"), "warn"),
        },
    ),
    (
        said("Your plan"),
        {
            "plan_urgent": (said("Your plan: a charge failed, or something stops"), "bad"),
            "plan_news": (said("Your plan: changes, limits, prices and reminders"), "quiet"),
        },
    ),
    (
        said("Safety and your account"),
        {
            "key_leaked": (said("An API key was found where it should not be, and is revoked"), "bad"),
            "app_token_reused": (said("An app was signed out: somebody else may have a copy of its key"), "bad"),
            "key_news": (said("An API key stops counting soon, or came from another network"), "warn"),
            "attack_mode": (said("Attack mode is on: somebody may be testing cards"), "bad"),
            "stop_planned": (said("The platform’s staff will stop something on a day"), "bad"),
            "stop_begun": (said("The platform’s staff have stopped something"), "bad"),
            "stop_ended": (said("Something that was stopped goes on again"), "good"),
            "application_news": (said("News of your way into live mode"), "warn"),
            "pay_domain_lost": (said("A host name for your payment pages is not proved any more"), "bad"),
            "fee_changed": (said("The platform’s fee for your payments changes"), "warn"),
        },
    ),
    (
        said("Your software"),
        {
            "webhook_stopped": (said("A webhook was switched off: it took nothing any more"), "bad"),
            "webhook_failing": (said("A webhook has taken nothing for a day"), "warn"),
        },
    ),
    (
        said("Directory"),
        {
            "listing_withdrawn": (said("The staff took a listing out of the directory"), "bad"),
            "listing_edit_decided": (said("The staff have read your changes of a listing"), "warn"),
            "listing_restored": (said("A listing is in the directory again"), "good"),
        },
    ),
)
TITLES: dict[str, tuple[Sentence, str]] = {kind: words for _group, kinds in GROUPS for kind, words in kinds.items()}
# Why nobody can choose not to hear of it.
WHY_ALWAYS: dict[str, Sentence] = {
    STOPS: said("Something stops unless somebody acts."),
    SAFETY: said("Somebody may be at work who should not be, so every owner hears of it."),
    LAW: said("The law has us say so, and why, to whoever it is about."),
}
