"""What a mail server does with what comes to the return address: it hands the message to a command. An alias in Postfix:

returned: "|/srv/portal/run flask mail-returned"
"""

from __future__ import annotations

import sys

import click
from flask import Flask
from flask.cli import with_appcontext

from core.kernel.db import DATABASE_AWAY, unit_of_work
from core.notifications.come_back import hear_report
from core.notifications.report import LARGEST

TRY_AGAIN_LATER = 75  # EX_TEMPFAIL of sysexits.h: the mail server keeps the message and comes back


def install(app: Flask) -> None:
    """Hang the command on the application."""
    app.cli.add_command(mail_returned)


@click.command(
    "mail-returned", help="Read a message from standard input that came to the return address: a letter came back, or a complaint."
)
@with_appcontext
@click.option("--recipient", envvar="ORIGINAL_RECIPIENT", default="", help="The address it came to; Postfix says it in the environment.")
def mail_returned(recipient: str) -> None:
    """Whatever it is, it is done with: only while the database is away the mail server is asked to come again."""
    raw = sys.stdin.buffer.read(LARGEST)
    while sys.stdin.buffer.read(65536):  # whoever writes to us is let to the end
        pass
    try:
        with unit_of_work():
            outcome = hear_report(raw, recipient=recipient)
    except DATABASE_AWAY:
        raise SystemExit(TRY_AGAIN_LATER) from None
    click.echo(outcome)
