"""How figures and moments are written for one reader: in the reader's own manner, with the zone said out loud."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from zoneinfo import ZoneInfo

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, get_timezone_name

from core.kernel.currency import exponent
from core.kernel.money import Money

HOUSE_LOCALE = "en_GB"


@dataclass(frozen=True)
class Reader:
    """The person an e-mail or a paper is for. An unknown locale or zone falls back to the house's, never to an error."""

    locale: str = "en"
    zone: str = "UTC"

    @cached_property
    def _locale(self) -> Locale:
        name = self.locale.replace("-", "_")
        try:
            return Locale.parse(HOUSE_LOCALE if name == "en" else name)
        except (UnknownLocaleError, ValueError):
            return Locale.parse(HOUSE_LOCALE)

    @cached_property
    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.zone)
        except (OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError in name only
            return ZoneInfo("UTC")
        except KeyError:
            return ZoneInfo("UTC")

    def money(self, value: Money) -> str:
        """£1,234.50, with exactly the decimals ISO gives the currency (a locale's custom may hide some)."""
        digits = exponent(value.currency)
        pattern = copy.copy(self._locale.currency_formats["standard"])
        pattern.frac_prec = (digits, digits)
        amount = Decimal(value.minor).scaleb(-digits)
        return pattern.apply(amount, self._locale, currency=value.currency, currency_digits=False).replace("-", "−")

    def when(self, value: datetime) -> str:
        """21 November 2026 at 14:03 GMT."""
        return f"{format_datetime(value, 'd MMMM y, HH:mm', tzinfo=self._zone, locale=self._locale)} {self.zone_name(value)}"

    def day(self, value: datetime) -> str:
        """21 November 2026."""
        return format_date(value.astimezone(self._zone).date(), "d MMMM y", locale=self._locale)

    def zone_name(self, value: datetime) -> str:
        """GMT, BST, GMT+5:30: short, and right for that day of the year."""
        return get_timezone_name(value.astimezone(self._zone), width="short", locale=self._locale)
