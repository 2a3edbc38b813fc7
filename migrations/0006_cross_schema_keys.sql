-- Up Migration
-- Foreign keys from one service's schema into another's, which would have been circular before. They are named
-- …_cross_schema: a service's schema.prisma knows only its own schema.
ALTER TABLE api_key.api_keys
  ADD CONSTRAINT api_keys_public_interface_id_cross_schema
  FOREIGN KEY (public_interface_id) REFERENCES interface_registry.public_interfaces(id) ON DELETE CASCADE;

-- A credential belongs to a project that exists, and goes with it.
ALTER TABLE secrets.credentials
  ADD CONSTRAINT credentials_project_id_cross_schema
  FOREIGN KEY (project_id) REFERENCES api_key.projects(id) ON DELETE CASCADE;

ALTER TABLE secrets.host_credentials
  ADD CONSTRAINT host_credentials_project_id_cross_schema
  FOREIGN KEY (project_id) REFERENCES api_key.projects(id) ON DELETE CASCADE;

ALTER TABLE secrets.data_keys
  ADD CONSTRAINT data_keys_project_id_cross_schema
  FOREIGN KEY (project_id) REFERENCES api_key.projects(id) ON DELETE CASCADE;

-- Down Migration
ALTER TABLE IF EXISTS secrets.host_credentials DROP CONSTRAINT host_credentials_project_id_cross_schema;
ALTER TABLE secrets.data_keys DROP CONSTRAINT data_keys_project_id_cross_schema;
ALTER TABLE secrets.credentials DROP CONSTRAINT credentials_project_id_cross_schema;
ALTER TABLE api_key.api_keys DROP CONSTRAINT api_keys_public_interface_id_cross_schema;
