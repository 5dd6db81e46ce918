-- A delivery that is written without its event's object and place gets them from the event.
CREATE OR REPLACE FUNCTION place_delivery() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  SELECT e.subject, e.position INTO NEW.subject, NEW.position FROM events e
    WHERE e.vendor_id = NEW.vendor_id AND e.mode = NEW.mode AND e.id = NEW.event_id;
  RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER hook_deliveries_placed BEFORE INSERT ON hook_deliveries FOR EACH ROW
  WHEN (NEW.subject IS NULL OR NEW.position IS NULL) EXECUTE FUNCTION place_delivery();
ALTER TABLE hook_deliveries ENABLE ALWAYS TRIGGER hook_deliveries_placed;
