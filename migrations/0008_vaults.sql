-- Up Migration
-- Vaults of other makers that a project's credentials of type vault_ref are read from.
CREATE TABLE secrets.vaults (
  id UUID PRIMARY KEY,
  project_id UUID NOT NULL,
  name VARCHAR(255) NOT NULL,
  provider VARCHAR(50) NOT NULL,
  description TEXT,
  settings JSONB NOT NULL, -- public: address, mount, region …
  auth_encrypted TEXT NOT NULL, -- what proves who we are, under the project's data key, bound to table, row and project
  key_id VARCHAR(64) NOT NULL, -- of secrets.data_keys
  version INTEGER NOT NULL DEFAULT 1, -- goes up with every change: connections made with a former one are dropped
  created_by VARCHAR(100),
  updated_by VARCHAR(100),
  created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT vaults_project_id_name_key UNIQUE (project_id, name),
  CONSTRAINT vaults_project_id_cross_schema
    FOREIGN KEY (project_id) REFERENCES api_key.projects(id) ON DELETE CASCADE
);
CREATE INDEX idx_vaults_project_id_created_at ON secrets.vaults (project_id, created_at, id);

-- Our copy of what a synchronised credential has in its vault. It is never deleted because the vault no longer has it.
CREATE TABLE secrets.vault_copies (
  credential_id UUID PRIMARY KEY REFERENCES secrets.credentials (id) ON DELETE CASCADE,
  project_id UUID NOT NULL,
  source_hash VARCHAR(64), -- of the reference that it was read by: a credential that points elsewhere has no copy yet
  secret_encrypted TEXT,
  key_id VARCHAR(64),
  synced_version VARCHAR(200), -- the vault's version of our copy
  vault_version VARCHAR(200), -- what the vault had when we looked last
  state VARCHAR(20) NOT NULL CHECK (state IN ('pending', 'in_sync', 'changed', 'missing', 'error')),
  last_error VARCHAR(50), -- a code
  last_synced_at TIMESTAMPTZ(6),
  last_checked_at TIMESTAMPTZ(6),
  next_check_at TIMESTAMPTZ(6) NOT NULL
);
CREATE INDEX idx_vault_copies_next_check_at ON secrets.vault_copies (next_check_at);
CREATE INDEX idx_credentials_vault_ref ON secrets.credentials (id) WHERE type = 'vault_ref' AND deleted_at IS NULL;

-- Down Migration
DROP INDEX secrets.idx_credentials_vault_ref;
DROP TABLE secrets.vault_copies;
DROP TABLE secrets.vaults;
