"""How figures, moments and texts are written for one reader: in the reader's own manner, with the zone said out loud."""

from __future__ import annotations

import copy
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.core import Locale, UnknownLocaleError, get_global
from babel.dates import format_date, format_skeleton, format_time, get_timezone_gmt, get_timezone_name
from babel.numbers import format_decimal, get_currency_symbol, get_decimal_symbol
from markupsafe import Markup

from core.accounts.places import countries
from core.kernel.currency import exponent
from core.kernel.money import Money
from core.kernel.percent import WHOLE
from core.kernel.sentence import Sentence, said
from core.methods.names import kind_name
from core.web.words import direction_of, filled, known_language, texts

HOUSE_LOCALE = "en_GB"
UNREAD: tuple[Any, ...] = ("likely_subtags", "territory_languages", "territory_aliases")  # of Babel's tables


@dataclass(frozen=True)
class Reader:
    """The person an e-mail or a paper is for. An unknown locale or zone falls back to the house's, never to an error; and so does one of a language
    that we do not write: dates and sums are not in another language than the words around them."""

    locale: str = "en"
    zone: str = "UTC"

    @cached_property
    def babel(self) -> Locale:
        name = self.locale.replace("-", "_") if known_language(self.locale) else "en"
        try:
            return Locale.parse(HOUSE_LOCALE if name == "en" else name)
        except (UnknownLocaleError, ValueError):
            return Locale.parse(HOUSE_LOCALE)

    @cached_property
    def language(self) -> str:
        """The language this reader is written to: theirs if we speak it, else English."""
        return known_language(self.locale) or "en"

    @property
    def direction(self) -> str:
        return direction_of(self.language)

    @property
    def british(self) -> bool:
        """The house's own manner, whose patterns stand in the sources."""
        return self.babel == _HOUSE

    @cached_property
    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.zone)
        except (OSError, ValueError, KeyError):  # three ways of not being a zone: unreadable, ill-formed, unknown
            return ZoneInfo("UTC")

    def money(self, value: Money) -> str:
        """£1,234.50, or USD 1,234.50 where the sign is other countries' too; with exactly the decimals ISO gives the currency (a locale's custom may hide some)."""
        return _money(value.minor, value.currency, self.babel)

    def when(self, value: datetime) -> str:
        """21 November 2026, 14:03 GMT; for an American November 21, 2026, 2:03 PM EST."""
        time = format_time(value, "short", tzinfo=self._zone, locale=self.babel)
        both = str(self.babel.datetime_formats["medium"]).replace("'", "")
        return both.replace("{0}", f"{time} {self.zone_name(value)}").replace("{1}", self.day(value))

    def day(self, value: date) -> str:
        """21 November 2026; of an instant, the day it is where the reader lives."""
        at_home = value.astimezone(self._zone).date() if isinstance(value, datetime) else value
        return format_date(at_home, "long", locale=self.babel)

    def time(self, value: datetime, *, zone: bool = False) -> str:
        """14:03, or 14:03 GMT."""
        clock = format_time(value, "short", tzinfo=self._zone, locale=self.babel)
        return f"{clock} {self.zone_name(value)}" if zone else clock

    def stamp(self, value: datetime, *, zone: bool = False) -> str:
        """21 Nov 2026, 14:03: the short form of the moment."""
        day = format_skeleton("yMMMd", value, tzinfo=self._zone, locale=self.babel)
        both = str(self.babel.datetime_formats["medium"]).replace("'", "")
        return both.replace("{0}", self.time(value, zone=zone)).replace("{1}", day)

    def part_of_date(self, value: date, skeleton: str) -> str:
        """`MMMd` is 21 Nov, `yMMMM` November 2026, each in the order of the reader's country."""
        return format_skeleton(skeleton, value, locale=self.babel)

    @property
    def decimal_comma(self) -> bool:
        """Whether 12.50 is written 12,50 in this language."""
        return get_decimal_symbol(self.babel) == ","

    def number(self, value: int) -> str:
        return format_decimal(value, locale=self.babel)

    def percent(self, points: int) -> str:
        """17.5% from 1750 basis points."""
        pattern = copy.copy(self.babel.percent_formats[None])
        pattern.frac_prec = (0, 2)
        return pattern.apply(Decimal(points) / WHOLE, self.babel)

    def country(self, code: str) -> str:
        """The name of a country in the reader's language."""
        return str(self.babel.territories.get(code, code))

    @cached_property
    def countries(self) -> tuple[tuple[str, str], ...]:
        """(ISO code, name in the reader's language), in the order of the reader's alphabet as far as a computer without one knows it."""
        return tuple(sorted(((code, self.country(code)) for code, _ in countries()), key=lambda place: _order(place[1])))

    def text(self, text: str, /, **values: Any) -> Markup:
        """A text of ours, its values escaped, as `_` gives it in a template."""
        return filled(texts(self.language).ugettext(text), values, self.language)

    def plain(self, text: str, /, **values: Any) -> str:
        """The same where nothing is escaped: what is handed on to a template or a drawing as a value."""
        return written_for(self, Sentence(text, values))

    def counted(self, one: str, more: str, num: int, /, **values: Any) -> Markup:
        return filled(texts(self.language).ungettext(one, more, num), {"num": num, **values}, self.language)

    def card(self, payment: object) -> str:
        """How it was paid, as `card_words` says it."""
        words = card_words(payment, self)
        return f"\N{RIGHT-TO-LEFT MARK}{words}" if self.direction == "rtl" else words  # it may begin with Visa

    def card_ending(self, brand: str, last4: str) -> str:
        """A card that is saved somewhere: Visa ending in 4242."""
        words = written_for(self, said("%(card)s ending in %(digits)s", card=CARD_BRANDS.get(brand) or said("Card"), digits=last4))
        return f"\N{RIGHT-TO-LEFT MARK}{words}" if self.direction == "rtl" else words

    def zone_name(self, value: datetime) -> str:
        """GMT, MESZ, GMT+05:30: short, and right for that day of the year."""
        local = value.astimezone(self._zone)
        name = get_timezone_name(local, width="short", locale=self.babel)
        named = name if name[:1].isalpha() else get_timezone_gmt(local, width="long", locale=self.babel)
        return named.removesuffix("+00:00")


