-- Tokens in signed events of delivery services: each counts for one content only.
CREATE TABLE used_marks (
    -- The SHA-256 of the service and the token.
    mark     bytea  PRIMARY KEY,
    -- The SHA-256 of what it came with.
    content  bytea  NOT NULL,
    at       bigint NOT NULL,
    CONSTRAINT a_mark_is_a_digest CHECK (length(mark) = 32 AND length(content) = 32)
);

CREATE INDEX used_marks_by_age ON used_marks (at);
