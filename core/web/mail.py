"""E-mail: writes a letter from its three templates, puts it in an envelope that nothing can break out of, and hands it to a mail server."""

from __future__ import annotations

import re
import smtplib
import ssl
import time
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import idna
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_eval_context, select_autoescape
from jinja2.nodes import EvalContext
from markupsafe import Markup

from core.notifications.report import takes_nobody
from core.web.reader import Reader
from core.web.words import ISOLATED, REORDERING, direction_of, filled, texts

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
UNQUOTED = frozenset(' ,;:<>()[]\\"@')
DOMAIN = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
SECONDS = 30  # how long handing over one message may take: less than a job's lease, so that nobody else begins on it
LOGO = "vendor-logo"  # under which a letter finds the picture that travels with it
BLANKS = re.compile(r"[^\S\u00a0\u202f]+")  # but for the two that keep a sum and its currency on one line
LINE_ENDS = frozenset({"Cc", "Zl", "Zp"})


class MailRefused(Exception):
    """This message will never arrive: the address is wrong or the server said no for good.

    `bounced`: it was a mail server that said so. `nobody`: and it meant the address, which takes no letters.
    """

    def __init__(self, words: str, *, bounced: bool = False, nobody: bool = False) -> None:
        super().__init__(words)
        self.bounced, self.nobody = bounced, nobody


class MailDelayed(Exception):
    """It did not arrive, or we cannot know whether it did: try again later with the same Message-ID."""


@dataclass(frozen=True)
class Letter:
    """The words of one e-mail: a subject of one line, plain text, and the same as HTML."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Enclosure:
    """A file that travels with a letter."""

    name: str
    media_type: str
    data: bytes


def one_line(value: Any) -> Any:
    """Text from people, made safe to stand in a header or a row: one line, nothing invisible that could reorder it.

    Emoji (also joined ones), Arabic, Hebrew and Chinese pass unchanged; line ends become spaces.
    """
    if type(value) is not str:
        return value
    kinds = ((c, unicodedata.category(c)) for c in value if c not in REORDERING)
    return BLANKS.sub(" ", "".join(" " if kind in LINE_ENDS else c for c, kind in kinds if kind != "Cs")).strip()


def header_text(value: str) -> str:
    """One line that also survives the standard library, which would decode =?...?= in it and so let a line end back in."""
    return one_line(value).replace("=?", "= ?")


@cache
def stationery() -> Environment:
    """The templates of letters and papers: strict about names, HTML escaped, every value put on one line."""
    sheet = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape(["html"]), undefined=StrictUndefined,
        finalize=one_line, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    sheet.filters |= {"bdi": _isolated, "isolate": lambda text: Markup(ISOLATED) % one_line(text)}
    sheet.globals["url_for"] = lambda endpoint, filename: f"/static/{filename}"
    return sheet


@lru_cache(64)
def stationery_for(reader: Reader) -> Environment:
    """The same in this reader's language, with amounts and dates written for them."""
    sheet = stationery().overlay()
    sheet.filters = sheet.filters | {
        name: getattr(reader, name) for name in ("money", "when", "day", "stamp", "number", "percent", "card", "country", "plain")
    }
    sheet.globals = sheet.globals | {
        "_": _texts(reader.language),
        "gettext": _texts(reader.language),
        "ngettext": _counts(reader.language),
        "language": lambda: reader.language,
        "direction": lambda: direction_of(reader.language),
    }
    return sheet


@pass_eval_context
def _isolated(place: EvalContext, name: str) -> str:
    """A name that may be written in another direction than the words around it."""
    return Markup("<bdi>{}</bdi>").format(one_line(name)) if place.autoescape else name


def _texts(language: str) -> Callable[..., str]:
    """`_` in a letter: as on a page where the letter is HTML, and plain where it is text."""

    @pass_eval_context
    def text(place: EvalContext, words: str, /, **values: Any) -> str:
        return _put(place, texts(language).ugettext(words), values, language)

    return text


