"""Currencies as the processor counts them: which there are, their decimals, the smallest charge, and amounts for people."""

from core.web.wire.errors import bad_parameter

HIGHEST_AMOUNT = 99_999_999
_TWO_DECIMALS = (
    "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc cve czk dkk dop dzd "
    "egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr isk jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd "
    "mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos "
    "srd std szl thb tjs top try ttd twd tzs uah ugx usd uyu uzs wst xcd yer zar zmw"
)
_NO_DECIMALS = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
_THREE_DECIMALS = "bhd jod kwd omr tnd"
DECIMALS = {code: digits for digits, codes in ((2, _TWO_DECIMALS), (0, _NO_DECIMALS), (3, _THREE_DECIMALS)) for code in codes.split()}
_WHOLE_UNITS = ("isk", "ugx")  # two decimals on the wire, which must be zero
_LOWEST = (
    "usd 50 eur 50 gbp 30 aud 50 cad 50 chf 50 dkk 250 nok 300 sek 300 jpy 50 inr 50 nzd 50 sgd 50 hkd 400 mxn 1000 pln 200 ron 200 "
    "czk 1500 huf 17500 aed 200 thb 1000"
)
LOWEST = dict(zip(_LOWEST.split()[::2], map(int, _LOWEST.split()[1::2]), strict=True))
_SIGNS = {"gbp": "£", "eur": "€", "usd": "$", "jpy": "¥", "inr": "₹"}


def check_amount(amount, currency, param="amount"):
    """The processor's limits; `amount` is in its own minor units."""
    if currency not in DECIMALS:
        raise bad_parameter("parameter_invalid", "currency", f"Invalid currency: {currency[:10]}.")
    if amount > HIGHEST_AMOUNT:
        raise bad_parameter("amount_too_large", param, f"Amount must be no more than {HIGHEST_AMOUNT} minor units.")
    if amount < LOWEST.get(currency, 1):
        raise bad_parameter("amount_too_small", param, f"Amount must be at least {LOWEST.get(currency, 1)} minor units of {currency}.")
    if (DECIMALS[currency] == 3 and amount % 10) or (currency in _WHOLE_UNITS and amount % 100):
        raise bad_parameter("parameter_invalid_integer", param, f"Amounts in {currency} must be rounded to what cards can carry.")


def show_amount(minor, currency):
    """1234, "gbp" -> £12.34; a currency without a sign of its own is named."""
    digits = DECIMALS[currency]
    whole, rest = divmod(minor, 10**digits)
    text = f"{whole:,}" + (f".{rest:0{digits}d}" if digits else "")
    sign = _SIGNS.get(currency)
    return f"{sign}{text}" if sign else f"{text}\u00a0{currency.upper()}"
