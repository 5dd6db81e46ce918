"""A simulated world in a process and on a database of its own, so that nothing of another test's is in it."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from typing import Any

import psycopg
from redis import Redis

from ops.for_tests import TEMPLATE, Services, in_memory
from ops.postgres import OWNER
from ops.valkey import DATABASES
from tests.flows.stack import OURS, ROOT

SECONDS_A_STEP = 15  # at most, on a busy machine
LAST = DATABASES - 1  # of Valkey: the tests’ workers take theirs from below, and their worlds from above


def run_alone(
    services: Services,
    seed: int,
    steps: int,
    *,
    mutant: str = "",
    prints: bool = False,
    storm_only: bool = False,
) -> dict[str, Any]:
    """What that seed's world came to."""
    name = f"portal_simulated_{seed}_{secrets.token_hex(4)}"
    admin = services.database_url("postgres", OWNER).replace("+psycopg", "")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'create database "{name}" template "{TEMPLATE}" owner {OWNER}')
    redis_url = services.redis_url(LAST - int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")))
    with Redis.from_url(redis_url) as valkey:
        valkey.flushdb()  # what another world has counted is none of this one's
    clean = {key: value for key, value in os.environ.items() if key not in OURS and not key.startswith(("SANDBOX_", "STRIPE_", "BANK_"))}
    clean |= {
        "PORTAL_VAR": str(services.folder), "DATABASE_URL": services.database_url(name), "MIGRATION_DATABASE_URL": services.database_url(name, OWNER),
        "REDIS_URL": redis_url, "PYTHONHASHSEED": "0", "PORTAL_SIM_MUTANT": mutant, "PORTAL_SIM_PRINTS": "1" if prints else "",
        "PORT": "0", "PORTAL_SIM_STORM_ONLY": "1" if storm_only else "", "PORTAL_SIM_FOLDER": str(in_memory(services.folder)),
    }  # fmt: skip
    in_memory(services.folder).mkdir(mode=0o700, exist_ok=True)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tests.simulation.run", str(seed), str(steps)], cwd=ROOT, env=clean, capture_output=True, text=True,
            timeout=steps * SECONDS_A_STEP,
        )  # fmt: skip
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'drop database if exists "{name}" with (force)')
    line = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""
    if not line.startswith('{"seed"'):
        raise AssertionError(f"seed {seed} did not come to its end:\n{done.stderr[-4000:]}")
    told: dict[str, Any] = json.loads(line)
    return told


def words(told: dict[str, Any]) -> str:
    """What to read of a world that is not in order, and how to see it again."""
    again = f"PORTAL_SIM_SEED={told['seed']} PORTAL_SIM_STEPS={told['steps']} ./run test tests/simulation -k weather"
    return "\n".join(
        [
            f"{len(told['breaks'])} things are not in order; again by: {again}",
            *told["breaks"][:25],
            "--- the last of it",
            *told["trace"][-12:],
        ]
    )
