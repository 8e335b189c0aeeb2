-- How somebody gets MinID: activation codes, and the letters that carry them.

-- Of the codes of a person the newest alone is good: a new one ends those before it. `hash` needs the master key.
CREATE TABLE activation_code (
    id          TEXT   NOT NULL PRIMARY KEY,
    person      TEXT   NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    source      TEXT   NOT NULL CHECK (source IN ('letter', 'school')),
    hash        TEXT   NOT NULL UNIQUE,
    created_at  BIGINT NOT NULL,
    valid_until BIGINT NOT NULL,
    used_at     BIGINT,
    ended_at    BIGINT
);
CREATE INDEX activation_code_person ON activation_code (person, created_at);

-- What was handed over to the print house at once. `written_at`: all files are there, under a name that is ours;
-- `handed_over_at`: under the name that the print house takes. `leased_until`: somebody is at it.
CREATE TABLE letter_batch (
    id              TEXT   NOT NULL PRIMARY KEY,
    created_at      BIGINT NOT NULL,
    leased_until    BIGINT,
    written_at      BIGINT,
    handed_over_at  BIGINT,
    acknowledged_at BIGINT
);

-- `sealed` is the code, from when it is drawn until it is handed over, and never after that.
CREATE TABLE letter (
    id              TEXT   NOT NULL PRIMARY KEY,
    person          TEXT   NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    language        TEXT   NOT NULL,
    ordered_at      BIGINT NOT NULL,
    valid_until     BIGINT NOT NULL,
    batch           TEXT   REFERENCES letter_batch (id),
    code            TEXT   REFERENCES activation_code (id),
    sealed          TEXT,
    handed_over_at  BIGINT,
    acknowledged_at BIGINT,
    used_at         BIGINT,
    returned_at     BIGINT,
    returned_code   TEXT
);
CREATE INDEX letter_person ON letter (person, ordered_at);
CREATE INDEX letter_ordered_at ON letter (ordered_at);
CREATE INDEX letter_waiting ON letter (ordered_at) WHERE batch IS NULL AND returned_at IS NULL;
CREATE INDEX letter_batch_of ON letter (batch);
CREATE INDEX letter_code ON letter (code);
