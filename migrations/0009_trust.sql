-- Up Migration
-- Whom a project's steps trust: the keys of SSH hosts, and certificate authorities beside the public ones.
CREATE TABLE secrets.trusted_host_keys (
  id UUID PRIMARY KEY,
  project_id UUID NOT NULL,
  host VARCHAR(255) NOT NULL, -- in lower case; exact, no pattern
  port INTEGER NOT NULL,
  key_type VARCHAR(50) NOT NULL, -- 'ssh-ed25519', 'ecdsa-sha2-nistp256', 'ssh-rsa' …
  public_key TEXT NOT NULL, -- base64 of the key's SSH wire format
  fingerprint VARCHAR(60) NOT NULL, -- 'SHA256:…'
  comment VARCHAR(255),
  -- A revoked key stays, so that the host is refused when it shows it.
  revoked BOOLEAN NOT NULL DEFAULT false,
  created_by VARCHAR(100),
  updated_by VARCHAR(100),
  created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT trusted_host_keys_project_id_host_port_fingerprint_key UNIQUE (project_id, host, port, fingerprint),
  CONSTRAINT trusted_host_keys_project_id_cross_schema
    FOREIGN KEY (project_id) REFERENCES api_key.projects(id) ON DELETE CASCADE
);

CREATE TABLE secrets.ca_bundles (
  id UUID PRIMARY KEY,
  project_id UUID NOT NULL,
  name VARCHAR(255) NOT NULL,
  certificates TEXT NOT NULL, -- PEM, each once
  certificate_count INTEGER NOT NULL,
  expires_at TIMESTAMPTZ(6) NOT NULL, -- of the certificate that expires first
  created_by VARCHAR(100),
  updated_by VARCHAR(100),
  created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT ca_bundles_project_id_name_key UNIQUE (project_id, name),
  CONSTRAINT ca_bundles_project_id_cross_schema
    FOREIGN KEY (project_id) REFERENCES api_key.projects(id) ON DELETE CASCADE
);

-- Down Migration
DROP TABLE secrets.ca_bundles;
DROP TABLE secrets.trusted_host_keys;
