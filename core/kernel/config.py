"""Settings: read once from the environment and from one private file of secrets made at the first start."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.kernel.money import BadAmount, parse_amount

VIES = "https://ec.europa.eu/taxation_customs/vies/rest-api"
ECB_FEED = "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist-90d.xml"
STATEMENT_KEY = 43  # letters of base64url: the 32 bytes of an Ed25519 key


@dataclass(frozen=True)
class Settings:
    """What the processes need to know. Nothing here changes while they run."""

    var: Path
    database_url: str = field(repr=False)  # it and the next carry passwords
    redis_url: str = field(repr=False)
    public_url: str
    sandbox_url: str
    demo: bool
    smtp_url: str = field(repr=False)
    mail_from: str
    health_token: str = field(repr=False)  # what an operator's watcher shows to read more than strangers do; empty: nobody does
    backup_stamp: str  # the file that the operator's backup touches when it is done; empty: nobody watches it from here
    proxies: int  # how many reverse proxies of ours stand in front and write X-Forwarded-For; none: nobody is believed
    stripe: dict[str, dict[str, str]] = field(repr=False)
    secrets: dict[str, Any] = field(repr=False)
    debt_limits: dict[str, int] = field(
        default_factory=dict
    )  # how far refunds may take a seller below zero, in minor units by currency; none: they wait
    payout_limits: dict[str, int] = field(
        default_factory=dict
    )  # above it, and in any other currency, a payout waits for a person of the staff
    dispute_fee_from: str = "platform"  # who bears what the processor charges for a dispute: platform or seller
    write_off_limits: dict[str, int] = field(
        default_factory=dict
    )  # above it, and in any other currency, a second person of the staff lets a debt be written off
    reconciliation_limits: dict[str, int] = field(
        default_factory=dict
    )  # above it, and in any other currency, a second person of the staff has to agree before an exception is resolved
    bank_money_limits: dict[str, int] = field(
        default_factory=dict
    )  # above it, and in any other currency, a second person of the staff has to agree before it is decided what unknown money is
    hooks_to_localhost: bool = False  # whether test webhooks may go to a program on this very machine
    plain_marks: bool = (
        False  # whether processes still run beside this one that know no keyed marks of what was asked (core/accounts/once.py)
    )
    api_business_limit: str = "1800 per 1 minute"  # calls of the API, of one business over all its keys and apps, in each mode
    rates_url: str = ""  # the feed of reference rates; empty: only the history that comes with the product
    rates_source: str = "ecb"
    vies_url: str = ""  # the registry of VAT numbers of the EU, up to /rest-api; empty: no number is ever taken as proved
    fx_margin_bps: int = 50  # what the platform keeps of an exchange, in hundredths of a percent
    mail_return: str = ""  # where letters come back to; each gets `+` and its own name before the @. Empty: to mail_from
    mail_return_token: str = field(default="", repr=False)  # what a mail relay shows that hands them over by HTTP; empty: none does
    mail_relays: dict[str, str] = field(
        default_factory=dict, repr=False
    )  # by what a mail relay that tells of bounces in JSON proves itself, by its name: core/notifications/relays.py; empty: it is not heard
    bank_accounts: dict[str, str] = field(
        default_factory=dict, repr=False
    )  # where bank transfers go, as JSON: core/providers/bank_accounts.py reads it

    @property
    def https(self) -> bool:
        """Whether browsers reach us over TLS (decides cookie names and HSTS)."""
        return self.public_url.startswith("https://")


class BadSecrets(RuntimeError):
    """The private file is missing, short, readable by others or not ours: refuse to start rather than start open."""


def ensure_secrets(path: Path) -> dict[str, Any]:
    """Read the private file, making it (mode 0600) at the first start. Refuses one that others may read."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = {
            "session_key": secrets.token_urlsafe(48),
            "signing_keys": [{"kid": "k1", "key": secrets.token_urlsafe(48)}],  # the first signs, all verify
            **{ring: [new()] for ring, new in RINGS.items()},
            "sandbox_api_key": "sk_test_" + secrets.token_hex(24),
            "sandbox_webhook_secret": "whsec_" + secrets.token_hex(24),
        }
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            json.dump(made, out, indent=1)
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)  # two first starts at once: one file wins, both read it
        draft.unlink()
    if path.stat().st_mode & 0o077:
        raise BadSecrets(f"{path} can be read by others: run chmod 600 on it")
    try:
        kept = json.loads(path.read_text())
        keys = [kept["session_key"], *(key["key"] for key in kept["signing_keys"])]
        if not kept.keys() >= RINGS.keys():
            kept = _with_every_ring(path)
        keys += [key["key"] for ring in RINGS for key in kept[ring]]
        strong = all(kept[ring] for ring in ("signing_keys", *RINGS)) and all(isinstance(key, str) and len(key) >= 32 for key in keys)
        strong = strong and all(len(key["key"]) == STATEMENT_KEY for key in kept["statement_keys"])
    except (ValueError, TypeError, KeyError):
        strong = False
    if not strong:
        raise BadSecrets(f"{path} is damaged, or holds a key shorter than 32 characters or none at all")
    return kept


