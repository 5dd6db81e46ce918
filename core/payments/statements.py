"""Importing a bank statement: the whole file is stored, or none of it; each of its lines is booked once, by a worker."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import func, select

from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.ids import public_id
from core.kernel.money import Money
from core.kernel.outbox import enqueue
from core.ledger.book import PLATFORM
from core.payments.batches import spelled_out
from core.providers.bank_accounts import accounts
from core.providers.bank_models import BankFile, BankLine, BankStatement
from core.providers.mt940 import looks_like_mt940, read_mt940
from core.providers.statement import Entry, Statement, StatementFile, StatementRefused


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of one statement of a file."""

    account: str
    identity: str
    new: bool
    entries: int  # booked entries on it
    fresh: int  # of these, the ones no earlier statement had
    pending: int
    closing: Money
    gap: bool  # the statement before it has not been imported


def import_statement(raw: bytes, *, name: str, by: str) -> list[Imported]:
    """Store every statement of a CAMT.053 or MT940 file and have its new lines booked. The same file again changes nothing.

    Refuses the whole file, with the line named, when anything in it is damaged, contradicts itself or contradicts an earlier
    statement, and when it is about an account that is not ours. `by` is a person's public id, or 'system'.
    """
    from core.providers.camt import read_camt  # and the XML library with it: only whoever reads a statement needs that

    read = read_mt940(raw) if looks_like_mt940(raw) else read_camt(raw)
    mode = _mode_of(read)
    _lock_accounts(mode)
    imported = [_take(mode, read, statement, raw, name, by) for statement in read.statements]
    if any(one.fresh for one in imported):
        enqueue("book_bank_lines", PLATFORM, mode=mode)
    return imported


def _mode_of(read: StatementFile) -> str:
    """Test or live, by whose account it is. A file about both, or about a stranger's account, is none of ours."""
    modes = set()
    for statement in read.statements:
        mine = [
            mode
            for mode, text in settings().bank_accounts.items()
            if any((a.iban, a.currency) == (statement.account, statement.currency) for a in accounts(text).values())
        ]
        if not mine:
            raise StatementRefused(f"{statement.account} in {statement.currency} is not one of our accounts.", statement.line)
        modes.add(mine[0])
    if len(modes) != 1:
        raise StatementRefused("The file mixes test and live accounts.", read.statements[0].line)
    return modes.pop()


def _lock_accounts(mode: str) -> None:
    """Two imports at once queue here, so that each sees what the other has stored."""
    db.session.execute(select(func.pg_advisory_xact_lock(0x62616E6B, 1 if mode == "live" else 0)))


def _take(mode: str, read: StatementFile, statement: Statement, raw: bytes, name: str, by: str) -> Imported:
    digest = _digest(statement)
    known = db.session.get(BankStatement, (mode, statement.account, statement.identity, statement.page))
    closing = Money(statement.closing.signed_minor, statement.currency)
    told = {"account": statement.account, "identity": statement.identity, "entries": len(statement.entries), "pending": statement.pending}
    if known is not None:
        if known.digest != digest:
            raise StatementRefused(f"Statement {statement.identity} was imported before, with other content.", statement.line)
        return Imported(**told, new=False, fresh=0, closing=closing, gap=False)
    gap = _check_chain(mode, statement)
    _keep_file(mode, read, raw, name, by)
    db.session.add(
        BankStatement(
            mode=mode,
            account=statement.account,
            identity=statement.identity,
            page=statement.page,
            file=read.sha256,
            sequence=statement.sequence,
            digest=digest,
            currency=statement.currency,
            opening_minor=statement.opening.signed_minor,
            closing_minor=statement.closing.signed_minor,
            opening_on=statement.opening.on,
            closing_on=statement.closing.on,
            entries=len(statement.entries),
            imported_at=now(),
        )
    )
    db.session.flush()
    fresh = sum(_keep_entry(mode, statement, key, entry) for key, entry in statement.keyed())
    return Imported(**told, new=True, fresh=fresh, closing=closing, gap=gap)


