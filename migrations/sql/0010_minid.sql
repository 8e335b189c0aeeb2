-- MinID's factors besides the password and the telephone, and the whole life of an account.

-- Why it is locked or closed: 'self', 'support', 'lost-device'; 'wish', 'death', 'support'.
ALTER TABLE person ADD COLUMN locked_code TEXT;
ALTER TABLE person ADD COLUMN closed_code TEXT;
-- The second factor that the person wants to be asked for first, and the one that was used last.
ALTER TABLE person ADD COLUMN preferred_factor TEXT;
ALTER TABLE person ADD COLUMN last_factor TEXT;
-- Whoever proved who they were before that is no longer logged in anywhere.
ALTER TABLE person ADD COLUMN signed_out_at BIGINT;
-- When what may not be kept any longer was erased.
ALTER TABLE person ADD COLUMN erased_at BIGINT;
UPDATE person SET locked_code = 'support' WHERE locked_at IS NOT NULL;
UPDATE person SET closed_code = 'support' WHERE closed_at IS NOT NULL;
CREATE INDEX person_closed_at ON person (closed_at) WHERE closed_at IS NOT NULL AND erased_at IS NULL;

-- Numbers that people had before: a D-number, or a fødselsnummer that was wrong.
CREATE TABLE former_fnr (
    fnr    TEXT   NOT NULL PRIMARY KEY,
    person TEXT   NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    until  BIGINT NOT NULL
);
CREATE INDEX former_fnr_person ON former_fnr (person);

-- Set when the person has to choose another at the next login.
ALTER TABLE password ADD COLUMN must_change_at BIGINT;

CREATE TABLE totp (
    id           TEXT   NOT NULL PRIMARY KEY,
    person       TEXT   NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    name         TEXT   NOT NULL,
    sealed       TEXT   NOT NULL,
    last_step    BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT,
    removed_at   BIGINT
);
CREATE INDEX totp_person ON totp (person);

-- A set of them is made at once, and ends the set before.
CREATE TABLE recovery_code (
    person     TEXT   NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    hash       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    used_at    BIGINT,
    PRIMARY KEY (person, hash)
);

-- `credential` is the public key and all that WebAuthn wants remembered, as JSON.
CREATE TABLE passkey (
    id           TEXT   NOT NULL PRIMARY KEY,
    person       TEXT   NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    name         TEXT   NOT NULL,
    credential   TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT,
    removed_at   BIGINT
);
CREATE INDEX passkey_person ON passkey (person);

-- Telephones and desktops with the MinID app. `token_hash` lets the app see what waits for an answer; only a
-- signature by `credential` answers it. `push` is where it is woken, as JSON.
CREATE TABLE device (
    id           TEXT   NOT NULL PRIMARY KEY,
    person       TEXT   NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    name         TEXT   NOT NULL,
    credential   TEXT   NOT NULL,
    token_hash   TEXT   NOT NULL UNIQUE,
    push         TEXT,
    system       TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT,
    paused_at    BIGINT,
    removed_at   BIGINT
);
CREATE INDEX device_person ON device (person);

-- Secrets of the house, made when they are first needed: the key by which push services know us.
CREATE TABLE house_secret (
    name       TEXT   NOT NULL PRIMARY KEY,
    sealed     TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX known_browser_last_used_at ON known_browser (last_used_at);
CREATE INDEX known_browser_person ON known_browser (person);
