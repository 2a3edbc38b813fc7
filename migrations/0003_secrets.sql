-- Up Migration
-- Seed 003 to the letter, then what product.md adds: the key that encrypted a row, and the project that owns it (null:
-- the platform's own).
CREATE TABLE secrets.host_credentials (
  id SERIAL PRIMARY KEY,
  host VARCHAR(255) NOT NULL,
  purpose VARCHAR(50) NOT NULL,
  username VARCHAR(255),
  password_encrypted TEXT, -- AES-256-GCM encrypted
  domain VARCHAR(255),
  additional_data JSONB DEFAULT '{}',
  created_at TIMESTAMPTZ(6) DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ(6) DEFAULT CURRENT_TIMESTAMP,
  created_by VARCHAR(100),
  updated_by VARCHAR(100),
  key_id VARCHAR(16), -- null in a row that another program of the seed wrote
  project_id UUID,
  UNIQUE (host, purpose)
);

CREATE INDEX idx_host_credentials_host ON secrets.host_credentials (host);
CREATE INDEX idx_host_credentials_purpose ON secrets.host_credentials (purpose);
CREATE INDEX idx_host_credentials_host_purpose ON secrets.host_credentials (host, purpose);

-- The log outlives what it tells of: SET NULL where the seed had CASCADE, and no key at all on the later columns.
CREATE TABLE secrets.credential_access_log (
  id SERIAL PRIMARY KEY,
  credential_id INTEGER REFERENCES secrets.host_credentials (id) ON DELETE SET NULL,
  host VARCHAR(255) NOT NULL,
  purpose VARCHAR(50) NOT NULL,
  accessed_by VARCHAR(100),
  access_type VARCHAR(50) NOT NULL, -- 'read', 'create', 'update', 'delete'
  success BOOLEAN DEFAULT true,
  error_message TEXT,
  ip_address INET,
  accessed_at TIMESTAMPTZ(6) DEFAULT CURRENT_TIMESTAMP,
  -- Of a use of secrets.credentials: which one, and for which step of which run.
  credential_uuid UUID,
  project_id UUID,
  run_id UUID,
  step_id VARCHAR(100)
);

CREATE INDEX idx_credential_access_log_credential_id ON secrets.credential_access_log (credential_id);
CREATE INDEX idx_credential_access_log_accessed_at ON secrets.credential_access_log (accessed_at);
CREATE INDEX idx_credential_access_log_host ON secrets.credential_access_log (host);
CREATE INDEX idx_credential_access_log_credential_uuid ON secrets.credential_access_log (credential_uuid);

-- What was done cannot be undone by the service that did it.
REVOKE UPDATE, DELETE ON secrets.credential_access_log FROM svc_secrets_broker;

CREATE TABLE secrets.credentials (
  id UUID PRIMARY KEY,
  project_id UUID NOT NULL,
  name VARCHAR(255) NOT NULL,
  type VARCHAR(50) NOT NULL,
  description TEXT,
  secret_encrypted TEXT NOT NULL, -- AES-256-GCM, bound to table, row and project
  key_id VARCHAR(16) NOT NULL,
  extra JSONB NOT NULL DEFAULT '{}',
  is_active BOOLEAN NOT NULL DEFAULT true,
  created_by VARCHAR(100),
  updated_by VARCHAR(100),
  deleted_at TIMESTAMPTZ(6),
  created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- The name of a deleted credential is free again.
CREATE UNIQUE INDEX credentials_project_id_name_key ON secrets.credentials (project_id, name) WHERE deleted_at IS NULL;
CREATE INDEX idx_credentials_project_id_created_at ON secrets.credentials (project_id, created_at, id);

-- What each master key encrypted first, so that another key is refused before it writes anything.
CREATE TABLE secrets.key_canaries (
  key_use VARCHAR(50) PRIMARY KEY, -- 'host_credentials', 'credentials'
  key_id VARCHAR(16) NOT NULL,
  canary_encrypted TEXT NOT NULL,
  created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- Down Migration
DROP TABLE secrets.key_canaries;
DROP TABLE secrets.credentials;
DROP TABLE secrets.credential_access_log;
DROP TABLE secrets.host_credentials;
