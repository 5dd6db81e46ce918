"""A bank books a whole file of ours as one debit and does not say which transfers it is: they are those of the file, when it can be no other."""

from __future__ import annotations

import uuid
from dataclasses import replace

from sqlalchemy import func, select

from core.kernel.db import db
from core.providers.bank_models import BankOrder, BankOrderFile
from core.providers.statement import Batch, Detail, Entry

UNDER_WAY = ("requested", "sent")


def spelled_out(mode: str, account: str, entry: Entry) -> tuple[Detail, ...]:
    """The details of an entry; of a sum over a file of ours, one for each transfer in it, as if the bank had listed them.

    The file is the one whose number the bank hands on, or else the only one of as many transfers that come to this sum: never by the sum
    alone, and never with a transfer that a statement has shown already.
    """
    (first, *more), batch = entry.details, entry.batch
    if batch is None or more or entry.sign > 0 or entry.reversal or first.end_to_end or first.return_reason:
        return entry.details
    orders = _file_named(mode, account, entry, batch) if batch.numbers else _only_one_alike(mode, account, entry, batch)
    if not orders:
        return entry.details
    return tuple(
        replace(
            first, amount=order.amount, name=order.to_name, account=order.to_account, bic=order.to_bic, reference="", text=order.text,
            end_to_end=order.end_to_end,
        )
        for order in orders
    )  # fmt: skip


def _file_named(mode: str, account: str, entry: Entry, batch: Batch) -> list[BankOrder]:
    """The transfers of the file whose number stands there, when they come to the sum."""
    ids = {uuid.UUID(number) for number in batch.numbers if _is_number(number)}
    found = select(BankOrderFile.id).where(BankOrderFile.mode == mode, BankOrderFile.id.in_(ids), BankOrderFile.state != "taken_back")
    files = list(db.session.scalars(found))
    return _carried(mode, account, entry, batch, files[0]) if len(files) == 1 else []


def _is_number(text: str) -> bool:
    """Whether a file of ours could go by it: 32 hexadecimal digits."""
    try:
        return len(text) == 32 and uuid.UUID(text).hex == text
    except ValueError:
        return False


def _only_one_alike(mode: str, account: str, entry: Entry, batch: Batch) -> list[BankOrder]:
    """The transfers of the only file of which so many are under way that come to the sum. One transfer alone is no batch."""
    if batch.count is None or batch.count < 2:
        return []
    mine = select(BankOrder.file_id).where(BankOrder.mode == mode, BankOrder.account == account, BankOrder.file_id.is_not(None))
    alike = mine.where(BankOrder.state.in_(UNDER_WAY)).group_by(BankOrder.file_id)
    alike = alike.having(func.count() == batch.count, func.sum(BankOrder.amount_minor) == entry.amount.minor)
    fits = [orders for file_id in db.session.scalars(alike) if (orders := _carried(mode, account, entry, batch, file_id))]
    return fits[0] if len(fits) == 1 else []


def _carried(mode: str, account: str, entry: Entry, batch: Batch, file_id: uuid.UUID | None) -> list[BankOrder]:
    """What the file still carries, when all of it fits to the entry and no statement has shown a part."""
    mine = select(BankOrder).where(BankOrder.mode == mode, BankOrder.file_id == file_id)
    orders = list(db.session.scalars(mine.order_by(BankOrder.created_at, BankOrder.end_to_end)))
    waiting = [order for order in orders if order.state in UNDER_WAY]
    fits = (
        {(order.account, order.currency) for order in waiting} == {(account, entry.amount.currency)}
        and sum(order.amount_minor for order in waiting) == entry.amount.minor
        and batch.count in (None, len(waiting))
        and all(order.settled_at is None for order in orders)
    )
    return waiting if fits else []
