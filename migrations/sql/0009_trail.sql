-- What happened to whom, by whom and why: append-only, each entry chained to the one before it.

-- `details` is JSON, sealed; `digest` is the SHA-256 of what is in it as long as it is there, so that details can be
-- erased and the chain still be verified. `hash` is over everything but `details`, and the hash before.
CREATE TABLE event (
    number   BIGINT NOT NULL PRIMARY KEY,
    at       BIGINT NOT NULL,
    kind     TEXT   NOT NULL,
    subject  TEXT   NOT NULL,
    actor    TEXT   NOT NULL,
    details  TEXT,
    digest   TEXT   NOT NULL,
    hash     TEXT   NOT NULL
);
CREATE INDEX event_subject ON event (subject, number);
CREATE INDEX event_at ON event (at) WHERE details IS NOT NULL;

-- The one row that every writer passes, one after the other.
CREATE TABLE event_head (
    id     TEXT   NOT NULL PRIMARY KEY CHECK (id = 'head'),
    number BIGINT NOT NULL,
    hash   TEXT   NOT NULL
);
INSERT INTO event_head (id, number, hash) VALUES ('head', 0, '');
