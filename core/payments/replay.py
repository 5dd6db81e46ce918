"""Payments and refunds made anew: their states from their history, their sums from the journals, and nothing from their own rows."""

from __future__ import annotations

from core.kernel.shadow import Shadow

# What each journal says of its payment: the legs on what is on its way to a payer (2050), on the seller's accounts (2010, 2020, 1050),
# unapplied (2095), fees given back (4015), what the processor kept (5010) and what disputes hold (1060, 2030). A refund of the sale is one that
# took nothing unapplied. What reconciliation corrected, and what was taken back by hand, is the books' affair and not the payment's.
_LEGS = """SELECT j.vendor_id, j.mode, j.about, j.kind, j.event_key, coalesce(j.original_effective_at, j.effective_at) AS at, e.code, e.ref, e.currency,
    e.amount_minor AS minor,
    j.kind IN ('refund requested', 'refund failed') AND EXISTS (
      SELECT FROM entries u WHERE u.vendor_id = j.vendor_id AND u.mode = j.mode AND u.journal_id = j.id AND u.code = 2095) AS of_unapplied
  FROM journals j JOIN entries e ON e.vendor_id = j.vendor_id AND e.mode = j.mode AND e.journal_id = j.id
  WHERE j.about LIKE 'pay\\_%' AND j.kind NOT IN ('reconciled', 'reversed') AND NOT (e.code = 2030 AND e.sub = 'reserve')"""
_REFUNDS = """SELECT l.vendor_id, l.mode, l.about, l.ref, -sum(l.minor) FILTER (WHERE l.kind IN ('refund requested', 'refund failed')) AS asked,
    -sum(l.minor) FILTER (WHERE l.kind = 'refund requested') AS amount, -sum(l.minor) AS on_its_way, bool_or(l.of_unapplied) AS of_unapplied
  FROM legs l WHERE l.code = 2050 AND l.ref LIKE 'ref\\_%' GROUP BY l.vendor_id, l.mode, l.about, l.ref"""
_SUMS = """SELECT l.vendor_id, l.mode, l.about,
    sum(l.minor) FILTER (WHERE l.kind = 'capture' AND l.minor > 0) AS captured,
    sum(l.minor) FILTER (WHERE l.code = 4015) AS fee_returned,
    sum(l.minor) FILTER (WHERE l.code = 5010 AND l.kind = 'processor fee') AS processor_fee,
    -sum(l.minor) FILTER (WHERE l.code = 5010 AND l.kind = 'processor fee borne') AS borne,
    sum(l.minor) FILTER (WHERE l.code = 1060) AS disputed,
    CASE WHEN l.vendor_id = '00000000-0000-0000-0000-000000000000' THEN 0 ELSE sum(l.minor) FILTER (WHERE l.code IN (1060, 2030)) END AS disputed_fee,
    sum(l.minor) FILTER (WHERE l.kind = 'capture' AND l.code = 2095 AND l.minor > 0) AS applied,
    sum(l.minor) FILTER (WHERE l.kind = 'transfer taken back' AND l.code IN (2010, 2020, 1050, 4015)) AS taken_back,
    -sum(l.minor) FILTER (WHERE l.kind = 'transfer received' AND l.code = 2095) AS transferred,
    sum(l.minor) FILTER (WHERE l.kind = 'transfer taken back' AND l.code = 2095) AS transferred_back,
    -sum(l.minor) FILTER (WHERE l.kind IN ('return requested', 'return failed') AND l.code = 2050) AS given_back,
    sum(l.minor) FILTER (WHERE l.kind = 'dispute fee' AND l.code IN (2020, 1050)) AS dispute_fee_borne
  FROM legs l GROUP BY l.vendor_id, l.mode, l.about"""
_HISTORY = """SELECT vendor_id, mode, payment_id, max(seq) AS version,
    (array_agg(to_state ORDER BY seq DESC) FILTER (WHERE to_state IS NOT NULL))[1] AS state
  FROM payment_events GROUP BY vendor_id, mode, payment_id"""

# Each is there whose history or whose journals are there, whether its own row is or not.
_THERE = """SELECT vendor_id, mode, id, public_id FROM payments
  UNION ALL SELECT DISTINCT l.vendor_id, l.mode, NULL::uuid, l.about::varchar(40) FROM legs l
    WHERE NOT EXISTS (SELECT FROM payments p WHERE p.vendor_id = l.vendor_id AND p.mode = l.mode AND p.public_id = l.about)
  UNION ALL SELECT h.vendor_id, h.mode, h.payment_id, h.payment_id::varchar(40) FROM history h
    WHERE NOT EXISTS (SELECT FROM payments p WHERE p.vendor_id = h.vendor_id AND p.mode = h.mode AND p.id = h.payment_id)"""
