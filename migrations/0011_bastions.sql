-- Up Migration
-- SSH servers that a project's steps may go through to their targets; a step names them in its `via`.
CREATE TABLE executor.bastions (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  project_id UUID NOT NULL,
  name VARCHAR(255) NOT NULL,
  host VARCHAR(255) NOT NULL, -- in lower case; as the bastion before it, or this machine, resolves it
  port INTEGER NOT NULL,
  credential VARCHAR(255) NOT NULL, -- of the project, by id or name
  description TEXT,
  created_by VARCHAR(100) NOT NULL,
  updated_by VARCHAR(100) NOT NULL,
  created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT bastions_project_id_name_key UNIQUE (project_id, name)
);

-- A key that signs hosts' certificates; its host may be a pattern, '*.' and a domain.
ALTER TABLE secrets.trusted_host_keys ADD COLUMN is_authority BOOLEAN NOT NULL DEFAULT false;

-- Keys that hosts have shown and nobody has trusted yet: a person compares and approves them.
CREATE TABLE secrets.seen_host_keys (
  id UUID PRIMARY KEY,
  project_id UUID NOT NULL,
  host VARCHAR(255) NOT NULL,
  port INTEGER NOT NULL,
  key_type VARCHAR(50) NOT NULL,
  public_key TEXT NOT NULL,
  fingerprint VARCHAR(60) NOT NULL,
  -- The project trusted other keys of this host when it was seen last.
  changed BOOLEAN NOT NULL,
  times_seen INTEGER NOT NULL DEFAULT 1,
  created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  last_seen_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT seen_host_keys_project_id_host_port_fingerprint_key UNIQUE (project_id, host, port, fingerprint),
  CONSTRAINT seen_host_keys_project_id_cross_schema
    FOREIGN KEY (project_id) REFERENCES api_key.projects(id) ON DELETE CASCADE
);

-- Down Migration
DROP TABLE secrets.seen_host_keys;
ALTER TABLE secrets.trusted_host_keys DROP COLUMN is_authority;
DROP TABLE executor.bastions;
