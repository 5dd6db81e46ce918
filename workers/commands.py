"""What an operator types: `flask seed-demo` fills in a small world, `flask audit` proves the books."""

from __future__ import annotations

import click
from flask import Flask

from core.kernel.db import unit_of_work
from core.ledger.queries import find_breaks
from workers.seed import seed


def install(app: Flask) -> None:
    """Hang the commands on the application."""
    app.cli.command("seed-demo", help="Three demo vendors with a week of payments through the sandbox processor.")(seed_demo)
    app.cli.command("audit", help="Prove that every journal balances and every balance is the sum of its entries.")(audit)


def seed_demo() -> None:
    """Fill in the demo unless it is there already."""
    click.echo(seed())


def audit() -> None:
    """Say in words what is wrong with the books; exit code 1 when anything is."""
    with unit_of_work():
        wrong = find_breaks()
    for sentence in wrong:
        click.echo(sentence)
    if wrong:
        raise SystemExit(1)
    click.echo("The books are whole: every journal balances, every balance is the sum of its entries.")
