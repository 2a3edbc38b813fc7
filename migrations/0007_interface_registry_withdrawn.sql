-- Up Migration
-- A withdrawn public interface keeps its row: published again it has its old address, and the API keys bound to it work.
ALTER TABLE interface_registry.public_interfaces
  DROP CONSTRAINT public_interfaces_state_check,
  ADD CONSTRAINT public_interfaces_state_check
    CHECK (state IN ('pending', 'published', 'withdrawing', 'withdrawn'));

-- Which body an Idempotency-Key was first sent with, to an update of a long-lived workflow. A job's run knows its own.
CREATE TABLE interface_registry.update_bodies (
  update_id UUID PRIMARY KEY,
  public_interface_id UUID NOT NULL REFERENCES interface_registry.public_interfaces (id) ON DELETE CASCADE,
  body_hash VARCHAR(64) NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX update_bodies_public_interface_id_idx ON interface_registry.update_bodies (public_interface_id);

-- Down Migration
DROP TABLE interface_registry.update_bodies;
DELETE FROM interface_registry.public_interfaces WHERE state = 'withdrawn';
ALTER TABLE interface_registry.public_interfaces
  DROP CONSTRAINT public_interfaces_state_check,
  ADD CONSTRAINT public_interfaces_state_check CHECK (state IN ('pending', 'published', 'withdrawing'));