@lru_cache(4096)
def _money(minor: int, currency: str, locale: Locale) -> str:
    """A page writes the same sum several times, and the next page of the same payment again."""
    digits = exponent(currency)
    pattern = copy.copy(locale.currency_formats["standard"])
    pattern.frac_prec = (digits, digits)
    amount = Decimal(minor).scaleb(-digits)
    written = pattern.apply(amount, locale, currency=currency, currency_digits=False).replace("-", "−")
    before, symbol, figure = written.partition(get_currency_symbol(currency, locale=locale))
    symbol = currency if _shared_sign(symbol) else symbol
    if locale.text_direction == "rtl" and any(letter.isascii() and letter.isalpha() for letter in symbol):
        return f"{before}{symbol}\N{LEFT-TO-RIGHT MARK}{figure}"  # USD stays before its mark, whichever way the line runs
    gap = "\N{NO-BREAK SPACE}" if symbol[-1:].isalpha() and figure[:1].isdigit() else ""  # CHF 12.50, where the locale forgets it
    return f"{before}{symbol}{gap}{figure}"


def _shared_sign(sign: str) -> bool:
    """Whether readers elsewhere take this sign for money of another country: a dollar, a yuan, a crown. Then the ISO code says which it is.

    So does a sign that a locale itself had to tell apart from others (US$, £GB): the same code everywhere is easier to compare with a
    bank's statement than four ways of writing a dollar. The Japanese yen sign is the wide one in Japanese, and nobody else's there.
    """
    told_apart = any(letter.isascii() and letter.isalpha() for letter in sign) and any(
        unicodedata.category(letter) == "Sc" for letter in sign
    )
    return told_apart or "$" in sign or sign == "\N{YEN SIGN}" or sign.rstrip(".").casefold() == "kr"


