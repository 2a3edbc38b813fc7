-- Up Migration
-- Call paths from one project to another's service interface (seed 002, 14.2).
CREATE TABLE interface_registry.project_connectors (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  source_project_id UUID NOT NULL,
  target_project_id UUID NOT NULL,
  target_service_id UUID NOT NULL REFERENCES interface_registry.workflows (id) ON DELETE CASCADE,
  target_interface_id UUID NOT NULL REFERENCES interface_registry.service_interfaces (id) ON DELETE CASCADE,
  name VARCHAR(255) NOT NULL,
  display_name VARCHAR(255) NOT NULL,
  description TEXT,
  nexus_endpoint_name VARCHAR(255) NOT NULL UNIQUE,
  nexus_service_name VARCHAR(255) NOT NULL,
  visibility VARCHAR(50) DEFAULT 'private' CHECK (visibility IN ('private', 'shared', 'public')),
  auth_config JSONB,
  encrypted_auth_config BYTEA, -- what the broker's seal gave, bound to this row
  encryption_key_id VARCHAR(255),
  created_by UUID NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  -- Beyond the seed: how far the Nexus endpoint is.
  is_active BOOLEAN NOT NULL DEFAULT true,
  state VARCHAR(20) NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'ready', 'failed', 'deleting')),
  last_error TEXT,
  generation INTEGER NOT NULL DEFAULT 1,
  CONSTRAINT project_connectors_source_project_id_name_key UNIQUE (source_project_id, name),
  CONSTRAINT project_connectors_source_project_id_cross_schema FOREIGN KEY (source_project_id) REFERENCES api_key.projects (id) ON DELETE CASCADE,
  CONSTRAINT project_connectors_target_project_id_cross_schema FOREIGN KEY (target_project_id) REFERENCES api_key.projects (id) ON DELETE CASCADE,
  CONSTRAINT project_connectors_created_by_cross_schema FOREIGN KEY (created_by) REFERENCES api_key.users (id),
  CHECK ((encrypted_auth_config IS NULL) = (encryption_key_id IS NULL))
);
CREATE INDEX project_connectors_target_project_id_idx ON interface_registry.project_connectors (target_project_id);
CREATE INDEX project_connectors_target_interface_id_idx ON interface_registry.project_connectors (target_interface_id);
ALTER TABLE interface_registry.project_connectors ENABLE ROW LEVEL SECURITY;
CREATE POLICY project_connectors_of_source ON interface_registry.project_connectors
  USING (interface_registry.acts_for(source_project_id)) WITH CHECK (interface_registry.acts_for(source_project_id));
CREATE POLICY project_connectors_of_target ON interface_registry.project_connectors FOR SELECT
  USING (interface_registry.acts_for(target_project_id));

-- Tells this platform's Nexus endpoints from those of another one on the same Temporal server. Drawn by the first leader,
-- not here: databases that are copied from one template must differ.
CREATE TABLE interface_registry.installation (
  only_row BOOLEAN PRIMARY KEY DEFAULT true CHECK (only_row),
  id UUID NOT NULL DEFAULT gen_random_uuid()
);

-- One row for each side of a call: both projects see their own.
CREATE TABLE executor.connector_calls (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  side VARCHAR(10) NOT NULL CHECK (side IN ('source', 'target')),
  connector_id UUID NOT NULL,
  connector VARCHAR(255) NOT NULL,
  source_project_id UUID NOT NULL,
  target_project_id UUID NOT NULL,
  source_run_id VARCHAR(255) NOT NULL,
  source_step_id VARCHAR(100) NOT NULL,
  item VARCHAR(100) NOT NULL DEFAULT '',
  target_workflow_id VARCHAR(255),
  operation VARCHAR(20) NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 1,
  outcome VARCHAR(20) NOT NULL CHECK (outcome IN ('running', 'succeeded', 'failed', 'cancelled', 'refused')),
  error_code VARCHAR(100),
  error_message TEXT,
  started_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  finished_at TIMESTAMPTZ,
  CONSTRAINT connector_calls_side_run_step_item_key UNIQUE (side, connector_id, source_run_id, source_step_id, item, operation)
);
CREATE INDEX connector_calls_source_idx ON executor.connector_calls (source_project_id, started_at, id) WHERE side = 'source';
CREATE INDEX connector_calls_target_idx ON executor.connector_calls (target_project_id, started_at, id) WHERE side = 'target';
CREATE INDEX connector_calls_running_idx ON executor.connector_calls (started_at) WHERE outcome = 'running';

-- Shared by all executors: whether calls through a connector are let through.
CREATE TABLE executor.connector_breakers (
  connector_id UUID PRIMARY KEY,
  source_project_id UUID NOT NULL,
  state VARCHAR(20) NOT NULL DEFAULT 'closed' CHECK (state IN ('closed', 'open', 'half_open')),
  failures INTEGER NOT NULL DEFAULT 0,
  opened_at TIMESTAMPTZ,
  retry_at TIMESTAMPTZ
);

-- Down Migration
DROP TABLE executor.connector_breakers;
DROP TABLE executor.connector_calls;
DROP TABLE interface_registry.installation;
DROP TABLE interface_registry.project_connectors;
