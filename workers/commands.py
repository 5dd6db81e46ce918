"""What an operator types: `flask seed-demo` fills in a small world, `flask audit` proves the books, `flask dead-tasks` shows what gave up."""

from __future__ import annotations

import click
from flask import Flask

from core.kernel.clock import now
from core.kernel.db import db, unit_of_work
from core.kernel.outbox import OutboxTask
from core.ledger.proof import THE_HOUSE, Standing, standing
from core.ledger.queries import find_breaks
from workers import bank_commands
from workers.seed import seed


def install(app: Flask) -> None:
    """Hang the commands on the application."""
    app.cli.command("seed-demo", help="Three demo vendors with a week of payments through the sandbox processor.")(seed_demo)
    app.cli.command("audit", help="Prove that every journal balances and every balance is the sum of its entries.")(audit)
    bank_commands.install(app)
    app.cli.command("dead-tasks", help="Work that gave up after many tries. With --again all of it is tried anew.")(dead_tasks)


def seed_demo() -> None:
    """Fill in the demo unless it is there already."""
    click.echo(seed())


def audit() -> None:
    """Say in words what is wrong with the books; exit code 1 when anything is."""
    with unit_of_work():
        wrong = find_breaks()
        told = standing()
    for sentence in wrong:
        click.echo(sentence)
    if not wrong:
        click.echo("The books are whole: every journal balances, every balance is the sum of its entries.")
    _say_standing(told)
    if wrong or told.broken:
        raise SystemExit(1)


def _say_standing(told: Standing) -> None:
    """What the clock's own proofs have come to since it last looked."""
    if told.oldest_at is None:
        click.echo("The clock has not been through all books yet." if told.books else "The clock has proved no book yet.")
    else:
        click.echo(f"The clock proves {told.books} books; the oldest proof is of {told.oldest_at:%Y-%m-%d %H:%M} UTC.")
    for proof in told.broken:
        whose = "The guards in PostgreSQL" if proof.vendor_id == THE_HOUSE else f"The {proof.mode} book of vendor {proof.vendor_id}"
        click.echo(f"ALARM since {proof.broken_since:%Y-%m-%d %H:%M} UTC. {whose}: {'; '.join(proof.breaks)}")


@click.option("--again", is_flag=True)
def dead_tasks(again: bool) -> None:
    """Say what gave up and why; `again` makes it due at once, with all its tries before it."""
    with unit_of_work():
        found = list(
            db.session.scalars(db.select(OutboxTask).where(OutboxTask.state == "dead").order_by(OutboxTask.created_at).with_for_update())
        )
        for task in found:
            click.echo(f"{task.created_at:%Y-%m-%d %H:%M}  {task.job}  {task.args}  {task.last_error}")
            if again:
                task.state, task.attempts, task.due_at = "waiting", 0, now()
    click.echo(f"{len(found)} tasks gave up." + (" They are tried again now." if again and found else ""))
