"""Payers who pay by transfer, their banks, and whoever decides about what came: each sum is a small story, and the reference knows its end."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from core.kernel.clock import now
from core.kernel.db import db, unit_of_work
from core.kernel.money import Money
from core.methods.rules import switch_method
from core.payments.attempt import begin_attempt, open_at_provider, record_opening
from core.payments.bank_terms import Terms, change_terms
from core.payments.repaid import list_debtors, pay_back
from core.payments.statements import import_statement
from core.payments.transfer_cases import accept_transfer, give_back_transfer
from core.payments.transfer_queries import list_open_cases
from core.payments.unknown import assign_line, list_unknown, return_line
from core.providers.bank import spell_reference
from core.providers.bank_models import BankFile, BankLine
from sandbox.bank import garble, iban_of
from tests.factories import Shop, again, make_payment, unit
from tests.simulation.net import BASE
from tests.simulation.reference import Wish
from tests.simulation.world import CURRENCY, KEY

if TYPE_CHECKING:
    from tests.simulation.people import People

OURS = iban_of(KEY.removeprefix("sk_test_"), CURRENCY)
SHORT = 200  # so much may be missing at the second seller's
PROMPT = timedelta(days=5)  # whoever has not sent anything by then forgets it: what comes late comes after the end
STORIES = {"whole": 8, "in_parts": 3, "too_little": 3, "too_much": 3, "twice": 2, "short": 1, "garbled": 3, "late": 3}
REASON = "As the payer says on the telephone"


class Transfers:
    """The acts of all who have to do with transfers; `later` is what time brings when the weather has passed."""

    def __init__(self, people: People) -> None:
        self.people, self.world, self.dice, self.app = people, people.world, people.dice, people.app
        self.reference = self.world.reference
        for place, shop in enumerate(people.shops):
            with unit(self.app):
                switch_method(shop.vendor, "test", "bank_transfer", on=True, by=shop.user.public_id)
                if place == 1:
                    change_terms(shop.vendor, "test", by=shop.user.public_id, terms=Terms(tolerance_minor=SHORT))
        self.acts: dict[Callable[[], None], int] = {
            self.promises_a_transfer: 12, self.sends_money: 5, self.sends_the_rest: 3, self.sends_to_nobody: 1, self.bank_takes_back: 3,
            self.seller_decides: 3, self.staff_decide: 3, self.brings_the_file_again: 1,
        }  # fmt: skip

    def one(self) -> None:
        """The next thing that somebody does."""
        act = self.dice.choices(list(self.acts), list(self.acts.values()))[0]
        self.world.lives(act.__name__, act)

    # --- payers -------------------------------------------------------------------------------------------------------

    def promises_a_transfer(self) -> None:
        """Chooses transfer at the checkout, is told the reference, and mostly goes to their bank at once."""
        people = self.people
        place = self.dice.randrange(len(people.shops))
        shop, minor, number = people.shops[place], self.dice.randint(1_000, 60_000), next(people.numbers)
        payment = make_payment(
            shop, people.links[shop.vendor.id], amount=Money(minor, CURRENCY).decimal_text, email=f"payer{number}@mail.example"
        )
        with self.app.app_context():
            with unit_of_work():
                payment = again(payment)
                attempt = begin_attempt(shop.vendor, payment, method="bank_transfer")
            opening = open_at_provider(shop.vendor, payment, attempt, return_url=f"{BASE}/r", cancel_url=f"{BASE}/c")
            with unit_of_work():
                record_opening(shop.vendor, attempt, opening)
            expires = again(payment).expires_at
        self.reference.wishes[payment.public_id] = wish = Wish(
            payment.public_id, shop.vendor.public_id, minor, SHORT if place == 1 else 0, opening.provider_reference, iban(number), expires
        )
        if self.dice.random() < 0.7:
            self._sends(wish)

    def sends_money(self) -> None:
        waiting = [wish for wish in self.reference.wishes.values() if not wish.sent and not wish.late and self._in_time(wish)]
        if waiting:
            self._sends(self.dice.choice(waiting))

    def _in_time(self, wish: Wish) -> bool:
        return self.world.clock.at < wish.expires - timedelta(days=7) + PROMPT

    def _sends(self, wish: Wish) -> None:
        story = self.dice.choices(list(STORIES), list(STORIES.values()))[0]
        if story == "late":
            wish.late = True
            return
        wish.sent, less = True, self.dice.randint(1, wish.amount // 2)
        if story == "garbled":
            self._transfer(wish, wish.amount, garble(wish.reference), named=False)
        elif story == "short":
            self._transfer(wish, wish.amount - (self.dice.randint(1, wish.short) if wish.short else 1))
        elif story in ("in_parts", "too_little"):
            wish.rest = wish.amount - less if story == "in_parts" else 0
            self._transfer(wish, less)
        else:
            self._transfer(wish, wish.amount + (less if story == "too_much" else 0), times=2 if story == "twice" else 1)

    def sends_the_rest(self) -> None:
        """Who had sent a part. Not when the bank has taken that part back, nor when the seller has said what becomes of it."""
        gone = {self.reference.of.get(one) for one in self.reference.taken_back}
        open_ones = [w for w in self.reference.wishes.values() if w.rest and not w.decided and w.payment not in gone and self._in_time(w)]
        if open_ones:
            wish = self.dice.choice(open_ones)
            minor, wish.rest = wish.rest, 0
            self._transfer(wish, minor)

    def sends_to_nobody(self) -> None:
        """A sum with words that name nothing."""
        wish = Wish("", "", 0, 0, "", iban(next(self.people.numbers)), now())
        self._transfer(wish, self.dice.randint(100, 60_000), "Rent for March", named=False)

    def _transfer(self, wish: Wish, minor: int, words: str = "", *, named: bool = True, times: int = 1) -> None:
        """In the payer's banking app: nothing of it is in our weather. The reference stands where it belongs, or among other words."""
        words = words or self.dice.choice(
            (wish.reference, spell_reference(wish.reference), f"Invoice of May, {wish.reference.lower()}. Ada")
        )
        before = max(self.world.bank_entries(), default=0)
        facts = {
            "iban": OURS,
            "amount": Money(minor, CURRENCY).decimal_text,
            "name": "Ada Payer",
            "from_iban": wish.iban,
            "reference": words,
        }
        self.world.call("POST", "bank/transfers", **facts, times=times)
        for number in self.world.bank_entries():
            if number > before and named:
                self.reference.of[number] = wish.payment
            elif number > before:
                self.reference.nobodys.add(number)
                self.reference.meant[number] = wish.payment

    def later(self) -> None:
        """Those who pay when it is over, once the weather is calm; and whoever had not decided yet may do so now."""
        for wish in self.reference.wishes.values():
            if wish.late and not wish.sent and self.world.clock.at > wish.expires + timedelta(days=1):
                wish.sent = True
                self._transfer(wish, wish.amount)
        for act in (self.seller_decides, self.staff_decide):
            if self.dice.random() < 0.25:
                self.world.lives(act.__name__, act)

    # --- banks --------------------------------------------------------------------------------------------------------

    def bank_takes_back(self) -> None:
        """Some credit, whatever has become of it."""
        left = sorted({*self.reference.of, *self.reference.nobodys} - set(self.reference.taken_back))
        if left:
            credit = self.dice.choice(left)
            self.world.call("POST", "bank/reversals", seq=credit)
            self.reference.taken_back[credit] = max(self.world.bank_entries())

    def brings_the_file_again(self) -> None:
        """Somebody carries a statement in that is here already: the very file, or one the bank has written anew since."""
        with unit(self.app):
            files = [bytes(one.raw) for one in db.session.scalars(select(BankFile).order_by(BankFile.imported_at))]
        if not files:
            return
        raw = self.dice.choice(files)
        if self.dice.random() < 0.5:
            raw = re.sub(rb"<CreDtTm>[^<]*<", b"<CreDtTm>2031-03-03T23:59:59+00:00<", raw)
        with unit(self.app):
            told = import_statement(raw, name="again.xml", by="stf_finance")
        if any(one.new or one.fresh for one in told):
            self.world.ear.heard.append(f"a statement was taken twice: {told}")

    # --- whoever decides ----------------------------------------------------------------------------------------------

    def seller_decides(self) -> None:
        shop: Shop = self.dice.choice(self.people.shops)
        with unit(self.app):
            cases = [(one.case.kind, one.payment) for one in list_open_cases(shop.vendor, "test")]
        if not cases:
            return
        kind, payment = self.dice.choice(cases)
        self.reference.wishes[payment.public_id].decided = True
        accepts = kind != "over" and self.dice.random() < 0.5
        with unit(self.app):
            decide: Any = accept_transfer if accepts else give_back_transfer
            decide(shop.vendor, again(payment), by=shop.user.public_id, reason=REASON)

    def staff_decide(self) -> None:
        """Whose is it? The payer whose reference was mistyped says so, or a seller who owes something; otherwise it goes back."""
        with unit(self.app):
            lines = [line for line in list_unknown("test") if line.sign > 0 and seq_of(line) in self.reference.nobodys]
        if not lines:
            return
        line = self.dice.choice(lines)
        meant = self.reference.wishes.get(self.reference.meant.get(seq_of(line), ""))
        with unit(self.app):
            if meant is not None and self.dice.random() < 0.6:
                meant.decided = True
                shop = next(one for one in self.people.shops if one.vendor.public_id == meant.seller)
                payment = self.people.payment(shop, meant.payment)
                assign_line(line, shop.vendor, payment, by="stf_finance", reason=REASON)
            elif meant is None and (debtors := list_debtors(line)):
                pay_back(line, debtors[0].vendor, by="stf_finance", reason=REASON)
            else:
                return_line(line, by="stf_finance", reason=REASON)


def seq_of(line: BankLine) -> int:
    """The bank's own number of the entry a line came from."""
    return int(line.bank_reference.removeprefix("SBX"))


def iban(number: int) -> str:
    """An account of a payer's, each another, with its check digits (ISO 7064, mod 97-10)."""
    rest = f"50010517{number:010d}"
    return f"DE{98 - int(f'{rest}131400') % 97:02d}{rest}"
