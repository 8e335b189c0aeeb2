-- When somebody was last told that there is something better than what they log in with: now and then, and not each time.
ALTER TABLE person ADD COLUMN nudged_at BIGINT;
