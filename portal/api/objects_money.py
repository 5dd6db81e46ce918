"""The objects of money that is yours: payouts, balances, wallet, journals; and of what is billed: memberships, invoices, the plan."""

from __future__ import annotations

from dataclasses import dataclass

from core.billing.models import BillingDocument, KeptSubscription
from core.kernel.money import Money
from core.memberships.models import Member, MembershipPlan
from core.payouts.states import PAYOUT
from portal.api.objects import MODES
from portal.api.shapes import day, each, flag, inner, moment, money, number, shape, text

PAYOUT_OBJECT = shape(
    "payout",
    "What you had available in one currency, on its way to your bank.",
    id=text("Its number, po_...", lambda one: one[0].public_id),
    mode=text("Practice or real money.", lambda one: one[0].mode, one_of=MODES),
    status=text("How it stands.", lambda one: one[0].state, one_of=PAYOUT),
    amount=money("What leaves.", lambda one: one[0].amount),
    account=text("The last four signs of the account it goes to.", lambda one: one[1].ends_in),
    failure_reason=text("Why it did not arrive; empty otherwise.", lambda one: one[0].failure_reason),
    bank_reference=text("The number it has on your bank’s statement; empty until it is on its way.", lambda one: one[0].trace),
    created_at=moment("When it was asked for.", lambda one: one[0].created_at, nullable=False),
    arrived_at=moment("When the bank said that it arrived.", lambda one: one[0].arrived_at),
)

PURSE = shape(
    "purse",
    "What you have in one currency.",
    currency=text("The currency.", lambda one: one[0]),
    pending=money("Paid, and not yours to be paid out yet.", lambda one: one[1]["pending"]),
    available=money("Yours to be paid out.", lambda one: one[1]["available"]),
    reserved=money("Kept for some days by a rule of the platform.", lambda one: one[1]["reserved"]),
    disputed=money("Held while disputes are open.", lambda one: one[1]["disputed"]),
    owed=money("What you owe.", lambda one: one[1]["owed"]),
)
WALLET = shape(
    "wallet",
    "What you have, by currency, as it stands in the ledger.",
    mode=text("Practice or real money.", lambda one: one[0], one_of=MODES),
    balances=each(PURSE, "One for each currency in which anything ever moved.", lambda one: one[1]),
)

ENTRY = shape(
    "entry",
    "One leg of a journal: so much on one account, debit positive.",
    account=text("The account's name.", lambda one: one.account),
    code=number("The account's number in the chart.", lambda one: one.code),
    sub=text("The sub-account; may be empty.", lambda one: one.sub),
    reference=text("What it refers to; may be empty.", lambda one: one.ref),
    amount=money("Debit positive, credit negative.", lambda one: one.amount),
)
JOURNAL = shape(
    "journal",
    "One event in your book. Its entries come to zero.",
    id=text("Its number.", lambda one: str(one.journal.id)),
    kind=text("What happened.", lambda one: one.journal.kind),
    about=text("The payment, payout or dispute it is about.", lambda one: one.journal.about),
    effective_at=moment("When it happened.", lambda one: one.journal.effective_at, nullable=False),
    recorded_at=moment("When it was written down.", lambda one: one.journal.recorded_at, nullable=False),
    entries=each(ENTRY, "Its legs, in their order.", lambda one: one.legs),
)

MEMBERSHIP_PLAN = shape(
    "membership_plan",
    "A plan that you sell to your customers.",
    id=text("Its number, mpl_...", lambda one: one.plan.public_id),
    mode=text("Practice or real money.", lambda one: one.plan.mode, one_of=MODES),
    code=text("Its short name on your price lists.", lambda one: one.plan.code),
    name=text("What members read.", lambda one: one.plan.name),
    about=text("What they get.", lambda one: one.plan.about),
    status=text("Whether somebody can join.", lambda one: one.plan.state, one_of=("active", "paused")),
    price=money("A month, before tax.", lambda one: one.plan.price),
    trial_days=number("How many days are free at the beginning.", lambda one: one.plan.trial_days),
    page=text("Where people join.", lambda one: one.page),
)


