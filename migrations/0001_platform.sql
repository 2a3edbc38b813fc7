-- Up Migration
-- One schema and one non-owner login role per service. Roles are of the whole cluster, so they may exist already; they
-- get their passwords when the stack starts, never here.
DO $$
DECLARE
  service record;
BEGIN
  FOR service IN
    SELECT * FROM (VALUES
      ('svc_api_key', 'api_key'),
      ('svc_secrets_broker', 'secrets'),
      ('svc_executor', 'executor'),
      ('svc_interface_registry', 'interface_registry')
    ) AS t (role, schema)
  LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = service.role) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', service.role);
    END IF;
    EXECUTE format('CREATE SCHEMA %I', service.schema);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', service.schema, service.role);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I', service.schema, service.role);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT USAGE, SELECT ON SEQUENCES TO %I', service.schema, service.role);
    EXECUTE format('ALTER ROLE %I SET search_path = %I', service.role, service.schema);
  END LOOP;
END
$$;

-- Down Migration
DROP SCHEMA interface_registry CASCADE;
DROP SCHEMA executor CASCADE;
DROP SCHEMA secrets CASCADE;
DROP SCHEMA api_key CASCADE;
