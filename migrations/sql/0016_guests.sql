-- Guests: people of whom no fødselsnummer is known, who have logged in by an e-mail address or by another country's eID
-- that matches nobody here. What they have agreed to and when they were signed out hangs on a row, as for everybody.

-- Their `id` is a keyed hash of what they have proved, and `fnr` is `guest:` and that id, which no number is. Neither the
-- address nor the foreign identifier is kept here. Empty for everybody else; a guest who has not come for long is forgotten.
ALTER TABLE person ADD COLUMN guest_seen_at BIGINT;
CREATE INDEX person_guest_seen_at ON person (guest_seen_at) WHERE guest_seen_at IS NOT NULL;

-- Whoever is forgotten is looked for where something may hang on them.
CREATE INDEX notice_of_person ON notice (person);
