"""Payouts made anew: their states from their history, what they paid from the journals, their statements from the entries they list."""

from __future__ import annotations

from core.kernel.shadow import Shadow

PAYOUTS = Shadow(
    "payouts",
    ("vendor_id", "mode", "public_id"),
    """SELECT p.vendor_id, p.mode, p.public_id, h.state, coalesce(h.version, 0) AS version,
         (SELECT -sum(e.amount_minor) FROM journals j JOIN entries e ON e.vendor_id = j.vendor_id AND e.mode = j.mode AND e.journal_id = j.id
            WHERE j.vendor_id = p.vendor_id AND j.mode = p.mode AND j.event_key = 'po:' || p.public_id || '\\:init' AND e.code = 2040)::bigint AS amount_minor,
         coalesce((SELECT -sum(e.amount_minor) FROM payout_lines l JOIN entries e
            ON e.vendor_id = l.vendor_id AND e.mode = l.mode AND e.journal_id = l.journal_id AND e.leg = l.leg
            WHERE l.vendor_id = p.vendor_id AND l.mode = p.mode AND l.payout_id = p.id), 0)::bigint AS lines_minor
       FROM (SELECT vendor_id, mode, id, public_id FROM payouts
         UNION ALL SELECT j.vendor_id, j.mode, NULL::uuid, j.about::varchar(40) FROM journals j WHERE j.event_key = 'po:' || j.about || '\\:init'
           AND NOT EXISTS (SELECT FROM payouts o WHERE o.vendor_id = j.vendor_id AND o.mode = j.mode AND o.public_id = j.about)) p LEFT JOIN (
         SELECT vendor_id, mode, payout_id, max(seq) AS version, (array_agg(to_state ORDER BY seq DESC) FILTER (WHERE to_state IS NOT NULL))[1] AS state
         FROM payout_events GROUP BY vendor_id, mode, payout_id
       ) h ON h.vendor_id = p.vendor_id AND h.mode = p.mode AND h.payout_id = p.id""",
    "SELECT vendor_id, mode, public_id, state, version, amount_minor, lines_minor FROM payouts",
)
SHADOWS = (PAYOUTS,)
