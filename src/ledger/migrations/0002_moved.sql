INSERT INTO deliveries_2 (id, dispatch, state, epoch, tries, due_at, worker, begun_at, reason, domain)
    SELECT id, dispatch, state, epoch, tries, due_at, worker, begun_at, reason, domain FROM deliveries
    WHERE NOT (state = 'queued' AND due_at = 0);
DROP TABLE delivery_keys;
DROP TABLE recipients;
DROP TABLE deliveries;
ALTER TABLE deliveries_2 RENAME TO deliveries;

-- Deliveries that were put off or given back: few, so that the others cost nothing here.
CREATE INDEX deliveries_due ON deliveries (dispatch, due_at) WHERE due_at > 0;
