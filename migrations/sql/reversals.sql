-- A journal is taken back by no more than it was: all that names it, together, in each currency. Whoever reverses the same at the same moment queues
-- at its row; a reversal is about the same thing as what it reverses, and so a few looks into the index find the others.
CREATE FUNCTION ledger_check_reversal(given_vendor uuid, given_mode text, original uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  subject text;
BEGIN
  SELECT about INTO subject FROM journals WHERE vendor_id = given_vendor AND mode = given_mode AND id = original FOR NO KEY UPDATE;
  IF EXISTS (
    SELECT FROM journals r JOIN entries e ON e.vendor_id = r.vendor_id AND e.mode = r.mode AND e.journal_id = r.id
    WHERE r.vendor_id = given_vendor AND r.mode = given_mode AND r.about = subject AND r.reverses = original AND e.amount_minor > 0
    GROUP BY e.currency
    HAVING sum(e.amount_minor) > (SELECT coalesce(sum(o.amount_minor), 0) FROM entries o WHERE o.vendor_id = given_vendor AND o.mode = given_mode
      AND o.journal_id = original AND o.currency = e.currency AND o.amount_minor > 0)) THEN
    RAISE EXCEPTION 'journal % would be taken back by more than it was', original
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_reversal';
  END IF;
END $$;
