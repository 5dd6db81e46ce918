"""What disputes are called: the reason of a payer's bank, the questions of an answer, and the files that go with it."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

REASONS = {
    "fraudulent": _l("The card holder says it was not they who paid"),
    "unrecognized": _l("The card holder does not know this payment"),
    "product_not_received": _l("Not received"),
    "product_unacceptable": _l("Not as described, or damaged"),
    "duplicate": _l("Paid twice"),
    "subscription_canceled": _l("Charged after it was cancelled"),
    "credit_not_processed": _l("A refund that was promised did not come"),
    "general": _l("Another reason"),
}
# What convinces a bank, by its reason.
ADVICE = {
    "fraudulent": _l("Show that it was the card holder: who ordered, from where, where it went, and what they wrote to you."),
    "unrecognized": _l("Show what was bought and when, in words the card holder knows. Often a receipt is enough."),
    "product_not_received": _l("Show that it was delivered or done: carrier, tracking number, day, address, a signature."),
    "product_unacceptable": _l("Show that it was as described, and what you offered when they complained."),
    "duplicate": _l("Show that there were two purchases, or that one of them was given back."),
    "subscription_canceled": _l("Show what was agreed about cancelling, and that it was not cancelled in time, or was used afterwards."),
    "credit_not_processed": _l("Show your rules for refunds, and why none was due, or that it was paid."),
    "general": _l("Show what was agreed and that you kept to it."),
}
QUESTIONS = {
    "product_description": _l("What was sold"),
    "service_date": _l("When it was done or delivered"),
    "shipping_carrier": _l("Carrier"),
    "shipping_tracking_number": _l("Tracking number"),
    "shipping_date": _l("When it was sent"),
    "shipping_address": _l("Where it was sent"),
    "access_activity_log": _l("How the customer used it"),
    "refund_policy_disclosure": _l("Your rules for refunds, and where the customer saw them"),
    "refund_refusal_explanation": _l("Why no refund is due"),
    "cancellation_policy_disclosure": _l("Your rules for cancelling, and where the customer saw them"),
    "cancellation_rebuttal": _l("Why it was rightly charged"),
    "duplicate_charge_id": _l("Number of the other payment"),
    "duplicate_charge_explanation": _l("What the two payments were for"),
    "uncategorized_text": _l("Anything else the bank should know"),
}
FILES = {
    "receipt": _l("Your own receipt or invoice"),
    "customer_communication": _l("What you and the customer wrote"),
    "customer_signature": _l("A signature of the customer"),
    "service_documentation": _l("That it was done"),
    "shipping_documentation": _l("That it was delivered"),
    "refund_policy": _l("Your rules for refunds"),
    "cancellation_policy": _l("Your rules for cancelling"),
    "duplicate_charge_documentation": _l("That there were two purchases"),
    "evidence_pack": _l("Evidence pack, made from your records"),
}
# What banks want to see, by the names in core/disputes/check.py.
NEEDS = {
    "sold": _l("What was sold"),
    "holder": _l(
        "Something that ties the purchase to the card holder: how they used it, where it was sent, a signature, or what they wrote to you"
    ),
    "delivered": _l("That it was delivered or done: a tracking number, how it was used, or a file that shows it"),
    "day": _l("The day on which it was sent, delivered or done"),
    "known_purchase": _l("What reminds the card holder of the purchase: a receipt, what you wrote to each other, or how they used it"),
    "as_described": _l("A file that shows it was as described: your offer, photographs, or what you and the customer wrote"),
    "refund_rules": _l("Your rules for refunds, in words or as a file"),
    "no_refund": _l("Why no refund was due"),
    "cancel_rules": _l("Your rules for cancelling, in words or as a file"),
    "rightly_charged": _l("Why it was rightly charged: that it was not cancelled in time, or was used afterwards"),
    "two_purchases": _l("What the two payments were for"),
    "other_payment": _l("Which payment the other one is: its number, or a file that shows it"),
    "agreed": _l("What was agreed, in your own words or as a file"),
}
# The history of a dispute, and its tone.
STEPS = {
    "dispute.inquiry": (_l("The bank asks about the payment"), "warn"),
    "dispute.needs_response": (_l("Disputed: the bank took the money back"), "bad"),
    "dispute.answered_asked": (_l("Answer sent off"), "info"),
    "dispute.given_in_asked": (_l("Given in"), "info"),
    "dispute.answered": (_l("The bank has your answer"), "info"),
    "dispute.under_review": (_l("The bank has your answer"), "info"),
    "dispute.acceptance_planned": (_l("Will be given in by itself, by your rule for small disputes"), "warn"),
    "dispute.acceptance_called_off": (_l("Not given in by itself any more"), "quiet"),
    "dispute.not_sent": (_l("The answer was not taken"), "bad"),
    "dispute.won": (_l("Won: the money is yours again"), "good"),
    "dispute.lost": (_l("Lost: the payer keeps the money"), "bad"),
    "dispute.reversed": (_l("Given back after it was lost: the money is yours again"), "good"),
    "dispute.accepted": (_l("Given in: the payer keeps the money"), "quiet"),
    "dispute.closed": (_l("The bank asks no more"), "good"),
}
