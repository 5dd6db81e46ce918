"""What an operator types about the bank: import a statement, see and decide what nobody knows, see and hand over what is to leave."""

from __future__ import annotations

from pathlib import Path

import click
from flask import Flask
from flask.cli import with_appcontext

from core.accounts.everywhere import get_vendor_everywhere
from core.accounts.queries import find_vendors
from core.kernel.db import unit_of_work
from core.kernel.errors import Refusal
from core.payments.line_wishes import Wish, decide_line
from core.payments.order_refused import refuse_order
from core.payments.queries import get_payment
from core.payments.repaid import get_repayment
from core.payments.statements import import_statement
from core.payments.unknown import WORDS, get_line, list_unknown, suggest
from core.payouts.hand_over import record_made_by_hand
from core.payouts.held import kept_back
from core.providers.bank_accounts import check_iban
from core.providers.bank_orders import get_order, list_waiting_orders

BY = "operator"  # whoever has a shell on the machine
WAITS = "Written down. It is more than one person decides about alone: somebody of the staff has to agree, under Money nobody knows."
mode_option = click.option("--mode", type=click.Choice(["test", "live"]), default="live", show_default=True)
why_option = click.option("--why", required=True, help="The reason; it is kept.")


def install(app: Flask) -> None:
    """Hang the commands on the application."""
    for command in (import_file, unknown_transfers, assign_transfer, debt_repaid, return_transfer, bank_charge, bank_orders):
        app.cli.add_command(command)


@click.command(
    "import-statement", help="Import a CAMT.053 statement. A damaged file is refused whole; the same file again changes nothing."
)
@with_appcontext
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_file(file: Path) -> None:
    """Say what came of each statement."""
    with _refusals(), unit_of_work():
        found = import_statement(file.read_bytes(), name=file.name, by=BY)
        for one in found:
            news = f"{one.fresh} of {one.entries} entries are new" if one.new else "known already, nothing changed"
            extra = f", {one.pending} only announced" if one.pending else ""
            click.echo(f"{one.account}  {one.identity}  {news}{extra}, closing balance {one.closing}")
            if one.gap:
                click.echo("  The statement before it has not been imported.")


@click.command("unknown-transfers", help="Lines of statements that nobody knows, with what they might be for.")
@with_appcontext
@mode_option
def unknown_transfers(mode: str) -> None:
    """List them."""
    with unit_of_work():
        lines = list_unknown(mode)
        for line in lines:
            sign = "" if line.sign > 0 else "-"
            click.echo(f"{line.public_id}  {line.booked_on}  {sign}{line.amount}  {line.name}  {line.reference or line.text}")
            click.echo(f"  {WORDS.get(line.why, line.why)}")
            for one in suggest(line):
                click.echo(
                    f"  {one.payment.public_id} of {one.vendor.public_id} ({one.vendor.name}), {one.payment.amount}: {', '.join(one.reasons)}"
                )
    click.echo(f"{len(lines)} lines wait.")


@click.command("assign-transfer", help="This unknown money is for that payment.")
@with_appcontext
@click.argument("line")
@click.argument("vendor")
@click.argument("payment")
@mode_option
@why_option
def assign_transfer(line: str, vendor: str, payment: str, mode: str, why: str) -> None:
    """Book it so."""
    with _refusals(), unit_of_work():
        owner = find_vendors({vendor}).get(vendor)
        if owner is None:
            raise click.ClickException("There is no such vendor.")
        found = get_payment(owner, mode, payment)
        done = decide_line(get_line(mode, line), Wish("assigned", why, payment=found.public_id), by=BY)
    click.echo("Booked." if done else WAITS)


@click.command("debt-repaid", help="This unknown money is from that seller, who pays back what they owe.")
@with_appcontext
@click.argument("line")
@click.argument("vendor")
@mode_option
@why_option
def debt_repaid(line: str, vendor: str, mode: str, why: str) -> None:
    """Book it so, and say what it became."""
    with _refusals(), unit_of_work():
        unknown = get_line(mode, line)
        done = decide_line(unknown, Wish("repaid", why, seller=vendor), by=BY)
        if not done:
            click.echo(WAITS)
            return
        made = get_repayment(get_vendor_everywhere(vendor), mode, unknown.public_id)
        click.echo(f"Owed: {made.owed}. Had been written off: {made.recovered}. To the seller's balance: {made.available}.")


@click.command("return-transfer", help="Send this unknown money back.")
@with_appcontext
@click.argument("line")
@click.option("--iban", default="", help="When the bank did not say where it came from.")
@mode_option
@why_option
def return_transfer(line: str, iban: str, mode: str, why: str) -> None:
    """Write the order."""
    with _refusals(), unit_of_work():
        unknown = get_line(mode, line)
        done = decide_line(unknown, Wish("returned", why, iban=iban), by=BY)
        click.echo(f"{unknown.amount} to {unknown.name}, {check_iban(iban or unknown.counter_account)}" if done else WAITS)


@click.command("bank-charge", help="This unexplained debit is the bank's own charge.")
@with_appcontext
@click.argument("line")
@mode_option
@why_option
def bank_charge(line: str, mode: str, why: str) -> None:
    """Book it so."""
    with _refusals(), unit_of_work():
        done = decide_line(get_line(mode, line), Wish("charge", why), by=BY)
    click.echo("Booked." if done else WAITS)


@click.command(
    "bank-orders",
    help="Transfers that wait to be made at the bank. --sent ORDER says that one was made there, --refused ORDER that the bank does not make it.",
)
@with_appcontext
@mode_option
@click.option("--sent", default="")
@click.option("--refused", default="")
@click.option("--why", default="refused by the bank", show_default=True, help="With --refused: what the bank says. The seller reads it.")
def bank_orders(mode: str, sent: str, refused: str, why: str) -> None:
    """List them, with everything that has to be typed at the bank."""
    with _refusals(), unit_of_work():
        if sent or refused:
            order = get_order(mode, sent or refused)
            if order is None:
                raise click.ClickException("There is no such order.")
            record_made_by_hand(order) if sent else refuse_order(order, by=BY, reason=why)
        waiting = list_waiting_orders(mode, without=kept_back())
        for order in waiting:
            click.echo(f"{order.public_id}  {order.amount}  to {order.to_name}, {order.to_account} {order.to_bic}")
            click.echo(f"  from {order.account}, end-to-end reference {order.end_to_end}, text: {order.text}")
    click.echo(f"{len(waiting)} orders wait.")


class _refusals:
    """A refusal is a sentence for the operator, not a traceback."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, problem: BaseException | None, _trace: object) -> None:
        if isinstance(problem, Refusal):
            raise click.ClickException(problem.message) from problem
