"""What an operator types about the books: have the chains verified, against a day's paper too, and have everything made anew from the logs."""

from __future__ import annotations

from datetime import datetime

import click
from flask import Flask
from flask.cli import with_appcontext
from sqlalchemy import func, select

from core.accounts.queries import find_vendor
from core.disputes.replay import SHADOWS as DISPUTES
from core.kernel.db import MODES, db, unit_of_work
from core.kernel.shadow import Replayed, hold_still, replay
from core.ledger.chain_check import added_afterwards, chain_breaks
from core.ledger.chain_models import Chain
from core.ledger.day_facts import sum_of_heads
from core.ledger.replay import SHADOWS as BOOKS
from core.orders.replay import SHADOWS as ORDERS
from core.payments.replay import SHADOWS as PAYMENTS
from core.payouts.replay import SHADOWS as PAYOUTS
from core.subscriptions.replay import replay_plans

SHADOWS = (*BOOKS, *PAYMENTS, *DISPUTES, *PAYOUTS, *ORDERS)


def install(app: Flask) -> None:
    """Hang the commands on the application."""
    app.cli.add_command(verify_chain)
    app.cli.add_command(replay_all)


@click.command("verify-chain", help="Name the first row of each book, and of the audit log, that was altered, taken out or added.")
@with_appcontext
@click.option("--mode", type=click.Choice(MODES), default="live", show_default=True, help="Which papers are meant by --day.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="A closed day whose paper you hold.")
@click.option("--sum", "printed", help="The sum over the ends of all chains that is printed on it.")
def verify_chain(mode: str, day: datetime | None, printed: str | None) -> None:
    """Exit code 1 when anything is wrong. The paper is what an owner of the database cannot change: hold it against what stands here."""
    if (day is None) != (printed is None):
        raise click.UsageError("Give both, the --day and the --sum on its paper.")
    with unit_of_work():
        wrong = chain_breaks() + added_afterwards()
        chains, links = db.session.execute(select(func.count(), func.coalesce(func.sum(Chain.seq), 0))).one()
        if day is not None and printed is not None and sum_of_heads(mode, day.date()) != "".join(printed.split()).lower():
            wrong.append(f"the {mode} paper of {day:%Y-%m-%d} has another sum: the chains were made anew since, or the paper is not ours")
    for sentence in wrong:
        click.echo(sentence)
    if wrong:
        raise SystemExit(1)
    click.echo(
        f"{chains} chains with {links} links hold: every row is as it was when it was linked." + (" So does the paper." if day else "")
    )


@click.command(
    "replay", help="Make payments, refunds, disputes, payouts, orders, balances and statements anew from the logs, and compare every row."
)
@with_appcontext
@click.option("--vendor", help="Only the rows of this one: vnd_…")
def replay_all(vendor: str | None) -> None:
    """Into a shadow schema that is gone afterwards. Exit code 1 when anything is kept otherwise than the logs say."""
    with unit_of_work():
        whose = find_vendor(vendor) if vendor else None
    if vendor and whose is None:
        raise click.ClickException("There is no such vendor.")
    wrong = 0
    for shadow in SHADOWS:
        if whose and "vendor_id" not in shadow.key:
            continue  # of the whole house
        with unit_of_work():
            hold_still()
            wrong += _say(replay(shadow, whose.id if whose else None))
    with unit_of_work():
        hold_still()
        wrong += _say(replay_plans(whose.public_id if whose else None))
    if wrong:
        raise SystemExit(1)


def _say(found: Replayed) -> int:
    for sentence in found.differences:
        click.echo(sentence)
    click.echo(f"{found.name}: {found.rows} rows made anew" + ("" if found.differences else ", every one is as it is kept."))
    return len(found.differences)