def _new_factor_key() -> dict[str, str]:
    return {"kid": "f1", "key": secrets.token_urlsafe(48)}


def _new_statement_key() -> dict[str, str]:
    """The 32 random bytes of an Ed25519 key. Its name is told to strangers, so two installations never share one."""
    return {"kid": f"s-{secrets.token_hex(8)}", "key": secrets.token_urlsafe(32)}


# Rings that a file from before there was such a thing gets later. People's one-time codes are derived from the first factor key; the
# first statement key signs what others may check, and the public half of each is told.
RINGS = {"factor_keys": _new_factor_key, "statement_keys": _new_statement_key}


def _with_every_ring(path: Path) -> dict[str, Any]:
    """An older file gets the keys that it lacks, once, however many processes start at the same moment."""
    lock = os.open(path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept: dict[str, Any] = json.loads(path.read_text())
        if lacking := RINGS.keys() - kept.keys():
            kept |= {ring: [RINGS[ring]()] for ring in lacking}
            draft = path.with_suffix(f".{os.getpid()}.tmp")
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as out:
                json.dump(kept, out, indent=1)
                out.flush()
                os.fsync(out.fileno())
            draft.replace(path)
        return kept
    finally:
        os.close(lock)


@cache
def settings() -> Settings:
    """The settings of this process, read at the first call."""
    env = os.environ
    var = Path(env.get("PORTAL_VAR", "var")).resolve()
    port = env.get("PORT", "8000")
    sandbox_url = env.get("SANDBOX_URL", "").rstrip("/")
    rates_url = env.get("RATES_URL", ECB_FEED)
    return Settings(
        var=var,
        database_url=env.get("DATABASE_URL", "").replace("postgresql://", "postgresql+psycopg://", 1),
        redis_url=env.get("REDIS_URL", ""),
        public_url=_address("PUBLIC_URL", env.get("PUBLIC_URL", f"http://127.0.0.1:{port}").rstrip("/")),
        sandbox_url=sandbox_url,
        demo=env.get("DEMO", "") == "1",
        smtp_url=env.get("SMTP_URL", ""),
        mail_from=env.get("MAIL_FROM", "Payments <no-reply@localhost>"),
        health_token=env.get("HEALTH_TOKEN", ""),
        backup_stamp=env.get("BACKUP_STAMP", ""),
        debt_limits=_amounts("REFUND_DEBT_LIMITS", env.get("REFUND_DEBT_LIMITS", "")),
        payout_limits=_amounts("PAYOUT_LIMITS", env.get("PAYOUT_LIMITS", "EUR 1000.00, GBP 1000.00, USD 1000.00")),
        dispute_fee_from=_one_of("DISPUTE_FEE_FROM", env.get("DISPUTE_FEE_FROM", "platform"), ("platform", "seller")),
        write_off_limits=_amounts("WRITE_OFF_LIMITS", env.get("WRITE_OFF_LIMITS", "EUR 50.00, GBP 50.00, USD 50.00")),
        reconciliation_limits=_amounts("RECONCILIATION_LIMITS", env.get("RECONCILIATION_LIMITS", "EUR 100.00, GBP 100.00, USD 100.00")),
        bank_money_limits=_amounts("BANK_MONEY_LIMITS", env.get("BANK_MONEY_LIMITS", "EUR 1000.00, GBP 1000.00, USD 1000.00")),
        proxies=int(env.get("TRUSTED_PROXIES", "0")),
        stripe={
            mode: {
                "secret_key": env.get(f"STRIPE_{mode.upper()}_SECRET_KEY", ""),
                "publishable_key": env.get(f"STRIPE_{mode.upper()}_PUBLISHABLE_KEY", ""),
                "webhook_secret": env.get(f"STRIPE_{mode.upper()}_WEBHOOK_SECRET", ""),
                "payment_methods": env.get(f"STRIPE_{mode.upper()}_PAYMENT_METHODS", "card"),  # the types switched on in the account
            }
            for mode in ("test", "live")
        },
        secrets=_overridden(ensure_secrets(var / "secrets.json")),
        hooks_to_localhost=env.get("WEBHOOKS_TO_LOCALHOST", env.get("DEMO", "")) == "1",
        api_business_limit=_limit("API_BUSINESS_LIMIT", env.get("API_BUSINESS_LIMIT", "1800 per 1 minute")),
        plain_marks=env.get("PLAIN_IDEMPOTENCY_MARKS", "") == "1",
        rates_url=rates_url,
        vies_url=env.get("VIES_URL", VIES).rstrip("/"),
        rates_source="sandbox" if sandbox_url and rates_url.startswith(f"{sandbox_url}/") else "ecb",
        fx_margin_bps=int(env.get("FX_MARGIN_BPS", "50")),
        mail_return=_return_address(env.get("MAIL_RETURN", "")),
        mail_return_token=env.get("MAIL_RETURN_TOKEN", ""),
        mail_relays=_mail_relays(),
        bank_accounts={mode: env.get(f"BANK_{mode.upper()}_ACCOUNTS", "") for mode in ("test", "live")},
    )


class BadSetting(RuntimeError):
    """A setting that cannot be read: refuse to start rather than guess about money."""


def _address(name: str, text: str) -> str:
    """`https://pay.example.com`: links in letters, cookies and passkeys are made of it, so one that no browser could open is refused here."""
    try:
        parts = urlsplit(text)
        fit = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port beyond 65535, or an unclosed bracket
        fit = False
    if not fit or parts.query or parts.fragment or "@" in parts.netloc or not text.isprintable() or " " in text:
        raise BadSetting(f"{name} says {text!r}; write it like https://pay.example.com")
    return text


def _return_address(text: str) -> str:
    """`name@domain`, with room for a letter's own name: no mail server takes more than 64 signs before the @."""
    if text and not re.fullmatch(r"[A-Za-z0-9._-]{1,20}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", text):
        raise BadSetting(f"MAIL_RETURN says {text!r}; write an address like returned@mail.example, with 20 signs at most before the @")
    return text


def _mail_relays() -> dict[str, str]:
    """What each relay proves itself by, one or several separated by commas. One that could be guessed, or is none, is refused."""
    found = {}
    for relay, name, shape, like in (
        ("postmark", "MAIL_HOOK_POSTMARK", r"[^:,\s]+:[^,\s]{16,}", "user:password, with 16 signs or more in the password"),
        ("mailgun", "MAIL_HOOK_MAILGUN", r"[^,\s]{16,}", "the webhook signing key of the account"),
        ("sendgrid", "MAIL_HOOK_SENDGRID", r"[A-Za-z0-9+/]{100,}={0,2}", "the verification key of the event webhook"),
    ):
        text = os.environ.get(name, "")
        if not all(re.fullmatch(shape, one.strip()) for one in text.split(",") if text):
            raise BadSetting(f"{name} is not {like}")
        found[relay] = text
    return found


def _one_of(name: str, text: str, known: tuple[str, ...]) -> str:
    if text not in known:
        raise BadSetting(f"{name} says {text!r}; it is one of {', '.join(known)}")
    return text


def _limit(name: str, text: str) -> str:
    """`1800 per 1 minute`, as the throttle reads it."""
    if not re.fullmatch(r"[1-9][0-9]{0,6} per ([1-9][0-9]{0,3} )?(second|minute|hour)s?", text):
        raise BadSetting(f"{name} says {text!r}; write it like 1800 per 1 minute")
    return text


def _amounts(name: str, text: str) -> dict[str, int]:
    """`GBP 250.00, EUR 300.00` in minor units by currency."""
    found: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        code, _blank, amount = part.partition(" ")
        try:
            found[code] = parse_amount(amount.strip(), code).minor
        except BadAmount as error:
            raise BadSetting(f"{name} says {part!r}; write it like GBP 250.00, EUR 300.00") from error
    return found


def _overridden(kept: dict[str, Any]) -> dict[str, Any]:
    """Tests and full services may hand the sandbox's key and secret over in the environment."""
    for name in ("sandbox_api_key", "sandbox_webhook_secret"):
        if os.environ.get(name.upper()):
            kept[name] = os.environ[name.upper()]
    return kept