@dataclass(frozen=True)
class SeenPlan:
    """A plan with the address by which people join."""

    plan: MembershipPlan
    page: str


MEMBER_STATES = ("trialing", "active", "past_due", "suspended", "cancelled", "not_begun")
MEMBERSHIP = shape(
    "membership",
    "Somebody who has joined one of your plans.",
    id=text("Its number, mbr_...", lambda one: one.member.public_id),
    mode=text("Practice or real money.", lambda one: one.member.mode, one_of=MODES),
    status=text("How it stands; not_begun: the first payment never came.", lambda one: one.status, one_of=MEMBER_STATES),
    active=flag("Whether they are to be served today.", lambda one: one.active),
    plan=text("The code of the plan they have now.", lambda one: one.row.tier),
    email=text("Their e-mail address.", lambda one: one.member.email),
    name=text("Their name; may be empty.", lambda one: one.member.name),
    period_end=day("The first day that is not paid for.", lambda one: one.row.period_end),
    page=text("Their own page, where they see and change it. Whoever has the address may.", lambda one: one.page),
    joined_at=moment("When it began.", lambda one: one.member.began_at),
)


@dataclass(frozen=True)
class SeenMember:
    """A member with what billing knows of them and the address of their page."""

    member: Member
    row: KeptSubscription
    page: str
    begun: bool

    @property
    def status(self) -> str:
        return self.row.status if self.begun else "not_begun"

    @property
    def active(self) -> bool:
        return self.begun and self.row.status not in ("suspended", "cancelled")


INVOICE = shape(
    "invoice",
    "An invoice or a credit note.",
    id=text("Its number here, doc_...", lambda one: one.document.public_id),
    mode=text("Practice or real money.", lambda one: one.document.mode, one_of=MODES),
    kind=text("Which of the two.", lambda one: one.document.kind, one_of=("invoice", "credit_note")),
    number=text("What people call it, INV-000042; null as long as it is a draft.", lambda one: one.document.name, nullable=True),
    status=text("How it stands: draft, open, carried (asked for with the next), settled, written_off, credited.", lambda one: one.state),
    net=money("Before tax; negative on a credit note.", lambda one: Money(one.document.net_minor, one.document.currency)),
    tax=money("The tax.", lambda one: Money(one.document.tax_minor, one.document.currency)),
    gross=money("With tax.", lambda one: one.document.gross),
    due=money("What is still to be paid of it.", lambda one: one.due, nullable=True),
    tax_point=day("The day it counts for.", lambda one: one.document.on_day, nullable=False),
    issued_on=day("The day it was issued.", lambda one: one.document.issued_on),
    created_at=moment("When it was drafted.", lambda one: one.document.made_at, nullable=False),
)


@dataclass(frozen=True)
class SeenInvoice:
    """A document with how it stands."""

    document: BillingDocument
    state: str
    due: Money | None


_COUNTED = inner(
    products=number("Published products.", lambda one: one.products),
    branches=number("Branches beyond the first one.", lambda one: one.branches),
)
SUBSCRIPTION = shape(
    "subscription",
    "Your own plan here.",
    id=text("Its number, sub_...", lambda one: one.row.public_id),
    mode=text("Practice or real money.", lambda one: one.row.mode, one_of=MODES),
    status=text("How it stands.", lambda one: one.row.status),
    plan=text("The code of the plan.", lambda one: one.row.tier),
    period_end=day("The first day that is not paid for.", lambda one: one.row.period_end),
    owed=money("What is owed for it.", lambda one: one.owed),
    balance=money("What is in your favour.", lambda one: one.balance),
    counts=_COUNTED("What it is charged for.", lambda one: one),
)


@dataclass(frozen=True)
class SeenSubscription:
    """The vendor's own plan with its sums."""

    row: KeptSubscription
    owed: Money
    balance: Money
    products: int
    branches: int
