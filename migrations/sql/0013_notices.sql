-- 0014_notices.sql
-- What people are to be told of what support has done to their account: the command line has no way to telephones and
-- mailboxes, so it is queued here, and the server sends it.

-- `channel` is one way to the person as it was before the change, as JSON; `language` is the one that they want to be
-- written to in. A row is gone when it has been sent, or given up.
CREATE TABLE notice (
    id         TEXT   NOT NULL PRIMARY KEY,
    person     TEXT   NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    kind       TEXT   NOT NULL,
    channel    TEXT   NOT NULL,
    language   TEXT,
    created_at BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    attempts   BIGINT NOT NULL
);
CREATE INDEX notice_next_at ON notice (next_at);

-- What was withdrawn is forgotten in its time.
CREATE INDEX consent_withdrawn_at ON consent (withdrawn_at) WHERE withdrawn_at IS NOT NULL;
