-- Up Migration
-- `item`: where the step stands in the loops around it, as `17` or `17.3`; empty outside of loops.
ALTER TABLE executor.job_run_steps
    ADD COLUMN item VARCHAR(64) NOT NULL DEFAULT '',
    ADD COLUMN progress JSONB,
    DROP CONSTRAINT job_run_steps_run_id_step_id_attempt_key,
    ADD CONSTRAINT job_run_steps_run_id_step_id_item_attempt_key UNIQUE (run_id, step_id, item, attempt);

-- The run that a step `job.run` started this one from.
ALTER TABLE executor.job_runs ADD COLUMN parent_run_id UUID;

CREATE TABLE executor.artefacts (
    id UUID PRIMARY KEY,
    run_id UUID NOT NULL REFERENCES executor.job_runs (id) ON DELETE CASCADE,
    project_id UUID NOT NULL,
    step_id VARCHAR(64) NOT NULL,
    item VARCHAR(64) NOT NULL,
    attempt INTEGER NOT NULL,
    name VARCHAR(255) NOT NULL,
    content_type VARCHAR(255) NOT NULL,
    bytes BIGINT NOT NULL DEFAULT 0,
    sha256 CHAR(64),
    redacted BOOLEAN NOT NULL DEFAULT false,
    created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    -- Null while it is written: nobody sees it.
    completed_at TIMESTAMPTZ(6)
);
CREATE INDEX artefacts_run_id_created_at_idx ON executor.artefacts (run_id, created_at, id);

CREATE TABLE executor.artefact_chunks (
    artefact_id UUID NOT NULL REFERENCES executor.artefacts (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (artefact_id, position)
);

-- Down Migration
DROP TABLE executor.artefact_chunks;
DROP TABLE executor.artefacts;
ALTER TABLE executor.job_runs DROP COLUMN parent_run_id;
DELETE FROM executor.job_run_steps WHERE item <> '';
ALTER TABLE executor.job_run_steps
    DROP CONSTRAINT job_run_steps_run_id_step_id_item_attempt_key,
    DROP COLUMN progress,
    DROP COLUMN item,
    ADD CONSTRAINT job_run_steps_run_id_step_id_attempt_key UNIQUE (run_id, step_id, attempt);
