-- Up Migration
CREATE TABLE interface_registry.workflows (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  project_id UUID NOT NULL,
  name VARCHAR(255) NOT NULL,
  kind VARCHAR(20) NOT NULL CHECK (kind IN ('job', 'workflow')),
  job_id UUID,
  job_version INTEGER,
  workflow_type VARCHAR(255) NOT NULL,
  task_queue VARCHAR(255) NOT NULL,
  workflow_id VARCHAR(255),
  created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  UNIQUE (project_id, name),
  CHECK ((kind = 'job') = (job_id IS NOT NULL AND job_version IS NOT NULL)),
  CHECK ((kind = 'workflow') = (workflow_id IS NOT NULL))
);

CREATE INDEX workflows_project_id_created_at_id_idx ON interface_registry.workflows (project_id, created_at, id);

CREATE TABLE interface_registry.service_interfaces (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  workflow_id UUID NOT NULL REFERENCES interface_registry.workflows (id) ON DELETE CASCADE,
  name VARCHAR(255) NOT NULL,
  display_name VARCHAR(255) NOT NULL,
  description TEXT,
  interface_type VARCHAR(50) NOT NULL CHECK (interface_type IN ('signal', 'query', 'update')),
  callable_name VARCHAR(255) NOT NULL, -- Temporal signal/query name
  input_schema JSONB,
  output_schema JSONB,
  is_public BOOLEAN DEFAULT false,
  created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  UNIQUE (workflow_id, name)
);

CREATE TABLE interface_registry.public_interfaces (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  service_interface_id UUID NOT NULL REFERENCES interface_registry.service_interfaces (id) ON DELETE CASCADE,
  kong_route_id VARCHAR(255),
  http_method VARCHAR(10) NOT NULL,
  http_path VARCHAR(500) NOT NULL,
  auth_type VARCHAR(50) DEFAULT 'api_key',
  auth_config JSONB,
  rate_limit_per_minute INTEGER,
  created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  -- Beyond the seed: the address (128 random bits, hex) and how far publishing has come.
  hash VARCHAR(64) NOT NULL UNIQUE,
  state VARCHAR(20) NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'published', 'withdrawing')),
  last_error TEXT,
  -- Counts the changes the gateway must learn of, so that an older settling never reports a newer one as done.
  generation INTEGER NOT NULL DEFAULT 1,
  -- Method and path that a call through the gateway has been seen to reach.
  proven_face VARCHAR(600),
  -- One public face per interface, as the API shows it.
  UNIQUE (service_interface_id)
);

-- Down Migration
DROP TABLE interface_registry.public_interfaces;
DROP TABLE interface_registry.service_interfaces;
DROP TABLE interface_registry.workflows;
