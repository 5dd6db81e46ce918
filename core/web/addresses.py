"""The addresses we write into messages and onto papers: whole ones, because their reader is somewhere else."""

from __future__ import annotations

from core.kernel.config import settings


def verification(token: str) -> str:
    return f"{settings().public_url}/verify-email/{token}"


def password_reset(token: str = "") -> str:
    """The page that sets a new password; without a token the one that asks for the link."""
    return f"{settings().public_url}/reset-password{'/' + token if token else ''}"


def invitation(token: str) -> str:
    return f"{settings().public_url}/invitation/{token}"


def checkout(token: str) -> str:
    """One payment's own page."""
    return f"{settings().public_url}/checkout/{token}"


def receipt(token: str) -> str:
    return f"{settings().public_url}/receipt/{token}"


def receipt_pdf(token: str) -> str:
    return f"{settings().public_url}/receipt/{token}.pdf"


def portal_transfers() -> str:
    return f"{settings().public_url}/portal/transfers"


def portal_payment(payment: str) -> str:
    return f"{settings().public_url}/portal/payments/{payment}"
