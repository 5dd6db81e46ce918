"""What an operator types after the database was restored to an earlier moment: docs/how-to/back-up-and-restore.md."""

from __future__ import annotations

from contextlib import suppress

import click
from flask import Flask
from flask.cli import with_appcontext
from redis.exceptions import RedisError

from core.accounts.queries import find_vendor
from core.billing.number import skip_to
from core.kernel.clock import now
from core.kernel.db import MODES, unit_of_work
from core.kernel.errors import Refusal
from core.web.vitals import CLOCK_SEEN
from workers.wake import redis

JUST_NOW = 10  # seconds since the clock last said that it goes, as it does each second


def install(app: Flask) -> None:
    """Hang the commands on the application."""
    app.cli.add_command(after_restore)
    app.cli.add_command(skip_numbers)


@click.command(
    "after-restore",
    help="Ask every processor and bank what they have done since, and bring it into the books. Charges and refunds nothing.",
)
@with_appcontext
def after_restore() -> None:
    """Exit code 1 while anything is left that a person has to look at. May be repeated as often as one likes."""
    from workers.after_restore import ask_everybody, end_of_database  # it loads every job; no web process waits for that

    if _clock_goes():
        raise click.ClickException(
            "The clock runs: stop it, the workers and the sender of webhooks first, so that nothing leaves meanwhile."
        )
    end = end_of_database()
    click.echo("The books are empty." if end is None else f"The books end at {end:%Y-%m-%d %H:%M:%S} UTC.")
    left = 0
    for found in ask_everybody():
        for sentence in found.done:
            click.echo(f"{found.mode}: {sentence}")
        for sentence in found.left:
            click.echo(f"{found.mode}, TO LOOK AT: {sentence}")
        click.echo(f"{found.mode}: {len(found.done)} brought into the books, {len(found.left)} left.")
        left += len(found.left)
    if left:
        raise SystemExit(1)
    click.echo(
        "Both sides agree. Run flask audit and flask verify-chain; when they are clean too, start the clock, the workers and the sender."
    )


def _clock_goes() -> bool:
    with suppress(RedisError, ValueError):
        seen = redis().get(CLOCK_SEEN)
        return seen is not None and int(now().timestamp()) - int(seen) < JUST_NOW
    return False


@click.command(
    "skip-numbers", help="Numbers of invoices or credit notes that were given and are lost: the next one is the one after NUMBER."
)
@with_appcontext
@click.argument("vendor")
@click.argument("number", type=click.IntRange(1, 9_999_999))
@click.option("--mode", type=click.Choice(MODES), default="live", show_default=True)
@click.option("--kind", type=click.Choice(["invoice", "credit_note"]), default="invoice", show_default=True)
@click.option("--why", required=True, help="The reason; it is kept, for whoever audits the gap.")
def skip_numbers(vendor: str, number: int, mode: str, kind: str, why: str) -> None:
    """Never backwards: a number that was given is not given again."""
    try:
        with unit_of_work():
            owner = find_vendor(vendor)
            if owner is None:
                raise click.ClickException("There is no such vendor.")
            first, last = skip_to(owner.id, mode, kind, number, by="operator", why=why)
    except Refusal as refusal:
        raise click.ClickException(refusal.message) from None
    click.echo(f"{first} to {last} are left out; the next one comes after them.")
