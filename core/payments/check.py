"""Is this genuine? Whatever we issue can be shown to us again, and we say whether it is ours: no more than whose it is and what it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from core.accounts.check import standing_of_email_link, standing_of_invitation
from core.accounts.models import Vendor
from core.accounts.pay_host import beginning, find_pay_host, plain_host
from core.accounts.queries import find_vendor
from core.kernel.attest import NotOurs, looks_attested, read_attested
from core.kernel.config import settings
from core.kernel.signing import Examined, TokenRefused, examine_token, looks_like_token
from core.notifications.stop_letters import standing_of_stopping
from core.payments.claim_answer import standing_of_claim
from core.payments.everywhere import find_receipt_everywhere
from core.payments.export_shelf import standing_of_export
from core.payments.link import link_state
from core.payments.open_address import open_address
from core.payments.saved_models import Saving
from core.payments.saving import SavingOver, check_open, open_saving_token
from core.payments.search import read_words
from core.payments.slug import open_readable
from core.payments.start import open_payment_token

LONGEST = 2000
LINK = ("link", "sending", "prefill")  # a link's own address, one sent by e-mail, one with answers filled in
# Which kinds of token stand where in our addresses.
PATHS = {
    "pay": LINK, "checkout": ("payment",), "receipt": ("receipt",), "cards": ("saving",), "mine": ("payer",), "j": ("joining",), "m": ("membership",), "o": ("checkout",), "invitation": ("invitation",), "export": ("export",), "closing": ("closing",), "letters": ("letters",), "claim": ("claim",), "verify-email": ("email-verify",),
    "reset-password": ("password-reset",),
}  # fmt: skip
_ANYBODYS = ""  # of our own host, which shows everybody's pages; of a vendor's, its public id stands in this place
NO_RECEIPT = "00000-00000"  # looked for where there is nothing to look for, so that every answer takes its time


@dataclass(frozen=True, slots=True)
class Verdict:
    """`standing`: genuine, altered, expired, revoked or unknown. `what` is a purpose of a token, or "statement"; `vendor` only where we
    issued it for one."""

    standing: str
    what: str = ""
    vendor: str = ""
    practice: bool = False


Above = Mapping[str, Callable[[str], str]]
NOTHING_ABOVE: Above = {}
UNKNOWN, ALTERED = Verdict("unknown"), Verdict("altered")


def check(text: str, *, above: Above = NOTHING_ABOVE) -> Verdict:
    """Read a link, a token, the text of a QR code, a receipt's number or a signed statement, generously; and say what it is.

    `above` names the purposes of rooms above this one, and asks them whether a token of theirs still counts.
    An address that leads elsewhere is never genuine, whatever stands in it: that is how people are deceived. One on a vendor's own host
    name leads to us for what is that vendor's, as long as the name is proved.
    """
    text = "".join(text.split())[:LONGEST]
    if looks_attested(text):
        return _statement(text)
    address = _as_address(text)
    if address and (name := _readable_name(address)):
        return _readable(*name)
    token, wanted, ours = _token_in(address) if address else (text, None, _ANYBODYS)
    examined = examine_token(token)
    number = "" if address or examined or looks_like_token(token) else text
    receipt = _receipt(number)
    if examined is None:
        return receipt or (ALTERED if ours is not None and (looks_like_token(token) or wanted) else UNKNOWN)
    if ours not in (_ANYBODYS, examined.claims.vendor) or (wanted and examined.purpose not in wanted):
        return ALTERED
    return _standing(token, examined, above)


def _statement(text: str) -> Verdict:
    """Whose it is stands in what we have signed: nothing is asked of the books, and it stays true of its moment."""
    try:
        claims = read_attested(text)
    except NotOurs as no:
        return ALTERED if no.altered else UNKNOWN
    return Verdict("genuine", "statement", claims["vendor"]["name"], practice=claims["mode"] == "test")


def _as_address(text: str) -> SplitResult | None:
    """The text as an address; one without its scheme is read as people copy it from a browser."""
    if "://" not in text and "/" in text:
        text = f"{urlsplit(settings().public_url).scheme}://{text.lstrip('/')}"
    if "://" not in text:
        return None
    try:
        return urlsplit(text)
    except ValueError:
        return urlsplit("invalid://")


def _parts(address: SplitResult) -> tuple[list[str], str | None]:
    """What stands between the slashes, and whose tokens the address opens here: anybody's, one vendor's, or None where it leads elsewhere."""
    home = urlsplit(settings().public_url)
    said = address.scheme.lower(), address.netloc.lower()
    ours = _ANYBODYS if said == (home.scheme, home.netloc.lower()) else _vendor_of(*said)
    return address.path.removeprefix(home.path).strip("/").split("/"), ours


def _vendor_of(scheme: str, place: str) -> str | None:
    """The public id of the vendor on whose own host name this is."""
    host = plain_host(place)
    if not host or f"{scheme}://{place}" != urlsplit(beginning(host))._replace(path="").geturl():
        return None
    found = find_pay_host(host)
    return found.vendor if found and found.verified else None


def _token_in(address: SplitResult) -> tuple[str, tuple[str, ...] | None, str | None]:
    """The token of an address, what it may be for by where it stands, and whose tokens that opens here."""
    parts, ours = _parts(address)
    wanted = PATHS.get(parts[0])
    token = parts[1] if len(parts) > 1 else ""
    return (token.removesuffix(".pdf") if wanted == ("receipt",) else token), (wanted if token else None), ours


def _readable_name(address: SplitResult) -> tuple[str, str, str, str] | None:
    """Mode, vendor's and link's name of one of our readable addresses, and whose it may be."""
    parts, ours = _parts(address)
    if ours is None or parts[0] != "pay" or len(parts) not in (3, 4) or (len(parts) == 4 and parts[1] != "test"):
        return None
    return ("test" if len(parts) == 4 else "live"), parts[-2], parts[-1], ours


def _readable(mode: str, name: str, slug: str, ours: str) -> Verdict:
    """Anybody can write such an address down, so what opens nothing is unknown to us, whatever it once was."""
    try:
        vendor, link, _ = open_readable(mode, name, slug)
    except TokenRefused:
        return UNKNOWN
    if ours not in (_ANYBODYS, vendor.public_id):
        return UNKNOWN
    standing = "expired" if link_state(link) == "expired" else "genuine"
    return Verdict(standing, "link", vendor.name, practice=mode == "test")


def _receipt(number: str) -> Verdict | None:
    """The receipt with this number. A stranger may try numbers; there are 2^50, and the door counts the tries."""
    reference = read_words(f"ref:{number}", "GBP").reference if number else None
    plain = reference if reference and re.fullmatch(r"[0-9A-Z]{5}-[0-9A-Z]{5}", reference) else None
    found = find_receipt_everywhere(plain or NO_RECEIPT)
    if found is None or plain is None:
        return None
    return Verdict("genuine", "receipt", found[0].name, practice=found[1].mode == "test")


def _standing(token: str, examined: Examined, above: Above) -> Verdict:
    claims = examined.claims
    vendor = find_vendor(claims.vendor)
    names_vendor = examined.purpose not in ("email-verify", "password-reset")  # letters to a person, not a vendor's
    name = vendor.name if vendor and names_vendor else ""
    if examined.purpose in above:
        standing = "expired" if examined.expired else above[examined.purpose](token)
    else:
        standing = "expired" if examined.expired else _row_says(token, examined, vendor)
    what = "link" if examined.purpose in LINK else examined.purpose
    return Verdict(
        standing,
        what,
        name,
        practice=claims.mode == "test" and what in ("link", "payment", "receipt", "saving", "joining", "membership", "checkout", "claim"),
    )


def _row_says(token: str, examined: Examined, vendor: Vendor | None) -> str:
    """The token proves that we wrote it; whether it still counts is for its row to say."""
    if examined.purpose in ("email-verify", "password-reset"):
        return standing_of_email_link(examined.purpose, examined.claims)
    if vendor is None:
        return "revoked"
    if examined.purpose == "invitation":
        return standing_of_invitation(vendor, examined.claims)
    if examined.purpose == "letters":
        return standing_of_stopping(vendor, examined.claims)
    if examined.purpose == "claim":
        return standing_of_claim(vendor, examined.claims)
    if examined.purpose == "export":
        return standing_of_export(vendor, examined.claims)
    try:
        if examined.purpose in LINK:
            return "expired" if link_state(open_address(token).link) in ("expired", "archived") else "genuine"
        if examined.purpose == "saving":
            return _saving_says(open_saving_token(token)[1])
        payment = open_payment_token(token, purpose=examined.purpose)[1]
    except TokenRefused:
        return "revoked"
    if examined.purpose == "receipt":
        return "genuine" if payment.captured_at is not None else "revoked"
    return "expired" if payment.state in ("canceled", "expired") else "genuine"


def _saving_says(saving: Saving) -> str:
    try:
        check_open(saving)
    except SavingOver:
        return "expired"
    return "genuine"
