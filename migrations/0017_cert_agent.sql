-- Up Migration
-- The TLS certificates of an NGINX fleet (seed 004): what is managed, what is wished, what is live, what was done.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'svc_cert_agent') THEN
    CREATE ROLE svc_cert_agent NOLOGIN;
  END IF;
END
$$;
CREATE SCHEMA cert_agent;

-- A managed NGINX host.
CREATE TABLE cert_agent.servers (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  project_id UUID NOT NULL,
  name VARCHAR(100) NOT NULL,
  host VARCHAR(255) NOT NULL,
  port INTEGER NOT NULL DEFAULT 22 CHECK (port BETWEEN 1 AND 65535),
  credential_id UUID NOT NULL, -- of the broker, of type ssh or ssh_certificate
  via TEXT[] NOT NULL DEFAULT '{}', -- names of the project's bastions, from the nearest on
  sudo BOOLEAN NOT NULL DEFAULT false,
  nginx JSONB NOT NULL, -- paths, commands, owner and mode of files, what may be touched
  keep_versions INTEGER NOT NULL DEFAULT 3 CHECK (keep_versions BETWEEN 1 AND 20),
  created_by TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  CONSTRAINT servers_project_id_name_key UNIQUE (project_id, name),
  CONSTRAINT servers_project_id_cross_schema FOREIGN KEY (project_id) REFERENCES api_key.projects (id) ON DELETE CASCADE
);
CREATE INDEX servers_project_id_created_at_idx ON cert_agent.servers (project_id, created_at, id);

-- Who signs: an account at a certificate authority.
CREATE TABLE cert_agent.acme_accounts (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  project_id UUID NOT NULL,
  name VARCHAR(100) NOT NULL,
  directory_url TEXT NOT NULL,
  staging_directory_url TEXT, -- tried first once issuing has failed repeatedly
  contact_email VARCHAR(320),
  credential_id UUID NOT NULL, -- of the broker, of type acme_account: its key, EAB and URL
  staging_credential_id UUID,
  is_default BOOLEAN NOT NULL DEFAULT false,
  blocked_until TIMESTAMPTZ, -- the CA said so (Retry-After)
  preferred_chain VARCHAR(100), -- of several, the one that ends at the authority of this common name
  created_by TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  CONSTRAINT acme_accounts_project_id_name_key UNIQUE (project_id, name),
  CONSTRAINT acme_accounts_project_id_cross_schema FOREIGN KEY (project_id) REFERENCES api_key.projects (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX acme_accounts_default_key ON cert_agent.acme_accounts (project_id) WHERE is_default;

-- Who writes the records of dns-01.
CREATE TABLE cert_agent.dns_accounts (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  project_id UUID NOT NULL,
  name VARCHAR(100) NOT NULL,
  provider VARCHAR(30) NOT NULL, -- a file of dns-providers/
  settings JSONB NOT NULL,
  credential_id UUID,
  created_by TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  CONSTRAINT dns_accounts_project_id_name_key UNIQUE (project_id, name),
  CONSTRAINT dns_accounts_project_id_cross_schema FOREIGN KEY (project_id) REFERENCES api_key.projects (id) ON DELETE CASCADE
);

-- The wish: names, key, who signs, how it is renewed; and the version that is the newest good one.
CREATE TABLE cert_agent.certificates (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  project_id UUID NOT NULL,
  name VARCHAR(100) NOT NULL,
  names TEXT[] NOT NULL CHECK (cardinality(names) BETWEEN 1 AND 100), -- DNS names, in ASCII, and addresses
  source VARCHAR(10) NOT NULL CHECK (source IN ('acme', 'import')),
  acme_account_id UUID REFERENCES cert_agent.acme_accounts (id),
  key_type VARCHAR(20) NOT NULL CHECK (key_type IN ('rsa-2048', 'rsa-3072', 'rsa-4096', 'ec-p256', 'ec-p384', 'other')),
  key_made_on UUID REFERENCES cert_agent.servers (id) ON DELETE SET NULL, -- null: here
  profile VARCHAR(100),
  challenges JSONB NOT NULL DEFAULT '[]', -- how control is shown, by name
  auto_renew BOOLEAN NOT NULL DEFAULT true,
  rotate_key BOOLEAN NOT NULL DEFAULT true,
  credential_id UUID, -- of the broker, of type x509: key, certificate and chain; null before the first version
  version INTEGER NOT NULL DEFAULT 0, -- the newest of certificate_versions
  state VARCHAR(20) NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'issuing', 'valid', 'failed', 'revoked')),
  not_after TIMESTAMPTZ,
  renewal_info JSONB, -- RFC 9773: the window and when to ask again
  renew_at TIMESTAMPTZ, -- null: not by itself
  order_under_way JSONB, -- at the CA: who goes on after a crash takes it up
  failures INTEGER NOT NULL DEFAULT 0, -- in a row, of issuing
  last_error JSONB,
  created_by TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  CONSTRAINT certificates_project_id_name_key UNIQUE (project_id, name),
  CONSTRAINT certificates_project_id_cross_schema FOREIGN KEY (project_id) REFERENCES api_key.projects (id) ON DELETE CASCADE,
  CHECK ((source = 'acme') = (acme_account_id IS NOT NULL))
);
CREATE INDEX certificates_project_id_created_at_idx ON cert_agent.certificates (project_id, created_at, id);
CREATE INDEX certificates_not_after_idx ON cert_agent.certificates (project_id, not_after);
CREATE INDEX certificates_renew_at_idx ON cert_agent.certificates (renew_at) WHERE renew_at IS NOT NULL;

