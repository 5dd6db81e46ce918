"""F8: receipts printed by our press against bare WeasyPrint on the same HTML, both warm."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from typing import Any

from flask import Flask

from bench.figures import Figure, alone, compared, say
from bench.processes import cpu_seconds, memory_mb
from bench.stack import Services
from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.ids import public_id, spoken_reference
from core.payments.models import Payment
from core.web import pdf
from core.web.receipt import receipt_html
from ops.parts import ROOT


def receipt() -> str:
    """The HTML of an ordinary receipt."""
    vendor = Vendor(name="Benchmark Bakery", country="GB", currency="GBP", time_zone="Europe/London", support_email="help@bakery.example")
    payment = Payment(
        mode="live", reference=spoken_reference(), description="Sourdough class, Saturday", payer_name="Ada Payer", email="ada@example.com",
        card_brand="visa", card_last4="4242", captured_at=now(), captured_minor=6500, currency="GBP", public_id=public_id("pay"),
    )  # fmt: skip
    return receipt_html(vendor, payment, [], address="https://pay.example/receipt/abcdefghijklmnopqrstuvwxyz0123456789")


class Bare:
    """A process with nothing but WeasyPrint, which prints one page so many times when told and says the processor time they took."""

    def __init__(self, html: str) -> None:
        context = multiprocessing.get_context("fork")
        self.line, there = context.Pipe()
        self.process = context.Process(target=_bare, args=(html.replace("/static/", f"file://{ROOT}/static/"), there))
        self.process.start()

    def print(self, times: int) -> float:
        """Seconds of processor time."""
        self.line.send(times)
        return float(self.line.recv())

    def close(self) -> None:
        self.line.send(0)
        self.process.join(10)


def _bare(html: str, line: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    import logging

    from weasyprint import HTML
    from weasyprint.text.fonts import FontConfiguration

    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)
    fonts = FontConfiguration()
    while times := line.recv():
        cpu = time.process_time()
        for _ in range(times):
            HTML(string=html).write_pdf(font_config=fonts, pdf_tags=True)
        line.send(time.process_time() - cpu)
    os._exit(0)


def f8(services: Services, app: Flask, full: bool) -> list[Figure]:
    """Papers for each second of processor time; ours counts both the asking process and the press."""
    rounds, each = (9, 20) if full else (5, 8)
    with app.app_context():
        html = receipt()
    bare = Bare(html)
    seen = []
    try:
        bare.print(4)
        for _ in range(4):
            pdf.render_pdf(html)
        press = pdf._warm_press().process.pid
        for number in range(rounds):
            say(f"F8 round {number + 1} of {rounds}")
            limit = bare.print(each)
            before, mine = cpu_seconds(press), time.process_time()
            for _ in range(each):
                pdf.render_pdf(html)
            seen.append((each / (cpu_seconds(press) - before + time.process_time() - mine), each / limit))
        size = memory_mb(press)
    finally:
        bare.close()
        pdf._retire()
    return [
        compared("F8", "receipts printed per core", "/s", seen, goal=0.85, note="limit: bare WeasyPrint, same HTML, same fonts, warm"),
        alone("F8", "memory of the press", "MB", size),
    ]


BENCHES: dict[str, Callable[[Services, Flask, bool], list[Figure]]] = {"F8": f8}
