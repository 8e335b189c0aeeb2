-- What services are to be told: that a session has ended.

-- `id` is the `jti`, the same for each try. While the session may be alive, `session` is the key under which
-- it is kept and `next_at` the time when it ends by itself; afterwards `next_at` is the time of the next try.
CREATE TABLE logout_notice (
    id         TEXT   NOT NULL PRIMARY KEY,
    client     TEXT   NOT NULL,
    sid        TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    session    TEXT,
    created_at BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    ended_at   BIGINT,
    UNIQUE (sid, client)
);
CREATE INDEX logout_notice_next_at ON logout_notice (next_at) WHERE ended_at IS NULL;
CREATE INDEX logout_notice_ended_at ON logout_notice (ended_at) WHERE ended_at IS NOT NULL;
