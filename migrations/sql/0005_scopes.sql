-- Scopes that somebody owns, and what citizens have agreed to.

-- `registration` is JSON with the field names that services know (description, requires_user_consent ...).
CREATE TABLE scope (
    name         TEXT   NOT NULL PRIMARY KEY,
    registration TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    removed_at   BIGINT
);

CREATE TABLE consent (
    person       TEXT   NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    client       TEXT   NOT NULL,
    scope        TEXT   NOT NULL,
    given_at     BIGINT NOT NULL,
    withdrawn_at BIGINT,
    PRIMARY KEY (person, client, scope)
);

-- The grants that rest on a consent, and end when it is withdrawn.
CREATE TABLE consented_grant (
    id      TEXT   NOT NULL PRIMARY KEY,
    person  TEXT   NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    client  TEXT   NOT NULL,
    ends_at BIGINT NOT NULL
);
CREATE INDEX consented_grant_person ON consented_grant (person, client);
CREATE INDEX consented_grant_ends_at ON consented_grant (ends_at);
