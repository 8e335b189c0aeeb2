-- The contact register (KRR): how people are reached, since when, and how sure that is.

-- For mobile and e-mail: `_changed_at` when it became this one, `_confirmed_at` when the person last said that it is
-- right, `_proved_at` when a code sent there last came back.
ALTER TABLE contact ADD COLUMN mobile_confirmed_at BIGINT;
ALTER TABLE contact ADD COLUMN mobile_proved_at BIGINT;
ALTER TABLE contact ADD COLUMN email_confirmed_at BIGINT;
ALTER TABLE contact ADD COLUMN email_proved_at BIGINT;
ALTER TABLE contact ADD COLUMN language TEXT;
ALTER TABLE contact ADD COLUMN language_changed_at BIGINT;
ALTER TABLE contact ADD COLUMN reserved_at BIGINT;
ALTER TABLE contact ADD COLUMN reservation_changed_at BIGINT;
ALTER TABLE contact ADD COLUMN postbox TEXT;
ALTER TABLE contact ADD COLUMN postbox_provider TEXT;
ALTER TABLE contact ADD COLUMN postbox_certificate TEXT;
ALTER TABLE contact ADD COLUMN postbox_changed_at BIGINT;
ALTER TABLE contact ADD COLUMN deleted_at BIGINT;
-- When the page in the login was last shown and passed over.
ALTER TABLE contact ADD COLUMN asked_at BIGINT;
-- The place of the last change in the feed of changes.
ALTER TABLE contact ADD COLUMN feed_number BIGINT NOT NULL DEFAULT 0;
CREATE INDEX contact_feed_number ON contact (feed_number);
CREATE INDEX contact_mobile ON contact (mobile) WHERE mobile IS NOT NULL;
CREATE INDEX contact_email ON contact (email) WHERE email IS NOT NULL;

CREATE TABLE contact_feed (
    id     TEXT   NOT NULL PRIMARY KEY CHECK (id = 'head'),
    number BIGINT NOT NULL
);
INSERT INTO contact_feed (id, number) VALUES ('head', 0);
