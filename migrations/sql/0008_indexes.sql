-- What is looked at when a server starts: which grants were revoked in the last day. All others have no `ended_at`.
CREATE INDEX refresh_family_ended_at ON refresh_family (ended_at) WHERE ended_at IS NOT NULL;
