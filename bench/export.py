"""F6: the CSV of all payments as a vendor gets it, against the same columns of the same tables
streamed bare by PostgreSQL's COPY; and its memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

from flask import Flask

from bench.figures import Figure, alone, compared, say
from bench.payment import filled
from bench.processes import cpu_seconds
from bench.stack import Services

# The same columns of the same tables as they stand there: no sums worked out, no cell made safe, no instant or amount spelled for people.
BARE = """COPY (SELECT p.reference, p.public_id, p.state, p.created_at, p.captured_at, p.currency, p.amount_minor, p.captured_minor, p.refunded_minor,
    p.fee_minor, p.disputed_minor, p.description, p.email, p.payer_name, p.card_brand, p.card_last4, p.available_at, p.charge, p.marked, l.public_id,
    b.name, p.payer_reference, p.attribution ->> 'ref', p.attribution ->> 'utm_source', p.attribution ->> 'utm_campaign', NULL, NULL, p.key_values,
    p.method_kind, p.tip_minor, NULL, c.code, d.company, d.tax_id, d.answers
  FROM payments p
  LEFT JOIN payment_links l ON l.vendor_id = p.vendor_id AND l.mode = p.mode AND l.id = p.link_id
  LEFT JOIN branches b ON b.vendor_id = p.vendor_id AND b.mode = p.mode AND b.id = p.branch_id
  LEFT JOIN payment_details d ON d.vendor_id = p.vendor_id AND d.mode = p.mode AND d.payment_id = p.id
  LEFT JOIN discount_uses u ON u.vendor_id = p.vendor_id AND u.mode = p.mode AND u.payment_id = p.id
  LEFT JOIN discount_codes c ON c.vendor_id = u.vendor_id AND c.mode = u.mode AND c.id = u.discount_id
  WHERE p.vendor_id = '{vendor}' AND p.mode = 'test' ORDER BY p.id DESC) TO STDOUT (FORMAT csv, HEADER)"""


def answer() -> None:
    """The other end: a process of the portal that writes one sheet or the other when told to, and says how long it took."""
    import time
    from pathlib import Path

    from sqlalchemy import select

    from core.accounts.models import Vendor
    from core.kernel.db import db, open_reader, unit_of_work
    from core.payments.export import payments_sheet
    from core.payments.lists import EVERYTHING
    from wsgi import create_app

    def peak_kb() -> int:
        return int(next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")).split()[1])

    with create_app().app_context():
        with unit_of_work():
            stall = db.session.scalars(select(Vendor).where(Vendor.name == "Market stall 0").order_by(Vendor.created_at)).first()
            assert stall
        for line in sys.stdin:
            began, rows = time.perf_counter(), -1
            if line.strip() == "ours":
                for piece in payments_sheet(stall, "test", EVERYTHING):
                    rows += piece.count(b"\n")
            else:
                with open_reader(db.engine) as connection, connection.cursor() as cursor, cursor.copy(BARE.format(vendor=stall.id)) as copy:
                    for piece in copy:
                        rows += bytes(piece).count(b"\n")
            took = time.perf_counter() - began
            print(json.dumps({"rows": rows, "rate": rows / took, "peak_kb": peak_kb()}), flush=True)


def f6(services: Services, app: Flask, full: bool) -> list[Figure]:
    """Two ways to write the same rows, in turns, in one process."""
    rounds, size = (7, 1_000_000) if full else (5, 100_000)
    filled(services, size)
    process = subprocess.Popen(
        [sys.executable, "-c", "from bench.export import answer; answer()"],
        env=services.environment("portal_large"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin and process.stdout

    def ask(what: str) -> dict[str, float]:
        assert process.stdin and process.stdout
        before = cpu_seconds(process.pid, services.postgres_pid)
        process.stdin.write(f"{what}\n")
        process.stdin.flush()
        answer: dict[str, float] = json.loads(process.stdout.readline())
        spent = cpu_seconds(process.pid, services.postgres_pid) - before
        return answer | {"by_cpu": answer["rows"] / spent}

    try:
        ask("bare")
        first = ask("ours")
        seen, by_cpu = [], []
        for number in range(rounds):
            say(f"F6 round {number + 1} of {rounds}")
            limit, ours = ask("bare"), ask("ours")
            if ours["rows"] != limit["rows"]:
                raise RuntimeError(f"{ours['rows']} rows were exported, {limit['rows']} are there")
            seen.append((ours["rate"], limit["rate"]))
            by_cpu.append((ours["by_cpu"], limit["by_cpu"]))
        last = ask("ours")
    finally:
        process.stdin.close()
        process.wait(30)
    grown = (last["peak_kb"] - first["peak_kb"]) / 1024
    return [
        compared(
            "F6", f"CSV of {size:,} payments", "rows/s", seen, goal=0.5, note="limit: COPY of the same columns as they stand, streamed"
        ),
        compared("F6", "… for each second of processor time, the portal's and PostgreSQL's", "rows/s", by_cpu),
        alone("F6", "… growth of the peak memory over all rounds", "MB", grown, goal=16),
    ]


BENCHES: dict[str, Callable[[Services, Flask, bool], list[Figure]]] = {"F6": f6}
