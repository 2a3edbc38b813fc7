-- Up Migration
-- The seeds' foreign key from one service's schema into another's, which would have been circular before. Such keys are
-- named …_cross_schema: a service's schema.prisma knows only its own schema.
ALTER TABLE api_key.api_keys
  ADD CONSTRAINT api_keys_public_interface_id_cross_schema
  FOREIGN KEY (public_interface_id) REFERENCES interface_registry.public_interfaces(id) ON DELETE CASCADE;

-- Down Migration
ALTER TABLE api_key.api_keys DROP CONSTRAINT api_keys_public_interface_id_cross_schema;
