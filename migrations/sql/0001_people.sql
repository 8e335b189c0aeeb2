-- People, and how they prove who they are.

CREATE TABLE person (
    id          TEXT   NOT NULL PRIMARY KEY,
    fnr         TEXT   NOT NULL UNIQUE,
    given_name  TEXT   NOT NULL,
    family_name TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    locked_at   BIGINT,
    closed_at   BIGINT
);

-- A person without a row here has no MinID.
CREATE TABLE password (
    person     TEXT   NOT NULL PRIMARY KEY REFERENCES person (id) ON DELETE CASCADE,
    phc        TEXT   NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE contact (
    person            TEXT NOT NULL PRIMARY KEY REFERENCES person (id) ON DELETE CASCADE,
    mobile            TEXT,
    mobile_changed_at BIGINT,
    email             TEXT,
    email_changed_at  BIGINT
);

-- Counted before a secret is compared. One row per identifier and lane; an identifier that nobody
-- has gets its row too, or the missing work would tell.
CREATE TABLE attempt_ledger (
    subject           TEXT   NOT NULL,
    lane              TEXT   NOT NULL,
    points            BIGINT NOT NULL,
    quarantines       BIGINT NOT NULL,
    quarantined_until BIGINT,
    locked_at         BIGINT,
    looks             BIGINT NOT NULL,
    looks_since       BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    PRIMARY KEY (subject, lane)
);
CREATE INDEX attempt_ledger_updated_at ON attempt_ledger (updated_at);

-- Browsers in which a person has logged in: their own lane in the ledger.
CREATE TABLE known_browser (
    browser      TEXT   NOT NULL,
    person       TEXT   NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    last_used_at BIGINT NOT NULL,
    PRIMARY KEY (browser, person)
);
