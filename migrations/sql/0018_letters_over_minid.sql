-- Who has MinID may have lost all that they log in with, and get a letter as well: when the password was chosen that they
-- had at the order. Whoever has chosen another since then gets in, and needs no letter.
ALTER TABLE letter ADD COLUMN password_at BIGINT;
