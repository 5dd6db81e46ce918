-- Whatever the histories and states of a vendor's things say becomes a draft of an event, in the same transaction. The house's own book has no
-- software to tell; what the house bills is told to whom it bills.

CREATE FUNCTION draft_payment_events() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO event_drafts (vendor_id, mode, type, subject, at)
    SELECT vendor_id, mode,
           CASE WHEN to_state IS NOT NULL THEN 'payment.' || to_state WHEN kind = 'refund.funded' THEN 'refund.requested'
                WHEN kind = 'refund.outside' THEN 'refund.submitted' ELSE kind END,
           CASE WHEN kind LIKE 'refund.%' THEN detail ->> 'refund' ELSE payment_id::text END, at
    FROM added WHERE vendor_id <> '00000000-0000-0000-0000-000000000000' AND (to_state IS NOT NULL
      OR kind IN ('payment.released', 'payment.unexpected_money')
      OR (detail ? 'refund' AND kind IN ('refund.requested', 'refund.queued', 'refund.funded', 'refund.outside', 'refund.submitted',
                                         'refund.pending', 'refund.unknown', 'refund.succeeded', 'refund.failed', 'refund.canceled')))
    ORDER BY vendor_id, mode, payment_id, seq;
  RETURN NULL;
END $$;

CREATE FUNCTION draft_order_events() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO event_drafts (vendor_id, mode, type, subject, at)
    SELECT vendor_id, mode, kind, subject_id::text, at FROM added WHERE to_state IS NOT NULL OR kind = 'order.delivered'
    ORDER BY vendor_id, mode, subject_id, seq;
  RETURN NULL;
END $$;

CREATE FUNCTION draft_dispute_events() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO event_drafts (vendor_id, mode, type, subject, at)
    SELECT vendor_id, mode, 'dispute.' || to_state, dispute_id::text, at FROM added WHERE to_state IS NOT NULL
    ORDER BY vendor_id, mode, dispute_id, seq;
  RETURN NULL;
END $$;

CREATE FUNCTION draft_payout_events() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO event_drafts (vendor_id, mode, type, subject, at)
    SELECT vendor_id, mode, 'payout.' || to_state, payout_id::text, at FROM added WHERE to_state IS NOT NULL
    ORDER BY vendor_id, mode, payout_id, seq;
  RETURN NULL;
END $$;

CREATE FUNCTION draft_link_event() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO event_drafts (vendor_id, mode, type, subject, at)
    VALUES (NEW.vendor_id, NEW.mode,
            CASE WHEN TG_OP = 'INSERT' THEN 'link.created' WHEN NEW.archived_at IS DISTINCT FROM OLD.archived_at
              THEN CASE WHEN NEW.archived_at IS NULL THEN 'link.restored' ELSE 'link.archived' END ELSE 'link.' || NEW.state END,
            NEW.id::text, NEW.updated_at);
  RETURN NULL;
END $$;

-- A plan of the house is told to whom it belongs; a membership to whom sells it.
CREATE FUNCTION draft_subscription_event() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NEW.vendor_id = '00000000-0000-0000-0000-000000000000' THEN
    INSERT INTO event_drafts (vendor_id, mode, type, subject, at)
      SELECT v.id, NEW.mode, 'subscription.' || NEW.status, NEW.id::text, now() FROM vendors v WHERE v.public_id = NEW.subscriber;
  ELSE
    INSERT INTO event_drafts (vendor_id, mode, type, subject, at)
      VALUES (NEW.vendor_id, NEW.mode, 'membership.' || NEW.status, NEW.id::text, now());
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION draft_document_event() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO event_drafts (vendor_id, mode, type, subject, at)
    SELECT CASE WHEN NEW.vendor_id = '00000000-0000-0000-0000-000000000000' THEN v.id ELSE NEW.vendor_id END, NEW.mode,
           NEW.kind || '.issued', NEW.id::text, now()
    FROM subscriptions s LEFT JOIN vendors v ON v.public_id = s.subscriber
    WHERE s.vendor_id = NEW.vendor_id AND s.mode = NEW.mode AND s.id = NEW.subscription_id
      AND (NEW.vendor_id <> '00000000-0000-0000-0000-000000000000' OR v.id IS NOT NULL);
  RETURN NULL;
END $$;

CREATE TRIGGER payment_events_told AFTER INSERT ON payment_events REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION draft_payment_events();
CREATE TRIGGER order_events_told AFTER INSERT ON order_events REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION draft_order_events();
CREATE TRIGGER dispute_events_told AFTER INSERT ON dispute_events REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION draft_dispute_events();
CREATE TRIGGER payout_events_told AFTER INSERT ON payout_events REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION draft_payout_events();
CREATE TRIGGER payment_links_begin_told AFTER INSERT ON payment_links FOR EACH ROW EXECUTE FUNCTION draft_link_event();
CREATE TRIGGER payment_links_told AFTER UPDATE ON payment_links FOR EACH ROW
  WHEN (OLD.state IS DISTINCT FROM NEW.state OR (OLD.archived_at IS NULL) <> (NEW.archived_at IS NULL)) EXECUTE FUNCTION draft_link_event();
CREATE TRIGGER subscriptions_begin_told AFTER INSERT ON subscriptions FOR EACH ROW EXECUTE FUNCTION draft_subscription_event();
CREATE TRIGGER subscriptions_told AFTER UPDATE ON subscriptions FOR EACH ROW
  WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION draft_subscription_event();
CREATE TRIGGER billing_documents_begin_told AFTER INSERT ON billing_documents FOR EACH ROW
  WHEN (NEW.state = 'final') EXECUTE FUNCTION draft_document_event();
CREATE TRIGGER billing_documents_told AFTER UPDATE ON billing_documents FOR EACH ROW
  WHEN (NEW.state = 'final' AND OLD.state <> 'final') EXECUTE FUNCTION draft_document_event();

ALTER TABLE payment_events ENABLE ALWAYS TRIGGER payment_events_told;
ALTER TABLE order_events ENABLE ALWAYS TRIGGER order_events_told;
ALTER TABLE dispute_events ENABLE ALWAYS TRIGGER dispute_events_told;
ALTER TABLE payout_events ENABLE ALWAYS TRIGGER payout_events_told;
ALTER TABLE payment_links ENABLE ALWAYS TRIGGER payment_links_begin_told;
ALTER TABLE payment_links ENABLE ALWAYS TRIGGER payment_links_told;
ALTER TABLE subscriptions ENABLE ALWAYS TRIGGER subscriptions_begin_told;
ALTER TABLE subscriptions ENABLE ALWAYS TRIGGER subscriptions_told;
ALTER TABLE billing_documents ENABLE ALWAYS TRIGGER billing_documents_begin_told;
ALTER TABLE billing_documents ENABLE ALWAYS TRIGGER billing_documents_told;
