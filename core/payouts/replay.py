"""Payouts made anew: their states from their history, what they paid from the journals, their statements from the entries they list."""

from __future__ import annotations

from core.kernel.shadow import Shadow

# A statement opens with what the one before it carried on: all lines so far, less all that was paid out so far.
_BEFORE = "PARTITION BY m.vendor_id, m.mode, m.currency ORDER BY m.seq, m.public_id ROWS BETWEEN UNBOUNDED PRECEDING AND"
_MADE = """SELECT p.vendor_id, p.mode, p.id, p.public_id, p.seq, b.currency, b.amount, coalesce((SELECT -sum(e.amount_minor) FROM payout_lines l JOIN entries e
      ON e.vendor_id = l.vendor_id AND e.mode = l.mode AND e.journal_id = l.journal_id AND e.leg = l.leg
      WHERE l.vendor_id = p.vendor_id AND l.mode = p.mode AND l.payout_id = p.id), 0) AS lines
  FROM (SELECT vendor_id, mode, id, public_id, seq FROM payouts
    UNION ALL SELECT j.vendor_id, j.mode, NULL::uuid, j.about::varchar(40), NULL::integer FROM journals j WHERE j.event_key = 'po:' || j.about || '\\:init'
      AND NOT EXISTS (SELECT FROM payouts o WHERE o.vendor_id = j.vendor_id AND o.mode = j.mode AND o.public_id = j.about)) p
  LEFT JOIN LATERAL (SELECT e.currency::text AS currency, -sum(e.amount_minor) AS amount FROM journals j
    JOIN entries e ON e.vendor_id = j.vendor_id AND e.mode = j.mode AND e.journal_id = j.id
    WHERE j.vendor_id = p.vendor_id AND j.mode = p.mode AND j.event_key = 'po:' || p.public_id || '\\:init' AND e.code = 2040 GROUP BY e.currency) b ON true"""
PAYOUTS = Shadow(
    "payouts",
    ("vendor_id", "mode", "public_id"),
    f"""WITH made AS ({_MADE})
       SELECT m.vendor_id, m.mode, m.public_id, h.state, coalesce(h.version, 0) AS version, m.amount::bigint AS amount_minor, m.lines::bigint AS lines_minor,
         coalesce(sum(m.lines - m.amount) OVER ({_BEFORE} 1 PRECEDING), 0)::bigint AS opening_minor,
         sum(m.lines - m.amount) OVER ({_BEFORE} CURRENT ROW)::bigint AS carried_minor
       FROM made m LEFT JOIN (
         SELECT vendor_id, mode, payout_id, max(seq) AS version, (array_agg(to_state ORDER BY seq DESC) FILTER (WHERE to_state IS NOT NULL))[1] AS state
         FROM payout_events GROUP BY vendor_id, mode, payout_id
       ) h ON h.vendor_id = m.vendor_id AND h.mode = m.mode AND h.payout_id = m.id""",
    "SELECT vendor_id, mode, public_id, state, version, amount_minor, lines_minor, opening_minor, carried_minor FROM payouts",
)
SHADOWS = (PAYOUTS,)