CARD_BRANDS = {
    "amex": "American Express", "cartes_bancaires": "Cartes Bancaires", "diners": "Diners Club", "discover": "Discover",
    "eftpos_au": "Eftpos", "jcb": "JCB", "mastercard": "Mastercard", "unionpay": "UnionPay", "visa": "Visa",
}  # fmt: skip


NAMELESS = {
    "bank_redirect": said("Bank payment"),
    "bank_transfer": said("Bank transfer"),
    "qr": said("Banking app"),
    "wallet": said("Card or wallet"),
}
# The card as a sentence of its own: languages put brand, kind and number in different orders.
FUNDED = {
    "credit": said("%(brand)s credit", brand=""),
    "debit": said("%(brand)s debit", brand=""),
    "prepaid": said("%(brand)s prepaid", brand=""),
}
PLAIN = {"credit": said("Credit card"), "debit": said("Debit card"), "prepaid": said("Prepaid card")}


def card_words(payment: object, reader: Reader | None = None) -> str:
    """How it was paid: Visa debit ending in 4242; Apple Pay (Visa ending in 4242); iDEAL; plainly Card, when the processor has not said."""
    reader = reader or _ENGLISH
    method, kind = getattr(payment, "method", None), getattr(payment, "method_kind", None)
    if getattr(payment, "provider", None) == "bank":
        return written_for(reader, NAMELESS["bank_transfer"])
    if method in ("bank_redirect", "bank_transfer", "qr") or (method is None and kind not in (None, "card")):
        named = kind_name(kind) if kind and method != "bank_transfer" else None
        return named or written_for(reader, NAMELESS.get(method or "", NAMELESS["bank_redirect"]))
    card = _card(payment, reader)
    if method == "wallet":
        if kind is None:
            return written_for(reader, NAMELESS["wallet"])
        return f"{kind_name(kind)} ({card})" if card else kind_name(kind)
    return card or written_for(reader, said("Card"))


def _card(payment: object, reader: Reader) -> str:
    """Brand, kind and last digits, as far as they are known; nothing when none is."""
    brand, last4, funding = (getattr(payment, name, None) or "" for name in ("card_brand", "card_last4", "card_funding"))
    name = CARD_BRANDS.get(brand, "")
    if funding in FUNDED:
        name = written_for(reader, Sentence(FUNDED[funding].text, {"brand": name}) if name else PLAIN[funding])
    if not last4:
        return name
    name = name or written_for(reader, said("Card"))
    return written_for(reader, said("%(card)s ending in %(digits)s", card=name, digits=last4))


def written_for(reader: Reader, sentence: str) -> str:
    """What the business has said, in the reader's language, with its sums and days in the reader's manner. Plain text, not escaped."""
    catalogue = texts(reader.language)
    if not isinstance(sentence, Sentence):
        return str(catalogue.ugettext(sentence)) if sentence else sentence
    text = str(catalogue.ugettext(sentence.text))
    return text % {name: _value_for(reader, value) for name, value in sentence.values.items()} if sentence.values else text


def _value_for(reader: Reader, value: Any) -> Any:
    if isinstance(value, Money):
        return reader.money(value)
    if isinstance(value, datetime):
        return reader.when(value)
    if isinstance(value, date):
        return reader.day(value)
    return written_for(reader, value) if isinstance(value, Sentence) else value


def _order(name: str) -> str:
    """Österreich stands at O, Égypte at E."""
    return "".join(letter for letter in unicodedata.normalize("NFD", name.casefold()) if not unicodedata.combining(letter))


def _forget_unread() -> None:
    """Babel reads what is known of all languages of the world. What is only asked to guess a language from a place, or the other way
    round, is 1.7 MB in each process, and here a language is named or it is the house's."""
    for unread in UNREAD:
        get_global(unread).clear()


_HOUSE = Locale.parse(HOUSE_LOCALE)
_forget_unread()
_ENGLISH = Reader()
