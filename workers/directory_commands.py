"""What an operator types about the directory: `flask change-schema crafts crafts.json` gives a category other attributes, as a new version."""

from __future__ import annotations

import json
from pathlib import Path

import click
from flask import Flask

from core.directory.schemas import change_schema
from core.kernel.db import unit_of_work
from core.kernel.errors import Refusal


def install(app: Flask) -> None:
    """Hang the commands on the application."""
    app.cli.command("change-schema", help="Give a category of the directory other attributes, as a new version.")(change_schema_of)


@click.argument("category")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def change_schema_of(category: str, file: Path) -> None:
    """The file holds the whole list of attributes, as it stands in `directory_categories`."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        raise click.ClickException("This is no JSON.") from None
    try:
        with unit_of_work():
            version = change_schema(category, document, by="operator").schema_version
    except Refusal as refusal:
        where = f"{refusal.field}: " if refusal.field else ""
        raise click.ClickException(f"{where}{refusal.message}") from None
    click.echo(f"{category} has version {version} of its attributes.")
