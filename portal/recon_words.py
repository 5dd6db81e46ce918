"""What the reconciliation's pages say of classes, ways out, passes and steps, in the reader's language."""

from __future__ import annotations

from flask_babel import gettext as _


def kinds() -> dict[str, tuple[str, str]]:
    """Class -> what it is called, and what it means."""
    return {
        "missing_in_ledger": (_("Missing in our books"), _("The processor has it and we do not. Its answer is asked for once more; after an hour a person looks.")),
        "missing_at_processor": (_("Missing at the processor"), _("We booked it and the processor does not report it, two days later.")),
        "amount_mismatch": (_("Another amount"), _("Both sides have it, with another amount. One minor unit is a rounding and is booked by rule.")),
        "fee_mismatch": (_("Another fee"), _("The processor kept another fee than was booked. Its own report counts, and the difference is booked by rule.")),
        "currency_mismatch": (_("Another currency"), _("Both sides have it, in different currencies.")),
        "duplicate_external": (_("One number, two contents"), _("The processor reports the same number again with other content. Nothing of that file is taken, and what came first stays.")),
        "duplicate_payment": (_("Paid twice"), _("Two captures for one payment. The second is held as unapplied, and should go back to the payer.")),
        "late_payment": (_("Paid late"), _("The money came after the payment had ended. It was booked; whether it is kept is the seller’s decision.")),
        "status_conflict": (_("Another outcome"), _("A refund that had succeeded here has come back at the processor. It is asked about, and its answer is booked.")),
        "settlement_sum": (_("Payout is not its sum"), _("The lines of a processor’s payout do not come to what it paid. The day does not close before this is understood.")),
        "bank_missing": (_("Payout not at the bank"), _("The processor says it has paid out, and no statement shows it in time.")),
        "bank_unknown": (_("Bank credit nobody knows"), _("A credit that is no payout of a processor’s and names no payment. It is placed under Money nobody knows.")),
        "stale_in_flight": (_("Under way for too long"), _("A refund or payout has left and neither arrived nor come back.")),
        "balance_break": (_("Balance differs"), _("All books together hold another sum than the processor or the bank says.")),
        "cut_off": (_("Either side of midnight"), _("The same movement stands on two days. It ends by itself when the second day is over.")),
    }  # fmt: skip


def acts() -> dict[str, tuple[str, str]]:
    """Way out -> what the button says, and what is done."""
    return {
        "hold": (_("Hold it as unapplied"), _("It stands in the platform’s book until somebody knows whose it is.")),
        "link": (_("Link it with what was booked"), _("The line and the entries are one fact. What is left between them is held as unapplied, or stands as unexplained.")),
        "difference": (_("Book the difference"), _("More is held as unapplied, less stands as unexplained.")),
        "rounding": (_("Book it as a rounding"), _("It goes to the rounding differences.")),
        "fee": (_("Book the fee"), _("What the processor kept becomes its fee.")),
        "cost": (_("Book it as a cost of the processor’s"), _("It is an expense of the platform’s.")),
        "other_currency": (_("Exchange what was booked"), _("What was booked goes, what the processor holds comes, each currency by itself.")),
        "give_back": (_("Give it back to the payer"), _("A refund of all of it is sent to the processor.")),
        "ask": (_("Ask once more"), _("The processor is asked, and its answer is booked like any other.")),
        "arrived": (_("It has arrived"), _("The payout is booked as arrived, and what is missing as a charge of the bank’s.")),
        "lost": (_("It will not arrive"), _("The processor holds the money again, share by share.")),
        "keep": (_("Accept it as it is"), _("Nothing is booked. The reason stays.")),
    }  # fmt: skip


def ages() -> dict[str, str]:
    """Age bucket -> words."""
    return {"day": _("less than a day"), "days": _("1 to 3 days"), "week": _("4 to 7 days"), "older": _("more than a week")}


def states() -> dict[str, tuple[str, str]]:
    """State -> words and tone."""
    return {
        "waiting": (_("waiting"), "info"), "open": (_("open"), "warn"), "proposed": (_("second person needed"), "warn"), "resolved": (_("resolved"), "good"),
        "closed": (_("gone by itself"), "quiet"),
    }  # fmt: skip


def steps() -> dict[str, str]:
    """Step of the trail -> words."""
    return {
        "found": _("Found"), "due": _("Its time to go away by itself is over"), "changed": _("Found again, with other figures"), "again": _("Is so again"),
        "gone": _("No longer so"), "taken": _("Taken"), "asked": _("Asked the processor once more"), "proposed": _("Proposed"), "declined": _("Not agreed to"),
        "resolved": _("Resolved"),
    }  # fmt: skip


def rules() -> dict[int, str]:
    """Pass -> why two sides were matched."""
    return {
        1: _("The same number and the same sums"), 2: _("The same number; a person decided about the rest"), 3: _("Our reference and the same sum"),
        4: _("Several lines that are one fact"), 5: _("The only payouts of those days that come to this sum together"),
        6: _("The only two of this sum within those days"),
    }  # fmt: skip


def names() -> dict[str, str]:
    """What the facts on both sides are called."""
    return {
        "external_id": _("Number at the processor"), "gross_minor": _("Gross"), "fee_minor": _("Fee"), "net_minor": _("Net"), "amount_minor": _("Amount"),
        "balance_minor": _("Balance"), "explained_minor": _("Explained by what is not matched"), "lines_minor": _("Its lines come to"), "occurred_at": _("When"),
        "at": _("When"), "event_key": _("Event key"), "about": _("About"), "category": _("Kind"), "source_id": _("What moved it"), "reference": _("Our reference"),
        "description": _("Description"), "trace": _("Trace on the bank’s line"), "state": _("State"), "arrives_on": _("Should arrive on"), "line": _("Line of the bank"),
        "booked_on": _("Booked on"), "name": _("Name"), "text": _("Text"), "account": _("Account"), "statement": _("Statement"), "why": _("Why nobody knows it"),
        "ref": _("Reference"), "refund": _("Refund"), "file": _("Report"), "line_no": _("Line"), "booked_at": _("Booked"), "source": _("Processor"),
    }  # fmt: skip
