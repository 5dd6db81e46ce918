"""Files of transfers that people carry to the bank: made of what waits, kept as they were made, taken by the bank or taken back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select, update

from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db, locked
from core.kernel.errors import Conflict, NotFound, Refusal
from core.kernel.ids import public_id, uuid7
from core.kernel.money import Money
from core.ledger.book import PLATFORM
from core.payments.disputed import call_free_transfers_back
from core.providers.bank_accounts import Account, accounts
from core.providers.bank_days import next_bank_day
from core.providers.bank_models import BankOrder, BankOrderFile
from core.providers.pain import CURRENCY, NotATransfer, Transfer, write_pain_001

MOST_ORDERS = 5_000  # of one file; what is left goes into the next


class NothingToTransfer(Refusal):
    """No order waits, or none that a SEPA file can carry."""

    code = "nothing_to_transfer"


class NotTransferable(Refusal):
    """An order that no bank would take: it is named."""

    code = "not_transferable"


def waiting_for_a_file(mode: str, *, without: Sequence[ColumnElement[bool]] = ()) -> tuple[int, Money]:
    """How many orders files made now would carry, and what they come to; `without` those of which one of these is true."""
    mine = (*_free(mode), BankOrder.currency == CURRENCY, *(~one for one in without))
    count, total = db.session.execute(select(func.count(), func.coalesce(func.sum(BankOrder.amount_minor), 0)).where(*mine)).one()
    return count, Money(int(total), CURRENCY)


def _free(mode: str) -> tuple[ColumnElement[bool], ...]:
    """Those that neither a file nor a line to the bank has in hand."""
    return (BankOrder.mode == mode, BankOrder.state == "requested", BankOrder.file_id.is_(None), BankOrder.sent_at.is_(None))


def make_order_file(mode: str, *, by: str, without: Sequence[ColumnElement[bool]] = ()) -> BankOrderFile:
    """A file of every order in euros that waits, oldest first, `without` those that are kept back (core/payouts/held.py says which). An order
    is in one file at most. Raises NothingToTransfer, NotTransferable."""
    account = accounts(settings().bank_accounts[mode]).get(CURRENCY)
    if account is None:
        raise NothingToTransfer("There is no account in euros to transfer from.")
    mine = (*_free(mode), BankOrder.account == account.iban, *(~one for one in without))
    waiting = select(BankOrder).where(*mine).order_by(BankOrder.created_at, BankOrder.end_to_end).limit(MOST_ORDERS).with_for_update()
    orders = list(db.session.scalars(waiting))
    if not orders:
        raise NothingToTransfer("No transfer waits to be made.")
    number, at = uuid7(), now().replace(microsecond=0)
    try:
        raw = write_pain_001(number.hex, at, account, [_transfer(order) for order in orders], on=next_bank_day(at.date()))
    except NotATransfer as problem:
        raise NotTransferable(str(problem)) from None
    file = BankOrderFile(
        mode=mode, id=number, public_id=public_id("bof"), account=account.iban, holder=account.holder, bic=account.bic, currency=CURRENCY,
        orders=len(orders), total_minor=sum(order.amount_minor for order in orders), raw=raw, sha256=hashlib.sha256(raw).hexdigest(),
        state="made", made_by=by, made_at=at, ended_by="",
    )  # fmt: skip
    db.session.add(file)
    db.session.flush()
    for order in orders:
        order.file_id = number
    record(
        PLATFORM, actor=by, action="order_file.made", subject=file.public_id, orders=file.orders, total=str(file.total), sha256=file.sha256
    )
    return file


def write_again(file: BankOrderFile) -> bytes:
    """The file written anew from its orders: byte for byte what was kept, or one of its orders was changed."""
    account, in_one = Account(file.currency, file.account, file.bic, file.holder), b"<BtchBookg>true" in file.raw
    transfers, made_on = [_transfer(one) for one in orders_of(file)], file.made_at.date()
    on = made_on if f"<Dt>{made_on}</Dt>".encode() in file.raw else next_bank_day(made_on)  # files at first asked for any day
    return write_pain_001(file.id.hex, file.made_at, account, transfers, on=on, in_one=in_one)


def _transfer(order: BankOrder) -> Transfer:
    return Transfer(order.end_to_end, order.amount, order.to_name, order.to_account, order.to_bic, order.text)


def get_order_file(mode: str, number: str) -> BankOrderFile:
    """By its public number. Raises NotFound."""
    found = db.session.scalar(select(BankOrderFile).where(BankOrderFile.mode == mode, BankOrderFile.public_id == number))
    if found is None:
        raise NotFound("There is no such file of transfers.")
    return found


def list_order_files(limit: int = 50) -> list[BankOrderFile]:
    """Of both modes, newest first."""
    return list(db.session.scalars(select(BankOrderFile).order_by(BankOrderFile.id.desc()).limit(limit)))


def orders_of(file: BankOrderFile) -> list[BankOrder]:
    """In the order in which they stand in it; of one that was taken back, none."""
    mine = select(BankOrder).where(BankOrder.mode == file.mode, BankOrder.file_id == file.id)
    return list(db.session.scalars(mine.order_by(BankOrder.created_at, BankOrder.end_to_end)))


def lock_made(file: BankOrderFile) -> BankOrderFile:
    """Locked, as long as nobody has said what became of it. Raises Conflict."""
    fresh = locked(BankOrderFile, file.mode, file.id) or file
    if fresh.state != "made":
        raise Conflict("What became of this file has been said already.")
    return fresh


def end_file(file: BankOrderFile, state: str, *, by: str) -> None:
    """A locked one was taken by the bank, or taken back."""
    file.state, file.ended_by, file.ended_at = state, by, now()


def take_file_back(file: BankOrderFile, *, by: str, reason: str) -> None:
    """The bank does not get it: its orders wait again, for another file, but for those of a payment that was disputed meanwhile. Refuses when a
    statement has shown one of them: the bank has it."""
    fresh = lock_made(file)
    orders = orders_of(fresh)
    if any(order.settled_at is not None for order in orders):
        raise Conflict("A statement shows that the bank has this file already. Say that it has been handed over.")
    end_file(fresh, "taken_back", by=by)
    db.session.execute(update(BankOrder).where(BankOrder.mode == fresh.mode, BankOrder.file_id == fresh.id).values(file_id=None))
    call_free_transfers_back(orders)
    record(PLATFORM, actor=by, action="order_file.taken_back", subject=fresh.public_id, reason=reason.strip()[:200])
