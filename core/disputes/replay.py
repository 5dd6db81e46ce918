"""Disputes made anew: their states from their history, what each holds and how often it took money from the journals."""

from __future__ import annotations

from core.kernel.shadow import Shadow

# Our part and the seller's share in what is held, and what of that came from elsewhere than a payment that had not been released.
_OPENED = "j.kind = 'dispute opened'"
DISPUTES = Shadow(
    "disputes",
    ("vendor_id", "mode", "public_id"),
    f"""WITH legs AS MATERIALIZED (
          SELECT j.vendor_id, j.mode, split_part(j.event_key, ':', 2)::varchar(40) AS dispute, j.kind, j.about, e.code, e.amount_minor AS minor,
            split_part(j.event_key, ':', 4)::smallint AS cycle, coalesce(j.original_effective_at, j.effective_at) AS at
          FROM journals j JOIN entries e ON e.vendor_id = j.vendor_id AND e.mode = j.mode AND e.journal_id = j.id
          WHERE j.event_key LIKE 'dp\\:%'
        ), sums AS (
          SELECT j.vendor_id, j.mode, j.dispute, min(j.about) AS about, max(j.cycle) AS cycle, sum(j.minor) FILTER (WHERE j.code = 1060) AS taken,
            -coalesce(sum(j.minor) FILTER (WHERE j.code = 2030), 0) AS held,
            (array_agg(j.minor ORDER BY j.cycle DESC) FILTER (WHERE {_OPENED} AND j.code = 1060))[1] AS amount,
            max(j.at) FILTER (WHERE {_OPENED}) AS at,
            coalesce((SELECT sum(o.minor) FROM legs o WHERE o.vendor_id = j.vendor_id AND o.mode = j.mode AND o.dispute = j.dispute
              AND o.kind = 'dispute opened' AND o.code IN (2020, 1050) AND o.cycle = max(j.cycle)), 0) AS elsewhere
          FROM legs j GROUP BY j.vendor_id, j.mode, j.dispute
        ), history AS (
          SELECT vendor_id, mode, dispute_id, max(seq) AS version, (array_agg(to_state ORDER BY seq DESC) FILTER (WHERE to_state IS NOT NULL))[1] AS state,
            (array_agg((detail ->> 'amount_minor')::bigint ORDER BY seq))[1] AS told
          FROM dispute_events GROUP BY vendor_id, mode, dispute_id
        ), there AS (
          SELECT vendor_id, mode, id, public_id FROM disputes
          UNION ALL SELECT s.vendor_id, s.mode, NULL::uuid, s.dispute FROM sums s
            WHERE NOT EXISTS (SELECT FROM disputes d WHERE d.vendor_id = s.vendor_id AND d.mode = s.mode AND d.public_id = s.dispute)
        )
        SELECT d.vendor_id, d.mode, d.public_id, h.state, coalesce(h.version, 0) AS version, coalesce(s.cycle, 0)::smallint AS cycle,
          coalesce(s.amount, h.told) AS amount_minor, coalesce(s.held, 0)::bigint AS held_minor,
          CASE WHEN d.vendor_id = '00000000-0000-0000-0000-000000000000' THEN 0 ELSE coalesce(s.taken - s.held, 0) END::bigint AS share_fee_minor,
          CASE WHEN s.taken <> 0 AND (p.released_at IS NULL OR p.released_at > s.at) THEN s.elsewhere ELSE 0 END::bigint AS advanced_minor
        FROM there d
        LEFT JOIN history h ON h.vendor_id = d.vendor_id AND h.mode = d.mode AND h.dispute_id = d.id
        LEFT JOIN sums s ON s.vendor_id = d.vendor_id AND s.mode = d.mode AND s.dispute = d.public_id
        LEFT JOIN payments p ON p.vendor_id = s.vendor_id AND p.mode = s.mode AND p.public_id = s.about""",
    """SELECT vendor_id, mode, public_id, state, version, cycle, amount_minor, held_minor, share_fee_minor, advanced_minor FROM disputes""",
)
SHADOWS = (DISPUTES,)
