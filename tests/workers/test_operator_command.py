"""`./run flask ...`: an operator's command finds the settings of the portal that runs in the folder, and says when none does; alone it lists them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops.command import ROOT, settings_of
from ops.folder import MARK
from ops.say import Stopped

KNOWN = {"DATABASE_URL": "postgresql://there", "REDIS_URL": "redis://there", "PUBLIC_URL": "https://pay.example"}


def bare(folder: Path) -> dict[str, str]:
    """What a process of the portal in that folder has at least."""
    return {"PATH": os.environ["PATH"], MARK: str(folder)}


def test_without_a_portal_in_the_folder_it_says_so_and_how_to_go_on(tmp_path: Path) -> None:
    env = os.environ | {"PORTAL_VAR": str(tmp_path)}
    told = subprocess.run([sys.executable, "-m", "ops.command", "audit"], cwd=ROOT, env=env, capture_output=True, text=True)
    assert told.returncode == 1 and f"No portal runs in {tmp_path}" in told.stderr and "flask --app wsgi" in told.stderr


def test_without_words_it_lists_the_commands(tmp_path: Path) -> None:
    web = subprocess.Popen(["sleep", "60"], env=bare(tmp_path) | KNOWN)
    try:
        env = {name: value for name, value in os.environ.items() if name not in KNOWN} | {"PORTAL_VAR": str(tmp_path)}
        told = subprocess.run([sys.executable, "-m", "ops.command"], cwd=ROOT, env=env, capture_output=True, text=True)
    finally:
        web.kill()
        web.wait()
    assert told.returncode == 0, told.stderr
    assert "Commands:" in told.stdout and "Missing command" not in told.stderr


def test_it_takes_the_settings_of_the_portal_and_not_the_owners_password_or_the_mark(tmp_path: Path) -> None:
    sandbox = subprocess.Popen(["sleep", "60"], env=bare(tmp_path) | {"PUBLIC_URL": "https://pay.example"})
    try:
        with pytest.raises(Stopped):
            settings_of(tmp_path)
        web = subprocess.Popen(["sleep", "60"], env=bare(tmp_path) | KNOWN | {"MIGRATION_DATABASE_URL": "postgresql://owner"})
        try:
            found = settings_of(tmp_path)
        finally:
            web.kill()
            web.wait()
    finally:
        sandbox.kill()
        sandbox.wait()
    assert KNOWN.items() <= found.items() and not {MARK, "MIGRATION_DATABASE_URL"} & found.keys()