-- What was issued or imported: all of it is public.
CREATE TABLE cert_agent.certificate_versions (
  certificate_id UUID NOT NULL REFERENCES cert_agent.certificates (id) ON DELETE CASCADE,
  version INTEGER NOT NULL CHECK (version > 0),
  serial VARCHAR(64) NOT NULL, -- lower-case hexadecimal
  issuer TEXT NOT NULL,
  names TEXT[] NOT NULL,
  fingerprint_sha256 VARCHAR(64) NOT NULL,
  not_before TIMESTAMPTZ NOT NULL,
  not_after TIMESTAMPTZ NOT NULL,
  certificate TEXT NOT NULL, -- PEM
  chain TEXT NOT NULL DEFAULT '', -- PEM, without the certificate and the root
  acme_account_id UUID REFERENCES cert_agent.acme_accounts (id) ON DELETE SET NULL, -- by which it was issued
  created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  revoked_at TIMESTAMPTZ,
  revocation_reason INTEGER,
  PRIMARY KEY (certificate_id, version)
);

-- A virtual host: what is served there, and which certificate should be.
CREATE TABLE cert_agent.vhosts (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  project_id UUID NOT NULL,
  server_id UUID NOT NULL REFERENCES cert_agent.servers (id) ON DELETE CASCADE,
  names TEXT[] NOT NULL CHECK (cardinality(names) BETWEEN 1 AND 100), -- server_name; the first is the one that is probed
  probe_host VARCHAR(255), -- null: the server's host
  probe_port INTEGER NOT NULL DEFAULT 443 CHECK (probe_port BETWEEN 1 AND 65535),
  config_file TEXT, -- where nginx reads it
  template TEXT, -- null: the configuration is the server's own affair
  certificate_id UUID REFERENCES cert_agent.certificates (id),
  discovered BOOLEAN NOT NULL DEFAULT false,
  state VARCHAR(20) NOT NULL DEFAULT 'unknown'
    CHECK (state IN ('unknown', 'ok', 'expiring', 'expired', 'mismatch', 'unreachable')),
  served JSONB, -- what the last probe saw
  probe_error JSONB,
  probed_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE UNIQUE INDEX vhosts_server_id_name_port_key ON cert_agent.vhosts (server_id, (names[1]), probe_port);
CREATE INDEX vhosts_certificate_id_idx ON cert_agent.vhosts (certificate_id);
CREATE INDEX vhosts_probed_at_idx ON cert_agent.vhosts (probed_at NULLS FIRST);

-- One certificate put on one server: the wished version and the live one.
CREATE TABLE cert_agent.deployments (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  project_id UUID NOT NULL,
  certificate_id UUID NOT NULL REFERENCES cert_agent.certificates (id),
  server_id UUID NOT NULL REFERENCES cert_agent.servers (id) ON DELETE CASCADE,
  desired_version INTEGER NOT NULL,
  live_version INTEGER, -- proven by a probe from outside
  state VARCHAR(20) NOT NULL DEFAULT 'pending'
    CHECK (state IN ('pending', 'staging', 'testing', 'swapping', 'reloading', 'probing', 'live', 'rolling_back', 'failed')),
  operation_id UUID, -- that puts desired_version there; one that comes later takes its place
  attempts INTEGER NOT NULL DEFAULT 0, -- since desired_version was wished
  retry_at TIMESTAMPTZ,
  last_error JSONB,
  created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  CONSTRAINT deployments_certificate_id_server_id_key UNIQUE (certificate_id, server_id)
);
CREATE INDEX deployments_server_id_idx ON cert_agent.deployments (server_id);
CREATE INDEX deployments_operation_id_idx ON cert_agent.deployments (operation_id);

-- What somebody asked for, or a schedule: each is one workflow in namespace opsconductor-system.
CREATE TABLE cert_agent.operations (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  project_id UUID NOT NULL,
  kind VARCHAR(20) NOT NULL CHECK (kind IN ('issue', 'import', 'renew', 'deploy', 'revoke', 'discover', 'probe', 'batch', 'export', 'account', 'check', 'clean-up')),
  batch_id UUID REFERENCES cert_agent.operations (id) ON DELETE CASCADE,
  certificate_id UUID REFERENCES cert_agent.certificates (id) ON DELETE SET NULL,
  server_id UUID REFERENCES cert_agent.servers (id) ON DELETE SET NULL,
  request JSONB NOT NULL DEFAULT '{}',
  actor TEXT NOT NULL,
  state VARCHAR(20) NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  progress JSONB NOT NULL DEFAULT '{}',
  result JSONB,
  error JSONB,
  credentials UUID[] NOT NULL DEFAULT '{}', -- what the broker lends to it while it is running
  created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  started_at TIMESTAMPTZ,
  finished_at TIMESTAMPTZ,
  CONSTRAINT operations_project_id_cross_schema FOREIGN KEY (project_id) REFERENCES api_key.projects (id) ON DELETE CASCADE
);
CREATE INDEX operations_project_id_created_at_idx ON cert_agent.operations (project_id, created_at, id);
CREATE INDEX operations_batch_id_idx ON cert_agent.operations (batch_id);
CREATE INDEX operations_certificate_id_idx ON cert_agent.operations (certificate_id, created_at);
CREATE INDEX operations_server_id_idx ON cert_agent.operations (server_id);
CREATE INDEX operations_open_idx ON cert_agent.operations (state) WHERE state IN ('queued', 'running');

-- Each action through the API, over SSH and at a CA (LOG-1, LOG-4). Nothing is changed in it.
CREATE TABLE cert_agent.audit_log (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  project_id UUID NOT NULL,
  actor TEXT NOT NULL,
  action VARCHAR(50) NOT NULL, -- as certificate.issue, ssh.command, acme.finalize
  operation_id UUID,
  certificate_id UUID,
  server_id UUID,
  outcome VARCHAR(10) NOT NULL CHECK (outcome IN ('succeeded', 'failed', 'refused')),
  detail JSONB NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_log_project_id_idx ON cert_agent.audit_log (project_id, id);
CREATE INDEX audit_log_operation_id_idx ON cert_agent.audit_log (operation_id);
CREATE INDEX audit_log_certificate_id_idx ON cert_agent.audit_log (certificate_id, id);
CREATE INDEX audit_log_server_id_idx ON cert_agent.audit_log (server_id, id);

-- SEC-3: API keys that may manage only some of the project's servers; a key without a row may manage all.
CREATE TABLE cert_agent.client_limits (
  project_id UUID NOT NULL,
  api_key_id UUID NOT NULL,
  server_ids UUID[] NOT NULL,
  updated_by TEXT NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  PRIMARY KEY (project_id, api_key_id),
  CONSTRAINT client_limits_project_id_cross_schema FOREIGN KEY (project_id) REFERENCES api_key.projects (id) ON DELETE CASCADE
);

-- Who works on a certificate or a server; see leases.ts.
CREATE TABLE cert_agent.leases (
  key VARCHAR(100) PRIMARY KEY,
  holder UUID NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL
);

-- Challenges of http-01 that the gateway's static route asks us for.
CREATE TABLE cert_agent.http_challenges (
  token VARCHAR(255) PRIMARY KEY,
  key_authorization TEXT NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL
);

-- What was put into DNS or on a server to show control over a name, until it is known to be gone.
CREATE TABLE cert_agent.presented_challenges (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  project_id UUID NOT NULL,
  operation_id UUID NOT NULL, -- that put it there
  name VARCHAR(253) NOT NULL,
  token VARCHAR(255) NOT NULL,
  key_authorization TEXT NOT NULL,
  challenge JSONB NOT NULL, -- how it was shown
  presented_at TIMESTAMPTZ NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, -- to take it away
  retry_at TIMESTAMPTZ NOT NULL,
  CONSTRAINT presented_challenges_project_id_name_token_key UNIQUE (project_id, name, token),
  CONSTRAINT presented_challenges_project_id_cross_schema FOREIGN KEY (project_id) REFERENCES api_key.projects (id) ON DELETE CASCADE
);
CREATE INDEX presented_challenges_retry_at_idx ON cert_agent.presented_challenges (retry_at);

-- Whom a project is told of failures and expiry, and what was told already.
CREATE TABLE cert_agent.notification_settings (
  project_id UUID PRIMARY KEY,
  settings JSONB NOT NULL,
  updated_by TEXT NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  CONSTRAINT notification_settings_project_id_cross_schema FOREIGN KEY (project_id) REFERENCES api_key.projects (id) ON DELETE CASCADE
);
CREATE TABLE cert_agent.notifications (
  project_id UUID NOT NULL,
  key VARCHAR(255) NOT NULL, -- what it is about and how bad: the same is told once
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  payload JSONB NOT NULL,
  told TEXT[] NOT NULL DEFAULT '{}', -- who has it already
  attempts INTEGER NOT NULL DEFAULT 0,
  retry_at TIMESTAMPTZ, -- infinity: given up
  sending_until TIMESTAMPTZ, -- who sends it has it for so long, and borrows its credentials
  sent_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  PRIMARY KEY (project_id, key),
  CONSTRAINT notifications_project_id_cross_schema FOREIGN KEY (project_id) REFERENCES api_key.projects (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX notifications_id_key ON cert_agent.notifications (id);
CREATE INDEX notifications_unsent_idx ON cert_agent.notifications (created_at) WHERE sent_at IS NULL;

GRANT USAGE ON SCHEMA cert_agent TO svc_cert_agent;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA cert_agent TO svc_cert_agent;
REVOKE UPDATE, DELETE ON cert_agent.audit_log FROM svc_cert_agent;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA cert_agent TO svc_cert_agent;
ALTER DEFAULT PRIVILEGES IN SCHEMA cert_agent GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO svc_cert_agent;
ALTER DEFAULT PRIVILEGES IN SCHEMA cert_agent GRANT USAGE, SELECT ON SEQUENCES TO svc_cert_agent;
ALTER ROLE svc_cert_agent SET search_path = cert_agent;

-- Down Migration
DROP SCHEMA cert_agent CASCADE;
