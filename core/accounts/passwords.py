"""Passwords: how strong one must be, how it is kept (argon2id) and how it is compared in the same time for anybody."""

from __future__ import annotations

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.kernel.errors import Refusal
from core.kernel.sentence import said

SHORTEST, LONGEST = 8, 128
READ_BY_ZXCVBN = 72  # its estimate grows costly with length; the first part already tells
# It tries every mixture of letters that signs may stand for, eight seconds long for the worst password. So the signs that
# rarely stand for a letter are read as one that never does.
_RARE_SIGNS = str.maketrans(dict.fromkeys("{[<|+%", "~"))

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


class WeakPassword(Refusal):
    """A password that is too short, too long or among the first an attacker tries."""

    code = "weak_password"


def check_strength(password: str, *, about: tuple[str, ...] = ()) -> None:
    """Refuses a password that would not last. `about` holds what an attacker knows anyway: name, business, e-mail."""
    if len(password) < SHORTEST:
        raise WeakPassword(
            said("Use at least %(shortest)s characters. A few unrelated words make a good password.", shortest=SHORTEST), field="password"
        )
    if len(password) > LONGEST:
        raise WeakPassword(said("Use %(longest)s characters at most.", longest=LONGEST), field="password")
    from zxcvbn import zxcvbn  # its lists of words take 12 MB, and nearly no process ever weighs a password

    known = [word for text in about for word in (text, "".join(text.split()), *text.replace("@", " ").split()) if word]
    verdict = zxcvbn(password[:READ_BY_ZXCVBN].translate(_RARE_SIGNS), user_inputs=known)
    if verdict["score"] < 3:
        why = verdict["feedback"]["warning"] or "This password is easy to guess."
        raise WeakPassword(said("%(why)s. Add another unrelated word or two.", why=why.rstrip(".")), field="password")


def hash_password(password: str) -> str:
    """The argon2id hash, with its salt and parameters inside."""
    return _hasher.hash(_exact(password))


def matches(kept: str | None, password: str) -> bool:
    """Whether this is the password. Without a kept hash the work is done all the same, so that the time tells nothing."""
    try:
        return _hasher.verify(kept or _nobodys(), _exact(password)) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def outdated(kept: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(kept)


@cache
def _nobodys() -> str:
    return _hasher.hash("the password of nobody")


def _exact(password: str) -> str:
    """One spelling for keyboards that compose accents differently; nothing else is changed."""
    return unicodedata.normalize("NFC", password)