def _digest(statement: Statement) -> str:
    """The content of a statement by which a second copy is known; when it was written does not count."""
    parts = [
        str(statement.opening.signed_minor),
        str(statement.closing.signed_minor),
        *(f"{key}={e.digest}" for key, e in statement.keyed()),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _check_chain(mode: str, statement: Statement) -> bool:
    """The statement must begin where the one before it ended. Answers whether that one is missing.

    Entries to which the bank gives no reference of its own can only be told from those of an overlapping statement by this chain:
    for them it must hold.
    """
    mine = BankStatement.mode == mode, BankStatement.account == statement.account
    latest = db.session.scalar(
        select(BankStatement).where(*mine).order_by(BankStatement.closing_on.desc(), BankStatement.imported_at.desc()).limit(1)
    )
    before = None
    if statement.sequence is not None:
        before = db.session.scalar(
            select(BankStatement)
            .where(*mine, BankStatement.sequence == statement.sequence - 1)
            .order_by(BankStatement.closing_on.desc())
            .limit(1)
        )
    for earlier, must in ((before, True), (latest, any(not e.bank_reference for e in statement.entries))):
        if must and earlier is not None and earlier.closing_minor != statement.opening.signed_minor:
            said, ended = (Money(minor, statement.currency) for minor in (statement.opening.signed_minor, earlier.closing_minor))
            raise StatementRefused(
                f"The statement begins with {said}, but statement {earlier.identity} before it ended with {ended}.", statement.opening.line
            )
    return before is None and latest is not None and statement.sequence is not None


def _keep_file(mode: str, read: StatementFile, raw: bytes, name: str, by: str) -> None:
    if db.session.get(BankFile, (mode, read.sha256)) is None:
        db.session.add(BankFile(mode=mode, sha256=read.sha256, name=name[:200], raw=raw, imported_by=by, imported_at=now()))
        db.session.flush()


def _keep_entry(mode: str, statement: Statement, key: str, entry: Entry) -> int:
    """Store the lines of an entry unless they are known. Known under this name with other content is an alarm, not silence."""
    known = db.session.scalar(
        select(BankLine.digest).where(BankLine.mode == mode, BankLine.account == statement.account, BankLine.entry == key).limit(1)
    )
    if known is not None:
        if known != entry.digest:
            raise StatementRefused(f"Entry {entry.bank_reference or key} was imported before, with other content.", entry.line)
        return 0
    for part, detail in enumerate(spelled_out(mode, statement.account, entry)):
        db.session.add(
            BankLine(
                mode=mode,
                account=statement.account,
                entry=key,
                part=part,
                public_id=public_id("bkl"),
                statement=statement.identity,
                page=statement.page,
                digest=entry.digest,
                sign=detail.sign,
                currency=detail.amount.currency,
                amount_minor=detail.amount.minor,
                reversal=entry.reversal,
                booked_on=entry.booked_on,
                bank_reference=entry.bank_reference,
                name=detail.name,
                counter_account=detail.account.replace(" ", ""),
                bic=detail.bic,
                reference=detail.reference,
                text=detail.text or entry.text,
                end_to_end=detail.end_to_end,
                return_reason=detail.return_reason,
                state="new",
                why="",
                resolution="",
                reason="",
            )
        )
    return 1


def last_balances(mode: str) -> dict[str, tuple[Money, str]]:
    """For each of our accounts with statements: the closing balance of the newest one, and its number."""
    newest: dict[str, tuple[Money, str]] = {}
    rows = db.session.scalars(
        select(BankStatement).where(BankStatement.mode == mode).order_by(BankStatement.closing_on, BankStatement.imported_at)
    )
    for row in rows:
        newest[row.account] = (Money(row.closing_minor, row.currency), row.identity)
    return newest


def last_number(mode: str, account: str) -> int:
    """The highest sequence number of an account's imported statements; 0 before the first."""
    highest = select(func.coalesce(func.max(BankStatement.sequence), 0)).where(BankStatement.mode == mode, BankStatement.account == account)
    return int(db.session.scalar(highest) or 0)
