"""The short codes in which banks and processors give a reason, in words: `insufficient_funds` is “insufficient funds”."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.payments.weigh import NOT_ACCEPTED
from core.web.three_d_secure import UNCONFIRMED

# For the catalogues: the codes that come often. One that is not here is shown as it came, with blanks between its words.
OFTEN = (
    # a card was declined
    _l("approve with id"), _l("authentication required"), _l("call issuer"), _l("card declined"), _l("card not supported"),
    _l("card velocity exceeded"), _l("code used with this card"), _l("currency not supported"), _l("do not honor"), _l("do not try again"), _l("duplicate transaction"),
    _l("expired card"), _l("fraudulent"), _l("generic decline"), _l("incorrect cvc"), _l("incorrect number"), _l("incorrect pin"),
    _l("incorrect zip"), _l("insufficient funds"), _l("invalid account"), _l("invalid amount"), _l("invalid cvc"),
    _l("invalid expiry month"), _l("invalid expiry year"), _l("invalid number"), _l("issuer not available"), _l("lost card"),
    _l("merchant blacklist"), _l("new account information available"), _l("no action taken"), _l("not permitted"),
    _l("payment method customer decline"), _l("payment method provider decline"),
    _l("pickup card"), _l("processing error"), _l("reenter transaction"), _l("restricted card"), _l("revocation of all authorizations"),
    _l("security violation"), _l("service not allowed"), _l("stolen card"),
    _l("stop payment order"), _l("testmode decline"), _l("transaction not allowed"), _l("try again later"),
    _l("withdrawal count limit exceeded"),
    # a refund did not go through
    _l("amount too large"), _l("arrived after all"), _l("canceled"), _l("charge already refunded"), _l("charge disputed"),
    _l("charge for pending refund disputed"), _l("declined"), _l("expired or canceled card"), _l("failed"),
    _l("lost or stolen card"), _l("merchant request"), _l("returned"), _l("reversed"), _l("unknown"),
)  # fmt: skip


def code_words(code: Any) -> str:
    """The words for a code, in the reader's language where we know it."""
    if code in UNCONFIRMED:
        return _("not confirmed with the bank")
    if code == NOT_ACCEPTED:
        return _("not accepted by the platform’s checks")
    plain = str(code).replace("_", " ").replace("-", " ").strip()
    return _(plain) if plain else ""


def code_sentence(code: Any) -> str:
    """The same as the beginning of a sentence."""
    words = code_words(code)
    return words[:1].upper() + words[1:]
