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
  key_id VARCHAR(64), -- null in a row that another program of the seed wrote
  project_id UUID,
  -- Tells several accounts of one host and purpose apart; the seed's rows have none.
  label VARCHAR(100) NOT NULL DEFAULT '',
  version INTEGER NOT NULL DEFAULT 1,
  UNIQUE (host, purpose, label)
);

CREATE INDEX idx_host_credentials_host ON secrets.host_credentials (host);
CREATE INDEX idx_host_credentials_purpose ON secrets.host_credentials (purpose);
CREATE INDEX idx_host_credentials_host_purpose ON secrets.host_credentials (host, purpose);

-- The log outlives what it tells of: SET NULL where the seed had CASCADE, and no key at all on the later columns.
CREATE TABLE secrets.credential_access_log (
  id BIGINT PRIMARY KEY, -- given by the chain, without gaps: a missing number is a missing row
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
  step_id VARCHAR(100),
  -- Why, where it was no step of a run: 'credential check', 'rotation', 'export' …
  reason VARCHAR(200),
  host_credential_id INTEGER, -- as credential_id was; stays when the credential goes
  -- SHA-256 over the row before's hash and every column of this row but credential_id.
  chain_hash BYTEA NOT NULL
);

CREATE INDEX idx_credential_access_log_credential_id ON secrets.credential_access_log (credential_id);
CREATE INDEX idx_credential_access_log_accessed_at ON secrets.credential_access_log (accessed_at);
CREATE INDEX idx_credential_access_log_host ON secrets.credential_access_log (host);
CREATE INDEX idx_credential_access_log_credential_uuid ON secrets.credential_access_log (credential_uuid)
  WHERE credential_uuid IS NOT NULL;

-- What was done cannot be undone by the service that did it.
REVOKE UPDATE, DELETE ON secrets.credential_access_log FROM svc_secrets_broker;

-- The last row of the chain. Whoever appends holds its lock until the row is durable.
CREATE TABLE secrets.access_log_head (
  singleton BOOLEAN PRIMARY KEY DEFAULT true CHECK (singleton),
  last_id BIGINT NOT NULL,
  chain_hash BYTEA NOT NULL
);
INSERT INTO secrets.access_log_head (last_id, chain_hash) VALUES (0, decode(repeat('00', 32), 'hex'));
REVOKE INSERT, DELETE ON secrets.access_log_head FROM svc_secrets_broker;

