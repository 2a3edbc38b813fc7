-- Up Migration
-- External systems that a project's steps name (seed 002, 12.3 and 12.4).
CREATE TABLE interface_registry.connectors (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  project_id UUID NOT NULL,
  name VARCHAR(255) NOT NULL,
  display_name VARCHAR(255) NOT NULL,
  description TEXT,
  kind VARCHAR(50) NOT NULL,
  settings JSONB NOT NULL DEFAULT '{}',
  credential_id UUID, -- of secrets.credentials; one that is deleted there opens nothing any more
  encrypted_credentials BYTEA, -- what the broker's seal gave, bound to this row
  encryption_key_id VARCHAR(255),
  is_active BOOLEAN NOT NULL DEFAULT true,
  check_every_seconds INTEGER,
  created_by VARCHAR(255) NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  CONSTRAINT connectors_project_id_name_key UNIQUE (project_id, name),
  CONSTRAINT connectors_id_project_id_key UNIQUE (id, project_id), -- for shares
  CONSTRAINT connectors_project_id_cross_schema FOREIGN KEY (project_id) REFERENCES api_key.projects (id) ON DELETE CASCADE,
  CHECK (credential_id IS NULL OR encrypted_credentials IS NULL),
  CHECK ((encrypted_credentials IS NULL) = (encryption_key_id IS NULL))
);
CREATE INDEX connectors_project_id_created_at_id_idx ON interface_registry.connectors (project_id, created_at, id);

CREATE TABLE interface_registry.connector_shares (
  connector_id UUID NOT NULL,
  owner_project_id UUID NOT NULL, -- the connector's; here too, so that the policies below need not look at each other
  project_id UUID NOT NULL,
  created_by VARCHAR(255) NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  PRIMARY KEY (connector_id, project_id),
  -- Foreign keys pass by the policies: with the owner in it, nobody can share what is another's by calling it his own.
  FOREIGN KEY (connector_id, owner_project_id) REFERENCES interface_registry.connectors (id, project_id) ON DELETE CASCADE,
  CONSTRAINT connector_shares_project_id_cross_schema FOREIGN KEY (project_id) REFERENCES api_key.projects (id) ON DELETE CASCADE
);
CREATE INDEX connector_shares_project_id_idx ON interface_registry.connector_shares (project_id);

-- What the last check found, and the check that is under way.
CREATE TABLE interface_registry.connector_states (
  connector_id UUID PRIMARY KEY REFERENCES interface_registry.connectors (id) ON DELETE CASCADE,
  status VARCHAR(20) NOT NULL DEFAULT 'unknown' CHECK (status IN ('ok', 'failing', 'unknown')),
  latency_ms INTEGER,
  checked_at TIMESTAMPTZ,
  last_success_at TIMESTAMPTZ,
  failures INTEGER NOT NULL DEFAULT 0,
  code VARCHAR(50),
  reason TEXT,
  check_id UUID,
  check_started_at TIMESTAMPTZ,
  next_check_at TIMESTAMPTZ
);
CREATE INDEX connector_states_next_check_at_idx ON interface_registry.connector_states (next_check_at);

-- It outlives the connector.
CREATE TABLE interface_registry.connector_access_log (
  id BIGSERIAL PRIMARY KEY,
  connector_id UUID,
  connector VARCHAR(255) NOT NULL,
  owner_project_id UUID,
  used_by_project_id UUID NOT NULL,
  actor VARCHAR(255) NOT NULL,
  action VARCHAR(20) NOT NULL,
  run_id UUID,
  step_id VARCHAR(100),
  success BOOLEAN NOT NULL,
  reason TEXT,
  known_to_asker BOOLEAN NOT NULL DEFAULT true, -- false: to the project that asked there is no such connector, so no such line
  created_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX connector_access_log_connector_id_id_idx ON interface_registry.connector_access_log (connector_id, id);
REVOKE UPDATE, DELETE ON interface_registry.connector_access_log FROM svc_interface_registry;

-- The second wall: a transaction sees the rows of the project that it says it acts for, or of all ('*', the platform's
-- own chores), and without a word none.
CREATE FUNCTION interface_registry.acts_for(project UUID) RETURNS BOOLEAN LANGUAGE sql STABLE AS $$
  SELECT current_setting('opsconductor.project_id', true) IN (project::text, '*')
$$;
ALTER TABLE interface_registry.connectors ENABLE ROW LEVEL SECURITY;
ALTER TABLE interface_registry.connector_shares ENABLE ROW LEVEL SECURITY;
ALTER TABLE interface_registry.connector_states ENABLE ROW LEVEL SECURITY;
ALTER TABLE interface_registry.connector_access_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY shares_of_owner ON interface_registry.connector_shares
  USING (interface_registry.acts_for(owner_project_id)) WITH CHECK (interface_registry.acts_for(owner_project_id));
CREATE POLICY shares_with_project ON interface_registry.connector_shares FOR SELECT
  USING (interface_registry.acts_for(project_id));
CREATE POLICY connectors_of_project ON interface_registry.connectors
  USING (interface_registry.acts_for(project_id)) WITH CHECK (interface_registry.acts_for(project_id));
CREATE POLICY connectors_shared ON interface_registry.connectors FOR SELECT
  USING (id IN (SELECT s.connector_id FROM interface_registry.connector_shares s WHERE interface_registry.acts_for(s.project_id)));
CREATE POLICY states_of_owner ON interface_registry.connector_states
  USING (connector_id IN (SELECT c.id FROM interface_registry.connectors c WHERE interface_registry.acts_for(c.project_id)));
CREATE POLICY states_of_connectors ON interface_registry.connector_states FOR SELECT
  USING (connector_id IN (SELECT c.id FROM interface_registry.connectors c));
CREATE POLICY log_of_project ON interface_registry.connector_access_log FOR SELECT
  USING (interface_registry.acts_for(owner_project_id) OR (known_to_asker AND interface_registry.acts_for(used_by_project_id)));
CREATE POLICY log_appended ON interface_registry.connector_access_log FOR INSERT
  WITH CHECK (interface_registry.acts_for(owner_project_id) OR interface_registry.acts_for(used_by_project_id));

-- Down Migration
DROP TABLE interface_registry.connector_access_log;
DROP TABLE interface_registry.connector_states;
DROP TABLE interface_registry.connectors, interface_registry.connector_shares;
DROP FUNCTION interface_registry.acts_for;
