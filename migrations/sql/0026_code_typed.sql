-- When a code was typed last while it was good: whoever did may be registering with it after its own time.
ALTER TABLE activation_code ADD COLUMN typed_at BIGINT;