CREATE TABLE secrets.credentials (
  id UUID PRIMARY KEY,
  project_id UUID NOT NULL,
  name VARCHAR(255) NOT NULL,
  type VARCHAR(50) NOT NULL,
  description TEXT,
  secret_encrypted TEXT NOT NULL, -- AES-256-GCM under the project's data key, bound to table, row and project
  key_id VARCHAR(64) NOT NULL, -- of secrets.data_keys
  extra JSONB NOT NULL DEFAULT '{}',
  version INTEGER NOT NULL DEFAULT 1, -- goes up with every change of the secret or of `extra`
  version_created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  version_created_by VARCHAR(100),
  -- What may use it: { jobs?: [uuid], step_types?: [text], hosts?: [text] }; an absent list limits nothing.
  limits JSONB NOT NULL DEFAULT '{}',
  expires_at TIMESTAMPTZ(6),
  rotate_every_days INTEGER,
  rotated_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP, -- when the secret was given
  -- Seed 000: what of an x509 credential is public, in PEM.
  certificate TEXT,
  certificate_chain TEXT,
  certificate_format VARCHAR(20), -- 'pem', 'pkcs12': how it came in
  certificate_expires_at TIMESTAMPTZ(6),
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

-- For the monitor of what expires.
CREATE INDEX idx_credentials_expires_at ON secrets.credentials (expires_at) WHERE deleted_at IS NULL;
CREATE INDEX idx_credentials_certificate_expires_at ON secrets.credentials (certificate_expires_at) WHERE deleted_at IS NULL;
-- For the purge of what was deleted long ago.
CREATE INDEX idx_credentials_deleted_at ON secrets.credentials (deleted_at) WHERE deleted_at IS NOT NULL;

-- The secrets that a credential had before its present one.
CREATE TABLE secrets.credential_versions (
  credential_id UUID NOT NULL REFERENCES secrets.credentials (id) ON DELETE CASCADE,
  version INTEGER NOT NULL,
  secret_encrypted TEXT NOT NULL,
  key_id VARCHAR(64) NOT NULL,
  extra JSONB NOT NULL,
  certificate TEXT,
  certificate_chain TEXT,
  certificate_format VARCHAR(20),
  certificate_expires_at TIMESTAMPTZ(6),
  expires_at TIMESTAMPTZ(6),
  rotated_at TIMESTAMPTZ(6) NOT NULL,
  created_by VARCHAR(100),
  created_at TIMESTAMPTZ(6) NOT NULL,
  PRIMARY KEY (credential_id, version)
);

-- What was announced of a date that comes near: once for each date and threshold, also over restarts.
CREATE TABLE secrets.expiry_notices (
  id UUID NOT NULL UNIQUE DEFAULT gen_random_uuid(), -- of the notification, however often it is sent
  credential_id UUID NOT NULL REFERENCES secrets.credentials (id) ON DELETE CASCADE,
  kind VARCHAR(20) NOT NULL CHECK (kind IN ('expiry', 'certificate', 'rotation')),
  due_at TIMESTAMPTZ(6) NOT NULL,
  threshold_days INTEGER NOT NULL,
  noticed_at TIMESTAMPTZ(6) NOT NULL,
  notified_at TIMESTAMPTZ(6), -- when somebody was written to, or nobody had to be any more
  PRIMARY KEY (credential_id, kind, due_at, threshold_days)
);
CREATE INDEX idx_expiry_notices_unsent ON secrets.expiry_notices (due_at) WHERE notified_at IS NULL;

-- The master keys: what they are called and what state they are in. Their bytes are elsewhere, but for the time of a
-- rotation, when each of the two is kept encrypted under the other, so that either of them opens the service.
CREATE TABLE secrets.master_keys (
  key_use VARCHAR(50) NOT NULL, -- 'host_credentials', 'credentials'
  key_id VARCHAR(64) NOT NULL,
  provider VARCHAR(30) NOT NULL, -- 'environment', 'file', 'vault-transit', 'pkcs11'
  state VARCHAR(20) NOT NULL CHECK (state IN ('current', 'decrypt_only', 'destroyed')),
  canary_encrypted TEXT NOT NULL, -- the first thing it encrypted, so that another key is refused before it writes anything
  wrapped_key TEXT,
  wrapped_by VARCHAR(64),
  created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  state_changed_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (key_use, key_id)
);
CREATE UNIQUE INDEX master_keys_one_current ON secrets.master_keys (key_use) WHERE state = 'current';

-- A project's data keys, wrapped by a master key. No project: the platform's own, for a master key that never leaves its
-- provider and so cannot encrypt host credentials itself.
CREATE TABLE secrets.data_keys (
  id UUID PRIMARY KEY,
  project_id UUID,
  master_key_id VARCHAR(64) NOT NULL,
  wrapped_key TEXT NOT NULL,
  state VARCHAR(20) NOT NULL CHECK (state IN ('current', 'decrypt_only')),
  created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX data_keys_one_current ON secrets.data_keys (project_id) NULLS NOT DISTINCT WHERE state = 'current';
CREATE INDEX idx_data_keys_master_key_id ON secrets.data_keys (master_key_id);

-- Each change of a master key: how far it has come and, when it has ended, the proof of it.
CREATE TABLE secrets.key_rotations (
  id UUID PRIMARY KEY,
  key_use VARCHAR(50) NOT NULL,
  from_key_id VARCHAR(64) NOT NULL,
  to_key_id VARCHAR(64) NOT NULL,
  state VARCHAR(20) NOT NULL CHECK (state IN ('running', 'completed', 'rolled_back')),
  rows_total BIGINT NOT NULL,
  rows_done BIGINT NOT NULL DEFAULT 0,
  last_error TEXT,
  proof JSONB,
  started_by VARCHAR(100) NOT NULL,
  started_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  finished_at TIMESTAMPTZ(6)
);
CREATE UNIQUE INDEX key_rotations_one_running ON secrets.key_rotations (key_use) WHERE state = 'running';

-- Down Migration
DROP TABLE secrets.key_rotations;
DROP TABLE secrets.data_keys;
DROP TABLE secrets.master_keys;
DROP TABLE secrets.expiry_notices;
DROP TABLE secrets.credential_versions;
DROP TABLE secrets.credentials;
DROP TABLE secrets.access_log_head;
-- These two may be gone already: seed 003's own rollback takes them.
DROP TABLE IF EXISTS secrets.credential_access_log;
DROP TABLE IF EXISTS secrets.host_credentials;
