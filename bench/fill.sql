-- Paid payments %(begin)s to %(begin)s + %(step)s of %(count)s, oldest first, as settling them one by one would have left them;
CREATE TEMP TABLE fresh_payments ON COMMIT DROP AS
  SELECT n, uuidv7(-shift) AS id, now() - shift AS at, upper(substr(md5(n::text), 1, 5) || '-' || substr(md5('b' || n), 1, 5)) AS reference,
         uuidv7(-shift) AS attempt_id, uuidv7(-shift) AS journal_id
  FROM (SELECT n, interval '365 days' * (1 - n::float8 / %(count)s::bigint) AS shift FROM generate_series(%(begin)s::bigint, %(begin)s::bigint + %(step)s - 1) AS n) s;
INSERT INTO payments (vendor_id, mode, id, public_id, reference, token_id, form_token, description, provider, state, holds_place, currency,
    amount_minor, captured_minor, refunding_minor, refunded_minor, fee_minor, fee_returned_minor, processor_fee_minor, email, payer_name, charge,
    method, method_kind, card_brand, card_last4, card_funding, expires_at, captured_at, available_at, released_at, created_at, updated_at, version)
  SELECT %(vendor)s, 'test', id, 'pay_' || left(replace(id::text, '-', ''), 22), left('B' || n || '-' || reference, 20), 'tok_' || id, 'form_' || id,
    'Stock', 'sandbox', 'succeeded', false, 'GBP', 10000, 10000, 0, 0, 150, 0, 320, 'payer-' || n %% 5000 || '@example.com', 'Ada Payer', 'ch_' || id,
    'card', 'card', 'visa', '4242', 'credit', at + interval '1 hour', at, at + interval '7 days', at + interval '7 days', at, at, 4
  FROM fresh_payments ORDER BY n;
INSERT INTO attempts (vendor_id, mode, id, public_id, payment_id, number, state, surface, method, provider, delayed_days, provider_reference, inquiries,
    created_at, updated_at)
  SELECT %(vendor)s, 'test', attempt_id, 'att_' || left(replace(attempt_id::text, '-', ''), 22), id, 1, 'succeeded', 'hosted', 'card', 'sandbox', 0,
    'cs_' || id, 0, at, at
  FROM fresh_payments ORDER BY n;
INSERT INTO payment_events (vendor_id, mode, payment_id, seq, kind, from_state, to_state, actor, cause, detail, at)
  SELECT %(vendor)s, 'test', id, e.seq, e.kind, e.old, e.new, e.actor, '', jsonb_build_object('amount_minor', 10000, 'currency', 'GBP'), at
  FROM fresh_payments, (VALUES (1, 'payment.created', NULL, 'created', 'payer'), (2, 'attempt.started', NULL, NULL, 'payer'),
    (3, 'payment.requires_action', 'created', 'requires_action', 'system'), (4, 'payment.succeeded', 'requires_action', 'succeeded', 'provider'))
    AS e (seq, kind, old, new, actor)
  ORDER BY n, e.seq;
INSERT INTO journals (vendor_id, mode, id, event_key, kind, n_legs, digest, about, effective_at, recorded_at)
  SELECT %(vendor)s, 'test', journal_id, 'cap:sandbox:ch_' || id || ':1', 'capture', 3, md5(n::text),
    'pay_' || left(replace(id::text, '-', ''), 22), at, at
  FROM fresh_payments ORDER BY n;
INSERT INTO entries (vendor_id, mode, journal_id, leg, code, sub, currency, amount_minor, ref)
  SELECT %(vendor)s, 'test', journal_id, l.leg, l.code, l.sub, 'GBP', l.amount, ''
  FROM fresh_payments, (VALUES (1, 1010, 'sandbox', 10000), (2, 2010, '', -9850), (3, 4010, '', -150)) AS l (leg, code, sub, amount)
  ORDER BY n, l.leg;
