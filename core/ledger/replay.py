"""What the books keep so that nobody has to add up from the beginning, made anew from the entries: balances, marks, days and statements."""

from __future__ import annotations

from core.kernel.shadow import Shadow

_DAY_BEGINS = "(lpad(to_hex((extract(epoch FROM k.day) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid"
_OWN = "(2010, 2020, 2030, 1050)"  # what is a seller's: core/ledger/marks.py: OWN

BALANCES = Shadow(
    "balances",
    ("vendor_id", "mode", "code", "sub", "currency"),
    """SELECT vendor_id, mode, code, sub, currency, sum(amount_minor)::bigint AS amount_minor FROM entries
       GROUP BY vendor_id, mode, code, sub, currency""",
    """SELECT vendor_id, mode, code, sub, currency, sum(amount_minor)::bigint AS amount_minor FROM balances
       GROUP BY vendor_id, mode, code, sub, currency""",
)
MARKS = Shadow(
    "balance_marks",
    ("vendor_id", "mode", "code", "sub", "currency", "day"),
    f"""SELECT k.vendor_id, k.mode, k.code, k.sub, k.currency, k.day, coalesce((
          SELECT sum(e.amount_minor) FROM entries e WHERE e.vendor_id = k.vendor_id AND e.mode = k.mode AND e.code = k.code AND e.sub = k.sub
            AND e.currency = k.currency AND e.journal_id < {_DAY_BEGINS}), 0)::bigint AS amount_minor
        FROM balance_marks k""",
    "SELECT vendor_id, mode, code, sub, currency, day, amount_minor FROM balance_marks",
)
# The end of every month of every seller: once all entries added up, once as its statement is made, from the last mark before it.
_MONTHS = f"""SELECT DISTINCT e.vendor_id, e.mode, e.currency,
    (date_trunc('month', to_timestamp((('x' || left(replace(e.journal_id::text, '-', ''), 12))::bit(48)::bigint) / 1000.0) AT TIME ZONE 'UTC')
      + interval '1 month')::date AS day
  FROM entries e WHERE e.code IN {_OWN} AND e.journal_id < 'e677d21f-dc00-0000-0000-000000000000'"""
STATEMENTS = Shadow(
    "statements",
    ("vendor_id", "mode", "currency", "day"),
    f"""SELECT k.vendor_id, k.mode, k.currency, k.day, coalesce((
          SELECT sum(e.amount_minor) FROM entries e WHERE e.vendor_id = k.vendor_id AND e.mode = k.mode AND e.currency = k.currency
            AND e.code IN {_OWN} AND e.journal_id < {_DAY_BEGINS}), 0)::bigint AS closing_minor
        FROM ({_MONTHS}) k""",
    f"""SELECT k.vendor_id, k.mode, k.currency, k.day, coalesce((
          SELECT sum(coalesce(m.amount_minor, 0) + coalesce((
            SELECT sum(e.amount_minor) FROM entries e WHERE e.vendor_id = k.vendor_id AND e.mode = k.mode AND e.currency = k.currency
              AND e.code = a.code AND e.sub = a.sub AND e.journal_id < {_DAY_BEGINS} AND e.journal_id >= coalesce(
                {_DAY_BEGINS.replace("k.day", "m.day")}, '00000000-0000-0000-0000-000000000000')), 0))
          FROM (SELECT DISTINCT b.code, b.sub FROM balances b
                WHERE b.vendor_id = k.vendor_id AND b.mode = k.mode AND b.currency = k.currency AND b.code IN {_OWN}) a
          LEFT JOIN LATERAL (SELECT t.day, t.amount_minor FROM balance_marks t WHERE t.vendor_id = k.vendor_id AND t.mode = k.mode
            AND t.currency = k.currency AND t.code = a.code AND t.sub = a.sub AND t.day <= k.day ORDER BY t.day DESC LIMIT 1) m ON true
        ), 0)::bigint AS closing_minor
        FROM ({_MONTHS}) k""",
)
# What each closed day's paper says of each account, against the journals that took effect on it; the first one closes all that was before it too.
# Days are closed one after the other, so that from the first to the last closed one there is none between.
DAYS = Shadow(
    "closed_days",
    ("mode", "day", "code", "currency"),
    """WITH closed AS (SELECT mode, min(day) AS first, max(day) AS last FROM ledger_days WHERE state = 'closed' GROUP BY mode), moved AS (
         SELECT j.mode, greatest((j.effective_at AT TIME ZONE 'UTC')::date, c.first) AS day, e.code, e.currency::text AS currency,
           sum(e.amount_minor) AS minor, coalesce(sum(e.amount_minor) FILTER (WHERE e.amount_minor > 0), 0) AS debit,
           coalesce(-sum(e.amount_minor) FILTER (WHERE e.amount_minor < 0), 0) AS credit
         FROM closed c JOIN journals j ON j.mode = c.mode AND j.effective_at < (c.last + 1)::timestamp AT TIME ZONE 'UTC'
         JOIN entries e ON e.vendor_id = j.vendor_id AND e.mode = j.mode AND e.journal_id = j.id
         GROUP BY j.mode, greatest((j.effective_at AT TIME ZONE 'UTC')::date, c.first), e.code, e.currency
       ), accounts AS (SELECT mode, code, currency, min(day) AS since FROM moved GROUP BY mode, code, currency)
       SELECT d.mode, d.day, a.code, a.currency, coalesce(m.debit, 0)::bigint AS debit, coalesce(m.credit, 0)::bigint AS credit,
         (sum(coalesce(m.minor, 0)) OVER (PARTITION BY d.mode, a.code, a.currency ORDER BY d.day))::bigint AS closing
       FROM ledger_days d JOIN accounts a ON a.mode = d.mode AND a.since <= d.day
       LEFT JOIN moved m ON m.mode = d.mode AND m.day = d.day AND m.code = a.code AND m.currency = a.currency
       WHERE d.state = 'closed'""",
    """SELECT d.mode, d.day, (a ->> 'code')::smallint AS code, a ->> 'currency' AS currency, (a ->> 'debit')::bigint AS debit,
         (a ->> 'credit')::bigint AS credit, (a ->> 'closing')::bigint AS closing
       FROM ledger_days d, jsonb_array_elements(d.facts -> 'accounts') AS a WHERE d.state = 'closed'""",
)
SHADOWS = (BALANCES, MARKS, STATEMENTS, DAYS)
