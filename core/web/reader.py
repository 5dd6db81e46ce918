"""How figures and moments are written for one reader: in the reader's own manner, with the zone said out loud."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_timezone_gmt, get_timezone_name
from babel.numbers import get_currency_symbol

from core.kernel.currency import exponent
from core.kernel.money import Money
from core.kernel.percent import percent_text
from core.methods.names import kind_name

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
        except (OSError, ValueError, KeyError):  # three ways of not being a zone: unreadable, ill-formed, unknown
            return ZoneInfo("UTC")

    def money(self, value: Money) -> str:
        """£1,234.50, with exactly the decimals ISO gives the currency (a locale's custom may hide some)."""
        return _money(value.minor, value.currency, self._locale)

    def when(self, value: datetime) -> str:
        """21 November 2026, 14:03 GMT; for an American November 21, 2026, 2:03 PM EST."""
        time = format_time(value, "short", tzinfo=self._zone, locale=self._locale)
        return f"{self.day(value)}, {time} {self.zone_name(value)}"

    def day(self, value: date) -> str:
        """21 November 2026; of an instant, the day it is where the reader lives."""
        at_home = value.astimezone(self._zone).date() if isinstance(value, datetime) else value
        return format_date(at_home, "long", locale=self._locale)

    def zone_name(self, value: datetime) -> str:
        """GMT, MESZ, GMT+05:30: short, and right for that day of the year."""
        local = value.astimezone(self._zone)
        name = get_timezone_name(local, width="short", locale=self._locale)
        return name if name[:1].isalpha() else get_timezone_gmt(local, width="long", locale=self._locale)


def percent_words(points: int) -> str:
    """17.5% from 1750 basis points."""
    return f"{percent_text(points)}%"


@lru_cache(4096)
def _money(minor: int, currency: str, locale: Locale) -> str:
    """A page writes the same sum several times, and the next page of the same payment again."""
    digits = exponent(currency)
    pattern = copy.copy(locale.currency_formats["standard"])
    pattern.frac_prec = (digits, digits)
    amount = Decimal(minor).scaleb(-digits)
    written = pattern.apply(amount, locale, currency=currency, currency_digits=False).replace("-", "−")
    before, symbol, figure = written.partition(get_currency_symbol(currency, locale=locale))
    gap = "\N{NO-BREAK SPACE}" if symbol[-1:].isalpha() and figure[:1].isdigit() else ""  # CHF 12.50, where the locale forgets it
    return f"{before}{symbol}{gap}{figure}"


CARD_BRANDS = {
    "amex": "American Express", "cartes_bancaires": "Cartes Bancaires", "diners": "Diners Club", "discover": "Discover",
    "eftpos_au": "Eftpos", "jcb": "JCB", "mastercard": "Mastercard", "unionpay": "UnionPay", "visa": "Visa",
}  # fmt: skip


FUNDING = {"credit": "credit", "debit": "debit", "prepaid": "prepaid"}
UNNAMED = {"bank_redirect": "Bank payment", "bank_transfer": "Bank transfer", "qr": "Banking app", "wallet": "Card or wallet"}


def card_words(payment: object) -> str:
    """How it was paid: Visa debit ending in 4242; Apple Pay (Visa ending in 4242); iDEAL; plainly Card, when the processor has not said."""
    method, kind = getattr(payment, "method", None), getattr(payment, "method_kind", None)
    if getattr(payment, "provider", None) == "bank":
        return UNNAMED["bank_transfer"]
    if method in ("bank_redirect", "bank_transfer", "qr") or (method is None and kind not in (None, "card")):
        return kind_name(kind) if kind and method != "bank_transfer" else UNNAMED.get(method or "", "Bank payment")
    card = _card(payment)
    if method == "wallet":
        return UNNAMED["wallet"] if kind is None else f"{kind_name(kind)} ({card})" if card != "Card" else kind_name(kind)
    return card


def _card(payment: object) -> str:
    brand, last4 = getattr(payment, "card_brand", None), getattr(payment, "card_last4", None)
    name, funding = CARD_BRANDS.get(brand or "", "Card"), FUNDING.get(getattr(payment, "card_funding", None) or "")
    if funding:
        name = f"{name} {funding}" if name != "Card" else f"{funding.capitalize()} card"
    return f"{name} ending in {last4}" if last4 else name
