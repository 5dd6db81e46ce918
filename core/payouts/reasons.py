"""Why a bank did not pay a payout, in plain words, and what its seller can do: the reason codes that banks give for transfers (ISO 20022)."""

from __future__ import annotations

from dataclasses import dataclass

from core.kernel.sentence import said

# What the seller can do. Where the fault is not theirs, they are told so.
COMPARE = said(
    "Please compare the name and the IBAN with your bank’s papers, correct them where they are wrong, and ask for the payout anew."
)
ANOTHER = said("Please enter another bank account, and ask for the payout anew.")
ASK_BANK = said("Please ask your bank what it needs, or enter another bank account. Then ask for the payout anew.")
NAME = said("Please enter the name exactly as your bank writes it, and ask for the payout anew.")
OURS = said("You need to do nothing but ask for the payout anew. The platform’s staff see it too.")
THERE = said("Please enter another bank account at the processor, and ask for the payout anew.")
LOOK_THERE = said("Please look at what is missing there, or name a bank account. Then ask for the payout anew.")
WRITE = said("Please write to the platform’s support before you ask for the payout anew.")

CODE = 4  # letters and digits of a code
WORDS: dict[str, tuple[str, str]] = {
    "AC01": (said("There is no account with this IBAN."), COMPARE),
    "AC02": (said("There is no account with this IBAN."), COMPARE),
    "AC03": (said("There is no account with this IBAN."), COMPARE),
    "AC04": (said("The account is closed."), ANOTHER),
    "AC06": (said("The account is blocked, so nothing can be paid into it."), ASK_BANK),
    "AC13": (said("This kind of account takes no such transfers."), ANOTHER),
    "AG01": (said("This kind of account takes no such transfers."), ANOTHER),
    "AG02": (said("The bank does not handle this kind of transfer."), WRITE),
    "AM04": (said("Our own account did not hold enough at that moment."), OURS),
    "AM05": (said("The bank took it for the same transfer twice."), WRITE),
    "AM09": (said("The account’s owner did not accept the amount."), WRITE),
    "BE01": (said("The name does not belong to this account."), NAME),
    "BE04": (said("The bank asks for the address of the account’s owner."), WRITE),
    "BE05": (said("The bank did not recognise who sent the transfer."), OURS),
    "BE06": (said("The bank does not know the account’s owner."), NAME),
    "CNOR": (said("The bank cannot be reached by such transfers."), ANOTHER),
    "CUST": (said("The account’s owner, or whoever sent it, asked for it to be sent back."), WRITE),
    "ERIN": (said("The bank cannot take what the transfer says."), WRITE),
    "FOCR": (said("It was called back before it was paid into the account."), WRITE),
    "FRAD": (said("The bank suspects fraud."), WRITE),
    "MD07": (said("The account’s owner has died."), WRITE),
    "MS02": (said("The account’s owner did not want it; the bank says no more."), ASK_BANK),
    "MS03": (said("The bank gives no reason, as it may."), ASK_BANK),
    "RC01": (said("The bank’s own number (BIC) is not right."), COMPARE),
    "RC07": (said("The bank’s own number (BIC) is not right."), COMPARE),
    "RR01": (said("The law asks for the account or a number of the sender, and the bank did not find it."), WRITE),
    "RR02": (said("The law asks for the name or address of the sender, and the bank did not find it."), WRITE),
    "RR03": (said("The law asks for the name or address of the account’s owner, and the bank did not find it."), NAME),
    "RR04": (said("The bank may not pay it under the rules it is bound by."), ASK_BANK),
    "SL01": (said("The account’s owner has told the bank not to take it."), ASK_BANK),
    "TECH": (said("It failed for a technical reason."), OURS),
    "TM01": (said("It reached the bank too late in the day."), OURS),
    # of a processor, and our own where it gave no answer
    "account_closed": (said("The account is closed."), THERE),
    "no_account": (said("There is no account with this IBAN."), THERE),
    "balance_insufficient": (said("Our own account did not hold enough at that moment."), OURS),
    "bank_account_replaced": (said("The bank account at the processor was changed meanwhile. It is used when it has cooled off."), OURS),
    "payouts_not_allowed": (said("Your account at the processor is not ready."), LOOK_THERE),
    "insufficient_capabilities_for_transfer": (said("Your account at the processor is not ready."), LOOK_THERE),
    "not_done": (said("The processor gave no answer for a day, and has not done it."), OURS),
    # our own words, where the statement has none
    "reversed": (said("It came back, and the bank’s statement does not say why."), COMPARE),
    "return": (said("It came back, and the bank’s statement does not say why."), COMPARE),
    "fail": (said("The bank did not pay it, and its statement does not say why."), COMPARE),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """What is said of a payout that did not arrive."""

    what: str  # a sentence for a person
    fix: str
    code: str  # as the bank gave it; nothing where the words are all there is


def reason_of(failure: str) -> Reason:
    """From what the bank's statement, or a person who asked the bank, gave as the reason. What we do not know stands as it came."""
    given = failure.strip()
    code = given.partition(" ")[0]  # a bank's answer to a file has its own words beside it
    if len(code) == CODE and code.isupper() and code in WORDS:
        given = code
    known = WORDS.get(given.upper()) or WORDS.get(given)
    if known is None:
        return Reason(given, COMPARE, "")
    return Reason(*known, given.upper() if given.upper() in WORDS else "")
