-- Up Migration
CREATE TABLE executor.jobs (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    project_id UUID NOT NULL,
    name VARCHAR(255) NOT NULL,
    description TEXT,
    latest_version INTEGER NOT NULL,
    created_by VARCHAR(100) NOT NULL,
    created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT jobs_project_id_name_key UNIQUE (project_id, name)
);
CREATE INDEX jobs_project_id_created_at_idx ON executor.jobs (project_id, created_at DESC, id DESC);

CREATE TABLE executor.job_versions (
    job_id UUID NOT NULL REFERENCES executor.jobs (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    definition JSONB NOT NULL,
    created_by VARCHAR(100) NOT NULL,
    created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (job_id, version)
);

CREATE TABLE executor.job_runs (
    id UUID PRIMARY KEY,
    job_id UUID NOT NULL,
    job_version INTEGER NOT NULL,
    project_id UUID NOT NULL,
    status VARCHAR(20) NOT NULL,
    trigger JSONB NOT NULL,
    input JSONB NOT NULL,
    output JSONB,
    error JSONB,
    workflow_id VARCHAR(255) NOT NULL,
    body_hash VARCHAR(64),
    created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    started_at TIMESTAMPTZ(6),
    finished_at TIMESTAMPTZ(6),
    CONSTRAINT job_runs_job_id_job_version_fkey
        FOREIGN KEY (job_id, job_version) REFERENCES executor.job_versions (job_id, version)
);
CREATE INDEX job_runs_project_id_created_at_idx ON executor.job_runs (project_id, created_at DESC, id DESC);
CREATE INDEX job_runs_job_id_created_at_idx ON executor.job_runs (job_id, created_at DESC, id DESC);

CREATE TABLE executor.job_run_steps (
    id BIGSERIAL PRIMARY KEY,
    run_id UUID NOT NULL REFERENCES executor.job_runs (id) ON DELETE CASCADE,
    step_id VARCHAR(64) NOT NULL,
    type VARCHAR(50) NOT NULL,
    position INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    status VARCHAR(20) NOT NULL,
    output JSONB,
    error JSONB,
    idempotency_key VARCHAR(255) NOT NULL,
    started_at TIMESTAMPTZ(6),
    finished_at TIMESTAMPTZ(6),
    CONSTRAINT job_run_steps_run_id_step_id_attempt_key UNIQUE (run_id, step_id, attempt)
);

CREATE TABLE executor.http_requests (
    id BIGSERIAL PRIMARY KEY,
    job_run_step_id BIGINT NOT NULL REFERENCES executor.job_run_steps(id),
    method VARCHAR(10) NOT NULL,
    url TEXT NOT NULL,
    request_headers JSONB,
    request_body TEXT,
    response_status_code INTEGER,
    response_headers JSONB,
    response_body TEXT,
    response_time_ms INTEGER,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX http_requests_job_run_step_id_idx ON executor.http_requests (job_run_step_id);

CREATE TABLE executor.outbound_policies (
    project_id UUID PRIMARY KEY,
    policy JSONB NOT NULL,
    updated_by VARCHAR(100) NOT NULL,
    updated_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- Down Migration
DROP TABLE executor.outbound_policies;
DROP TABLE executor.http_requests;
DROP TABLE executor.job_run_steps;
DROP TABLE executor.job_runs;
DROP TABLE executor.job_versions;
DROP TABLE executor.jobs;
