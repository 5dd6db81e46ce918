-- What the sellers of a portion have sold: each sale captured ten days ago and released three days ago, as the books would have it;
CREATE TEMP TABLE sold ON COMMIT DROP AS
  SELECT s.id AS vendor_id, 'pay_' || right(md5(s.n || ':' || k), 22) AS about, uuidv7(interval '-10 days') AS capture, uuidv7(interval '-3 days') AS release,
         now() - interval '10 days' AS captured_at, now() - interval '3 days' AS released_at
  FROM seller s, generate_series(1, %(sales)s) AS k WHERE s.n BETWEEN %(first)s AND %(last)s;
INSERT INTO journals (vendor_id, mode, id, event_key, kind, n_legs, digest, about, effective_at, recorded_at)
  SELECT vendor_id, 'test', capture, 'cap:sandbox:ch_' || about || ':1', 'capture', 3, md5(about), about, captured_at, captured_at FROM sold
  UNION ALL SELECT vendor_id, 'test', release, 'rel:' || about, 'release', 2, md5(about), about, released_at, released_at FROM sold;
INSERT INTO entries (vendor_id, mode, journal_id, leg, code, sub, currency, amount_minor, ref)
  SELECT vendor_id, 'test', capture, l.leg, l.code, l.sub, 'EUR', l.amount, ''
    FROM sold, (VALUES (1, 1010, 'sandbox', 10000), (2, 2010, '', -9850), (3, 4010, '', -150)) AS l (leg, code, sub, amount)
  UNION ALL SELECT vendor_id, 'test', release, l.leg, l.code, '', 'EUR', l.amount, ''
    FROM sold, (VALUES (1, 2010, 9850), (2, 2020, -9850)) AS l (leg, code, amount);
