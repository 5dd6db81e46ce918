"""Orders and checkouts made anew: their states from their history, their sums from the lines that were sold."""

from __future__ import annotations

from core.kernel.shadow import Shadow

_HISTORY = """SELECT vendor_id, mode, subject_id, max(seq) AS version,
    (array_agg(to_state ORDER BY seq DESC) FILTER (WHERE to_state IS NOT NULL))[1] AS state,
    (array_agg((detail ->> 'fee_minor')::bigint ORDER BY seq))[1] AS fee
  FROM order_events GROUP BY vendor_id, mode, subject_id"""
ORDERS = Shadow(
    "orders",
    ("vendor_id", "mode", "id"),
    f"""SELECT p.vendor_id, p.mode, p.id, h.state, coalesce(h.version, 0) AS version, l.amount::bigint AS amount_minor, h.fee AS fee_minor
        FROM (SELECT seller_id AS vendor_id, mode, order_id AS id FROM checkout_parts
              UNION SELECT vendor_id, mode, id FROM orders) p
        LEFT JOIN ({_HISTORY}) h ON h.vendor_id = p.vendor_id AND h.mode = p.mode AND h.subject_id = p.id
        LEFT JOIN (SELECT vendor_id, mode, order_id, sum(amount_minor) AS amount FROM order_lines GROUP BY vendor_id, mode, order_id) l
          ON l.vendor_id = p.vendor_id AND l.mode = p.mode AND l.order_id = p.id""",
    "SELECT vendor_id, mode, id, state, version, amount_minor, fee_minor FROM orders",
)
CHECKOUTS = Shadow(
    "checkouts",
    ("vendor_id", "mode", "id"),
    f"""SELECT p.vendor_id, p.mode, p.id, h.state, coalesce(h.version, 0) AS version, p.total::bigint AS total_minor
        FROM (SELECT c.vendor_id, c.mode, c.checkout_id AS id, sum(l.amount_minor) AS total FROM checkout_parts c
              JOIN order_lines l ON l.vendor_id = c.seller_id AND l.mode = c.mode AND l.order_id = c.order_id
              GROUP BY c.vendor_id, c.mode, c.checkout_id) p
        LEFT JOIN ({_HISTORY}) h ON h.vendor_id = p.vendor_id AND h.mode = p.mode AND h.subject_id = p.id""",
    "SELECT vendor_id, mode, id, state, version, total_minor FROM checkouts",
)
SHADOWS = (ORDERS, CHECKOUTS)
