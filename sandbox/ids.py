"""Identifiers as the wire shows them: a prefix and random letters and digits."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def letters(count=24):
    return "".join(secrets.choice(_ALPHABET) for _ in range(count))


def new_id(prefix):
    return f"{prefix}_{letters()}"