# One time a dispute took the money, each with its end. Lost, as far as it was left of the payment it is a refund that stands under the dispute's own
# name; what the bank took beyond that the seller bears. What an unreleased payment had taken from elsewhere stays so until it is won back.
_TAKEN = """SELECT l.vendor_id, l.mode, l.about, split_part(l.event_key, ':', 2) AS dispute, split_part(l.event_key, ':', 4) AS cycle,
    sum(l.minor) FILTER (WHERE l.kind = 'dispute opened' AND l.code IN (2020, 1050)) AS elsewhere,
    max(l.at) FILTER (WHERE l.kind = 'dispute opened') AS at, bool_or(l.kind = 'dispute won') AS won,
    -sum(l.minor) FILTER (WHERE (l.kind = 'dispute lost' AND l.code = 1060) OR (l.kind = 'dispute reversed' AND l.code = 1010)) AS lost
  FROM legs l WHERE l.kind IN ('dispute opened', 'dispute won', 'dispute lost', 'dispute reversed')
  GROUP BY l.vendor_id, l.mode, l.about, split_part(l.event_key, ':', 2), split_part(l.event_key, ':', 4)"""
_DISPUTED = """SELECT t.vendor_id, t.mode, t.about, sum(r.amount_minor) AS lost,
    sum(CASE WHEN t.vendor_id = '00000000-0000-0000-0000-000000000000' THEN 0 ELSE t.lost - coalesce(r.amount_minor, 0) END) AS beyond,
    sum(CASE WHEN t.won OR p.released_at <= t.at THEN 0 ELSE t.elsewhere END) AS elsewhere
  FROM taken t
  LEFT JOIN refunds r ON r.vendor_id = t.vendor_id AND r.mode = t.mode AND r.state = 'succeeded' AND r.amount_minor <= t.lost
    AND r.form_token = t.dispute || ':' || t.cycle
  LEFT JOIN payments p ON p.vendor_id = t.vendor_id AND p.mode = t.mode AND p.public_id = t.about
  GROUP BY t.vendor_id, t.mode, t.about"""

