"""Amounts for people: the processor's minor units written with the currency's sign."""

_NO_DECIMALS = frozenset(["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"])
_THREE_DECIMALS = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
_SIGNS = {"gbp": "£", "eur": "€", "usd": "$", "jpy": "¥", "inr": "₹"}


def show_amount(minor, currency):
    """1234, "gbp" -> £12.34; a currency without a sign of its own is named."""
    digits = 0 if currency in _NO_DECIMALS else 3 if currency in _THREE_DECIMALS else 2
    whole, rest = divmod(minor, 10**digits)
    text = f"{whole:,}" + (f".{rest:0{digits}d}" if digits else "")
    sign = _SIGNS.get(currency)
    return f"{sign}{text}" if sign else f"{text}\u00a0{currency.upper()}"
