"""The pretend central bank: a feed of reference rates in the European Central Bank's format, up to the last working day.

The figures begin with those the bank really published for 30 October 2026 and wander a little from day to day, the same way each time
a day is asked for. They are for trying things out, and good for nothing else.
"""

import datetime
import hashlib
from decimal import Decimal

from flask import Blueprint, Response

BEGIN = (
    "AUD 1.5904 BRL 6.0692 CAD 1.5606 CHF 0.9194 CNY 7.4326 CZK 24.353 DKK 7.4735 GBP 0.8338 HKD 8.7652 HUF 366.33 IDR 20275.2 ILS 3.495 "
    "INR 106.084 ISK 136 JPY 175.68 KRW 1491.76 MXN 21.1237 MYR 4.5325 NOK 10.312 NZD 1.9823 PHP 71.143 PLN 4.4038 RON 5.3447 SEK 10.978 "
    "SGD 1.4282 THB 37.683 TRY 55.8015 USD 1.1172 ZAR 18.6455"
)
DAYS = 90
WIDEST = 40  # ten-thousandths that a day's figure may lie beside the one it began with
ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">\n'
    "<gesmes:subject>Reference rates</gesmes:subject><gesmes:Sender><gesmes:name>Sandbox</gesmes:name></gesmes:Sender>\n<Cube>\n"
)


def make_rates(today=lambda: datetime.datetime.now(datetime.UTC).date()):
    """The blueprint."""
    blueprint = Blueprint("rates", __name__, url_prefix="/_sandbox/rates")

    @blueprint.get("/eurofxref-hist-90d.xml")
    def history():
        days = (today() - datetime.timedelta(days=n) for n in range(DAYS))
        return Response(feed([day for day in days if day.weekday() < 5]), mimetype="text/xml")

    return blueprint


def feed(days):
    """The feed of these days, the newest first."""
    cubes = "".join(f'<Cube time="{day}">\n{"".join(_rates(day))}</Cube>\n' for day in days)
    return f"{ENVELOPE}{cubes}</Cube>\n</gesmes:Envelope>\n"


def _rates(day):
    parts = BEGIN.split()
    for currency, rate in zip(parts[::2], parts[1::2], strict=True):
        step = int.from_bytes(hashlib.sha256(f"{day}{currency}".encode()).digest()[:4], "big") % (2 * WIDEST + 1) - WIDEST
        figure = (Decimal(rate) * (10_000 + step) / 10_000).quantize(Decimal("0.0001"))
        yield f'<Cube currency="{currency}" rate="{figure.normalize():f}"/>\n'
