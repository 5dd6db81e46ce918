"""What 3-D Secure came to is kept in a payment's history, in the line that says that it was paid."""

from __future__ import annotations

from alembic import op

revision = "0096"
down_revision = "0095"

# The two functions that settle keep their text but for these words, each of which stands in its function once.
WRITERS = {
    "settle_payments": (
        ("kind text, funding text, fee bigint, at timestamptz", "kind text, funding text, more jsonb, fee bigint, at timestamptz"),
        ("provider, method, kind, funding, fee, at,", "provider, method, kind, funding, more, fee, at,"),
        ("'charge', charge), at FROM paid", "'charge', charge) || coalesce(more, '{}'), at FROM paid"),
    ),
    "settle_payment": (
        ("given_fee_reference text)", "given_fee_reference text, given_more jsonb DEFAULT NULL::jsonb)"),  # who asks in the old words is answered too
        ("'charge', given_charge), given_at)", "'charge', given_charge) || coalesce(given_more, '{}'), given_at)"),
    ),
}  # fmt: skip


def upgrade() -> None:
    """Build it."""
    _reword(back=False)


def downgrade() -> None:
    """Take it down: what the history says already stays in it."""
    _reword(back=True)


def _reword(*, back: bool) -> None:
    for name, changes in WRITERS.items():
        body = op.get_bind().exec_driver_sql(f"SELECT pg_get_functiondef('public.{name}'::regproc)").scalar_one()
        for before, after in changes:
            old, new = (after, before) if back else (before, after)
            if body.count(old) != 1:
                raise RuntimeError(f"{name} does not say {old!r} once")
            body = body.replace(old, new)
        if name == "settle_payment":  # its parameters are others: it would stand beside itself
            op.execute("DROP FUNCTION settle_payment")
        op.get_bind().exec_driver_sql(body.replace("%", "%%"))
