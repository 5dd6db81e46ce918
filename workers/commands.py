"""What an operator types: `flask seed-demo` fills in a small world, `flask audit` proves the books, `flask dead-tasks` shows what gave up.

`flask add-staff` and `flask remove-staff` say who works for the platform, `flask lost-device` lets one of them in again: no page can.
"""

from __future__ import annotations

import click
from email_validator import EmailNotValidError, validate_email
from flask import Flask

from core.accounts.second_factor import take_off_by_staff
from core.accounts.staff import add_staff, get_staff_user, remove_staff
from core.accounts.staff_permissions import STAFF_ROLES
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db, unit_of_work
from core.kernel.errors import Refusal
from core.kernel.outbox import OutboxTask
from core.ledger.proof import THE_HOUSE, Standing, standing
from core.ledger.queries import find_breaks
from workers import bank_commands, books_commands, directory_commands, keys_commands, mail_commands, restore_commands


def install(app: Flask) -> None:
    """Hang the commands on the application."""
    app.cli.command("seed-demo", help="Three demo vendors with a week of payments through the sandbox processor.")(seed_demo)
    app.cli.command("audit", help="Prove that every journal balances and every balance is the sum of its entries.")(audit)
    bank_commands.install(app)
    books_commands.install(app)
    directory_commands.install(app)
    keys_commands.install(app)
    mail_commands.install(app)
    restore_commands.install(app)
    app.cli.command("dead-tasks", help="Work that gave up after many tries. With --again all of it is tried anew.")(dead_tasks)
    app.cli.command("add-staff", help="Make somebody staff, or give them another role and a new password.")(add_staff_member)
    app.cli.command("remove-staff", help="End somebody's work for the platform; their browsers are signed out.")(remove_staff_member)
    app.cli.command("lost-device", help="Somebody of the staff lost the device for their codes: take two-step sign-in off.")(lost_device)


@click.argument("email")
@click.option("--role", type=click.Choice(STAFF_ROLES), required=True)
@click.password_option(envvar="STAFF_PASSWORD")
def add_staff_member(email: str, role: str, password: str) -> None:
    """The password is asked for, or read from STAFF_PASSWORD; it is never an argument, which other users of the machine could read."""
    try:
        address = validate_email(email, check_deliverability=False, test_environment=True).normalized
        with unit_of_work():
            add_staff(address, role=role, password=password)
    except EmailNotValidError as wrong:
        raise click.ClickException(str(wrong)) from None
    except Refusal as refusal:
        raise click.ClickException(refusal.message) from None
    click.echo(f"{email} signs in at {settings().public_url}/staff/sign-in as {role}.")


@click.argument("email")
def remove_staff_member(email: str) -> None:
    """Their lines in the audit log stay."""
    try:
        with unit_of_work():
            remove_staff(email)
    except Refusal as refusal:
        raise click.ClickException(refusal.message) from None
    click.echo(f"{email} is not of the staff any more.")


@click.argument("email")
@click.option("--reason", required=True, help="How you made sure that it is really them.")
def lost_device(email: str, reason: str) -> None:
    """Their password alone opens until they set it up again, which is the first thing they are asked to do."""
    try:
        with unit_of_work():
            take_off_by_staff(get_staff_user(email), by="operator", reason=reason)
    except Refusal as refusal:
        raise click.ClickException(refusal.message) from None
    click.echo(f"{email} sets up a device anew at the next sign-in.")


def seed_demo() -> None:
    """Fill in the demo unless it is there already."""
    from workers.seed import seed  # it loads every job; no web process waits for that

    click.echo(seed())


def audit() -> None:
    """Say in words what is wrong with the books; exit code 1 when anything is."""
    with unit_of_work():
        wrong = find_breaks()
        told = standing()
    for sentence in wrong:
        click.echo(sentence)
    if not wrong:
        click.echo("The books are whole: every journal balances, every balance is the sum of its entries, every chain holds.")
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
        whose = (
            "The guards in PostgreSQL, the audit log, or the platform’s own book"
            if proof.vendor_id == THE_HOUSE
            else f"The {proof.mode} book of vendor {proof.vendor_id}"
        )
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