def _counts(language: str) -> Callable[..., str]:
    @pass_eval_context
    def counted(place: EvalContext, one: str, more: str, num: int, /, **values: Any) -> str:
        return _put(place, texts(language).ungettext(one, more, num), {"num": num, **values}, language)

    return counted


def _put(place: EvalContext, words: str, values: dict[str, Any], language: str) -> str:
    """What people typed is put on one line before it fills a sentence, and in plain text nothing needs escaping."""
    values = {name: one_line(value) for name, value in values.items()}
    if place.autoescape:
        return filled(words, values, language)
    return str(filled(words, {name: Markup(value) if isinstance(value, str) else value for name, value in values.items()}, language))


def product() -> str:
    """What the product is called, as its pages have it."""
    return str(stationery().get_template("components/brand.html").module.product)


def write_letter(kind: str, reader: Reader, **facts: Any) -> Letter:
    """Fill templates/emails/<kind>/ with these facts. A fact a template asks for and does not get is an error, not a gap."""
    sheet = stationery_for(reader)
    subject, text, html = (sheet.get_template(f"emails/{kind}/{part}").render(facts) for part in ("subject.txt", "body.txt", "body.html"))
    return Letter(one_line(subject)[:200], text.strip() + "\n", html)


def seal(
    letter: Letter, *, to: str, sender: str, sender_name: str, reply_to: str | None, message_id: str, at: datetime,
    enclosures: Iterable[Enclosure] = (), logo: bytes | None = None, marks: Mapping[str, str] | None = None,
) -> EmailMessage:  # fmt: skip
    """The message as it goes over the wire. The same message id always gives the same Message-ID, so a doubled one is recognisable.

    `marks`: headers of our own making, for mail programs. Raises MailRefused when an address cannot be written down; whatever stands in a name or subject cannot start a new header.
    """
    recipient = wire_address(to)
    mail = EmailMessage(policy=SMTP if recipient.addr_spec.isascii() else SMTPUTF8)
    home = sender_address(sender)
    mail["From"] = Address(header_text(sender_name)[:100], home.username, home.domain)
    mail["To"] = recipient
    if reply_to:
        with suppress(MailRefused):  # a letter that cannot be answered is better than none
            mail["Reply-To"] = wire_address(reply_to)
    mail["Subject"] = header_text(letter.subject)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{message_id}@{home.domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    for name, value in (marks or {}).items():
        mail[name] = value
    mail.set_content(letter.text, cte="quoted-printable")
    mail.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    if logo and f"cid:{LOGO}" in letter.html:
        mail.get_payload()[1].add_related(logo, "image", "png", cid=f"<{LOGO}>", disposition="inline", filename="logo.png")
    for item in enclosures:
        major, _, minor = item.media_type.partition("/")
        mail.add_attachment(item.data, maintype=major, subtype=minor, filename=header_text(item.name))
    return mail


def sender_address(mail_from: str) -> Address:
    """The bare address of MAIL_FROM, which may be written `Name <address>`."""
    return wire_address(parseaddr(mail_from)[1])


def wire_address(address: str) -> Address:
    """The address with its domain in the form that travels (münchen.example becomes xn--mnchen-3ya.example).

    Refuses what would need quoting: such addresses are legal, nobody has one, and they are how one address becomes two.
    """
    local, _, domain = address.rpartition("@")
    if not local or not local.isprintable() or set(local) & UNQUOTED:
        raise MailRefused("that is not an e-mail address")
    try:
        travelling = domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        raise MailRefused("the part after the @ is not a domain") from None
    if not DOMAIN.fullmatch(travelling):
        raise MailRefused("the part after the @ is not a domain")
    return Address("", local, travelling)


def deliver(smtp_url: str, mail: EmailMessage, *, return_to: str = "") -> None:
    """Hand the message to the mail server of SMTP_URL; returns when the server has taken it. `return_to`: where it comes back to, if not
    to whom it is from.

    smtps://user:password@host  TLS from the first byte;  smtp+starttls://...  TLS before anything is said;
    smtp://host  no TLS, for a server on this machine or network: refuses to send a password that way.
    Raises MailRefused when it can never arrive, MailDelayed when it should be tried again.
    """
    until = time.monotonic() + SECONDS
    try:
        server = _connect(smtp_url, until)
        try:
            _hand_over(server, mail, return_to, until)
        finally:
            server.close()
    except smtplib.SMTPNotSupportedError:
        raise MailRefused("the mail server cannot write to an address with such letters") from None
    except smtplib.SMTPResponseException as no:  # greeting, TLS, sign-in: our set-up, so worth another try once it is mended
        raise MailDelayed(_words(no.smtp_code, no.smtp_error)) from None
    except (smtplib.SMTPException, OSError) as problem:
        raise MailDelayed(f"the mail server could not be reached ({type(problem).__name__}: {problem})"[:300]) from None


def _connect(smtp_url: str, until) -> smtplib.SMTP:
    url = urlsplit(smtp_url)
    if url.scheme not in ("smtp", "smtps", "smtp+starttls") or not url.hostname:
        raise MailDelayed("SMTP_URL must begin with smtps://, smtp+starttls:// or smtp:// and name a host")
    if url.scheme == "smtp" and url.username:
        raise MailDelayed("SMTP_URL holds a password but asks for no TLS; write smtps:// or smtp+starttls://")
    try:
        port = url.port or {"smtp": 25, "smtps": 465, "smtp+starttls": 587}[url.scheme]
    except ValueError:
        raise MailDelayed("the port in SMTP_URL is not a number") from None
    if url.scheme == "smtps":
        tls = ssl.create_default_context()
        server: smtplib.SMTP = smtplib.SMTP_SSL(url.hostname, port, timeout=SECONDS, context=tls)
    else:
        server = smtplib.SMTP(url.hostname, port, timeout=SECONDS)
    try:
        if url.scheme == "smtp+starttls":
            _hurry(server, until)
            server.starttls(context=ssl.create_default_context())
        if url.username:
            _hurry(server, until)
            server.login(unquote(url.username), unquote(url.password or ""))
    except BaseException:
        server.close()
        raise
    return server


def _hand_over(server: smtplib.SMTP, mail: EmailMessage, return_to: str, until) -> None:
    to, sender = mail["To"].addresses[0].addr_spec, return_to or mail["From"].addresses[0].addr_spec
    _hurry(server, until)
    server.ehlo_or_helo_if_needed()
    if not to.isascii() and not server.has_extn("smtputf8"):
        raise smtplib.SMTPNotSupportedError
    options = [] if to.isascii() else ["SMTPUTF8", "BODY=8BITMIME"]
    text = mail.as_bytes(policy=SMTP if to.isascii() else SMTPUTF8)
    for blame, step in (
        (_ours_to_mend, lambda: server.mail(sender, options)),
        (_refused, lambda: server.rcpt(to)),
        (_refused, lambda: server.data(text)),
    ):
        _hurry(server, until)
        try:
            code, words = step()
        except smtplib.SMTPDataError as no:
            code, words = no.smtp_code, no.smtp_error
        if code >= 300:
            raise (blame if code >= 500 else _ours_to_mend)(code, words)
    with suppress(smtplib.SMTPException, OSError):  # it has been taken; how the server says goodbye changes nothing
        server.quit()


def _ours_to_mend(code: int, words: bytes | str) -> MailDelayed:
    """Our own address, or a no that is not for good."""
    return MailDelayed(_words(code, words))


def _refused(code: int, words: bytes | str) -> MailRefused:
    said = _words(code, words)
    return MailRefused(said, bounced=True, nobody=takes_nobody(str(code), said))


def _hurry(server: smtplib.SMTP, until) -> None:
    """What is left of the time is all the next answer gets."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("it took too long")
    if server.sock is not None:
        server.sock.settimeout(left)


def _words(code: int, words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return one_line(f"the mail server answered {code} {text}")[:300]