PAYMENTS = Shadow(
    "payments",
    ("vendor_id", "mode", "public_id"),
    f"""WITH legs AS MATERIALIZED ({_LEGS}), refunds_made AS ({_REFUNDS}), sums AS ({_SUMS}), history AS ({_HISTORY}),
          taken AS ({_TAKEN}), disputed AS ({_DISPUTED}), given AS (
          SELECT vendor_id, mode, about, sum(on_its_way) AS refunding, sum(asked - on_its_way) AS refunded
          FROM refunds_made WHERE NOT of_unapplied GROUP BY vendor_id, mode, about)
        SELECT p.vendor_id, p.mode, p.public_id, coalesce(h.state, 'created') AS state, coalesce(h.version, 0) AS version,
          coalesce(s.captured, 0)::bigint AS captured_minor, coalesce(g.refunding, 0)::bigint AS refunding_minor,
          (coalesce(g.refunded, 0) + coalesce(s.taken_back, 0) + coalesce(d.lost, 0))::bigint AS refunded_minor,
          coalesce(s.fee_returned, 0)::bigint AS fee_returned_minor, coalesce(s.processor_fee, 0)::bigint AS processor_fee_minor,
          (coalesce(s.transferred, 0) - coalesce(s.transferred_back, 0))::bigint AS received_minor, coalesce(s.given_back, 0)::bigint AS given_back_minor,
          coalesce(s.applied, 0)::bigint AS applied_minor, coalesce(s.borne, 0)::bigint AS borne_minor,
          coalesce(s.disputed, 0)::bigint AS disputed_minor, coalesce(s.disputed_fee, 0)::bigint AS disputed_fee_minor,
          (coalesce(d.elsewhere, 0) - coalesce(d.beyond, 0))::bigint AS advanced_minor,
          (coalesce(s.dispute_fee_borne, 0) + coalesce(d.beyond, 0))::bigint AS dispute_cost_minor
        FROM ({_THERE}) p
        LEFT JOIN history h ON h.vendor_id = p.vendor_id AND h.mode = p.mode AND h.payment_id = p.id
        LEFT JOIN sums s ON s.vendor_id = p.vendor_id AND s.mode = p.mode AND s.about = p.public_id
        LEFT JOIN disputed d ON d.vendor_id = p.vendor_id AND d.mode = p.mode AND d.about = p.public_id
        LEFT JOIN given g ON g.vendor_id = p.vendor_id AND g.mode = p.mode AND g.about = p.public_id""",
    """SELECT vendor_id, mode, public_id, state, version, captured_minor, refunding_minor, refunded_minor, fee_returned_minor,
         coalesce(processor_fee_minor, 0) AS processor_fee_minor, received_minor, given_back_minor, applied_minor, borne_minor, disputed_minor,
         disputed_fee_minor, advanced_minor, dispute_cost_minor FROM payments""",
)
# What a line of a payment's history makes of the refund it names; other lines say nothing of its state.
_BECOMES = {
    "refund.requested": "requested", "unexpected.return_requested": "requested", "refund.queued": "queued", "refund.funded": "requested",
    "refund.submitted": "submitted", "refund.outside": "submitted", "refund.pending": "pending", "refund.succeeded": "succeeded",
    "refund.failed": "failed", "refund.canceled": "canceled", "refund.unknown": "unknown",
}  # fmt: skip
_STATE = "CASE e.kind " + " ".join(f"WHEN '{kind}' THEN '{state}'" for kind, state in _BECOMES.items()) + " END"
REFUNDS = Shadow(
    "refunds",
    ("vendor_id", "mode", "public_id"),
    f"""WITH legs AS MATERIALIZED ({_LEGS}), refunds_made AS ({_REFUNDS}), fees AS (
          SELECT vendor_id, mode, split_part(event_key, ':', 2) AS ref, sum(minor) AS fee FROM legs
          WHERE code = 4015 AND kind = 'refund requested' GROUP BY vendor_id, mode, split_part(event_key, ':', 2))
        SELECT m.vendor_id, m.mode, m.ref::varchar(40) AS public_id, m.about::varchar(40) AS payment, (m.on_its_way <> 0) AS on_its_way, (m.asked <> 0) AS stands,
          m.amount::bigint AS amount_minor, coalesce(f.fee, 0)::bigint AS fee_returned_minor,
          (SELECT {_STATE} FROM payment_events e JOIN payments p ON p.vendor_id = e.vendor_id AND p.mode = e.mode AND p.id = e.payment_id
             WHERE p.vendor_id = m.vendor_id AND p.mode = m.mode AND p.public_id = m.about AND e.detail ->> 'refund' = m.ref
               AND {_STATE} IS NOT NULL ORDER BY e.seq DESC LIMIT 1) AS state
        FROM refunds_made m LEFT JOIN fees f ON f.vendor_id = m.vendor_id AND f.mode = m.mode AND f.ref = m.ref""",
    """SELECT r.vendor_id, r.mode, r.public_id, p.public_id AS payment, r.state IN ('requested', 'submitted', 'pending', 'unknown') AS on_its_way,
         r.state NOT IN ('failed', 'canceled') AS stands, r.amount_minor, r.fee_returned_minor, r.state
       FROM refunds r JOIN payments p ON p.vendor_id = r.vendor_id AND p.mode = r.mode AND p.id = r.payment_id
       WHERE r.requested_by <> 'bank' AND EXISTS (SELECT FROM journals j WHERE j.vendor_id = r.vendor_id AND j.mode = r.mode
         AND j.event_key = 'rf:' || r.public_id || '\\:req')""",
)
# What is kept aside of each payment by a rule, used for debts, and given back.
RESERVES = Shadow(
    "reserve_holds",
    ("vendor_id", "mode", "payment"),
    """SELECT j.vendor_id, j.mode, j.about::varchar(40) AS payment, e.currency, coalesce(-sum(e.amount_minor) FILTER (WHERE j.kind = 'reserve held'), 0)::bigint AS taken_minor,
         coalesce(sum(e.amount_minor) FILTER (WHERE j.kind = 'reserve given back'), 0)::bigint AS given_minor,
         coalesce(sum(e.amount_minor) FILTER (WHERE j.kind = 'reserve used'), 0)::bigint AS used_minor, (sum(e.amount_minor) = 0) AS is_over
       FROM journals j JOIN entries e ON e.vendor_id = j.vendor_id AND e.mode = j.mode AND e.journal_id = j.id
       WHERE e.code = 2030 AND e.sub = 'reserve' GROUP BY j.vendor_id, j.mode, j.about, e.currency""",
    """SELECT vendor_id, mode, payment, currency, taken_minor, given_minor, used_minor, (ended_at IS NOT NULL) AS is_over FROM reserve_holds""",
)
SHADOWS = (PAYMENTS, REFUNDS, RESERVES)
