-- To find what belongs to a person: hashes of their addresses, and what imports did to them.
CREATE INDEX subscriber_hashes_by_subscriber ON subscriber_hashes (subscriber);
CREATE INDEX import_changes_by_subscriber ON import_changes (subscriber);
