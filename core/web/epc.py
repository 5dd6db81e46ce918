"""The code that banking apps scan to fill in a SEPA transfer (EPC069-12), drawn into the page itself."""

from __future__ import annotations

from markupsafe import Markup
from segno.helpers import make_epc_qr

from core.kernel.money import Money

LARGEST_MINOR = 99_999_999_999  # what the standard can say


def epc_svg(*, holder: str, iban: str, bic: str, amount: Money, reference: str, title: str) -> Markup | None:
    """The code as SVG; None when the standard has none for this: it knows euros only."""
    if amount.currency != "EUR" or not 0 < amount.minor <= LARGEST_MINOR:
        return None
    code = make_epc_qr(name=holder, iban=iban, amount=amount.decimal_text, reference=reference, bic=bic or None, encoding="utf-8")
    # Scanners need dark on light and four modules of quiet, whatever the reader's colours are.
    drawn = code.svg_inline(border=4, omitsize=True, svgclass="qr", lineclass=None, dark="#000", light="#fff", title=title)
    return Markup(drawn)
