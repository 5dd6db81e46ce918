"""What an operator types before a key of the private file is taken out: which rows still follow from it, and those that can are moved."""

from __future__ import annotations

import click
from flask import Flask
from sqlalchemy import text

from core.hooks.headers import HeadersLost, list_under_former_keys, seal_anew
from core.kernel.db import db, unit_of_work
from core.kernel.keyed import key_ids

# A secret follows from its key and cannot be moved (docs/decisions/0024-a-codes-secret-is-kept-nowhere.md); what is encrypted can.
_NAMED = text("""
  SELECT key_id, 'apps that show codes' AS what, count(*) AS rows FROM second_factors WHERE confirmed_at IS NOT NULL GROUP BY key_id
  UNION ALL SELECT key_id, 'secrets of webhooks', count(*) FROM hook_secrets WHERE ends_at IS NULL OR ends_at > now() GROUP BY key_id
  UNION ALL SELECT headers_key, 'headers of webhooks', count(*) FROM hook_endpoints WHERE headers_sealed IS NOT NULL GROUP BY headers_key
""")


def install(app: Flask) -> None:
    """Hang the command on the application."""
    app.cli.command("keys", help="Which keys of secrets.json (factor_keys) rows still follow from. --seal-anew encrypts anew what can be.")(
        keys
    )


@click.option("--seal-anew", is_flag=True, help="Encrypt the headers of webhooks under the newest key first.")
def keys(*, seal_anew: bool) -> None:
    """One line for each key and what follows from it. A key without a line may be taken out; ended half-way, begin again."""
    if seal_anew:
        _seal_all()
    with unit_of_work():
        found = sorted((str(row.key_id), str(row.what), int(row.rows)) for row in db.session.execute(_NAMED))
    known = key_ids()
    for key_id in [*known, *sorted({one[0] for one in found} - set(known))]:
        uses = ", ".join(f"{rows} {what}" for kid, what, rows in found if kid == key_id)
        click.echo(f"{key_id}{' (newest)' if key_id == known[0] else '' if key_id in known else ' (NOT IN THE FILE)'}: {uses or '0 rows'}")
    click.echo("Recovery codes name no key: those that were made before the newest key end with the key they were made under.")


def _seal_all() -> None:
    """Each in a unit of its own: killed in between, what is done is done."""
    with unit_of_work():
        before = list_under_former_keys()
    done = 0
    for one in before:
        try:
            with unit_of_work():
                done += seal_anew(*one)
        except HeadersLost:
            click.echo(f"The headers of one endpoint of the vendor {one[0]} cannot be read and stay as they are.")
    click.echo(f"Encrypted anew: {done} of {len(before)}")
