-- Up Migration
CREATE TABLE api_key.users (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  email VARCHAR(255) NOT NULL UNIQUE CHECK (email = lower(email)),
  display_name VARCHAR(255) NOT NULL,
  password_hash VARCHAR(255) NOT NULL,
  is_active BOOLEAN NOT NULL DEFAULT true,
  is_platform_admin BOOLEAN NOT NULL DEFAULT false,
  created_at TIMESTAMPTZ(6) NOT NULL DEFAULT NOW(),
  updated_at TIMESTAMPTZ(6) NOT NULL DEFAULT NOW()
);

CREATE TABLE api_key.projects (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  name VARCHAR(255) NOT NULL UNIQUE,
  created_at TIMESTAMPTZ(6) NOT NULL DEFAULT NOW(),
  updated_at TIMESTAMPTZ(6) NOT NULL DEFAULT NOW()
);

CREATE TABLE api_key.project_members (
  project_id UUID NOT NULL REFERENCES api_key.projects(id) ON DELETE CASCADE,
  user_id UUID NOT NULL REFERENCES api_key.users(id) ON DELETE CASCADE,
  role VARCHAR(20) NOT NULL CHECK (role IN ('owner', 'admin', 'operator', 'viewer')),
  created_at TIMESTAMPTZ(6) NOT NULL DEFAULT NOW(),
  PRIMARY KEY (project_id, user_id)
);

CREATE INDEX idx_project_members_user_id ON api_key.project_members(user_id);

-- Seed 002 §12.1 to the letter, with the scopes added. The foreign key to public_interfaces comes with 0006.
CREATE TABLE api_key.api_keys (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL REFERENCES api_key.users(id) ON DELETE CASCADE,
  project_id UUID REFERENCES api_key.projects(id) ON DELETE CASCADE,
  public_interface_id UUID,
  name VARCHAR(255) NOT NULL,
  key_hash VARCHAR(255) NOT NULL UNIQUE, -- Hashed API key
  key_prefix VARCHAR(10) NOT NULL, -- First 4 chars for display
  is_active BOOLEAN DEFAULT true,
  last_used_at TIMESTAMPTZ,
  expires_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  scopes TEXT[] NOT NULL DEFAULT '{}',
  UNIQUE(user_id, name)
);

CREATE INDEX idx_api_keys_key_hash ON api_key.api_keys(key_hash);
CREATE INDEX idx_api_keys_user_id ON api_key.api_keys(user_id);
CREATE INDEX idx_api_keys_public_interface ON api_key.api_keys(public_interface_id);
CREATE INDEX idx_api_keys_project_id ON api_key.api_keys(project_id);

-- One row per refresh token. All tokens that came of one sign-in are a family and end together.
CREATE TABLE api_key.sessions (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL REFERENCES api_key.users(id) ON DELETE CASCADE,
  family_id UUID NOT NULL,
  token_hash VARCHAR(64) NOT NULL UNIQUE,
  expires_at TIMESTAMPTZ(6) NOT NULL,
  rotated_at TIMESTAMPTZ(6),
  revoked_at TIMESTAMPTZ(6),
  created_at TIMESTAMPTZ(6) NOT NULL DEFAULT NOW()
);

CREATE INDEX idx_sessions_user_id ON api_key.sessions(user_id);
CREATE INDEX idx_sessions_family_id ON api_key.sessions(family_id);

-- Down Migration
DROP TABLE api_key.sessions;
DROP TABLE api_key.api_keys;
DROP TABLE api_key.project_members;
DROP TABLE api_key.projects;
DROP TABLE api_key.users;
