-- Up Migration
-- What is remembered of an URL that webhooks go to. Only endpoints with something to remember have a row.
CREATE TABLE executor.webhook_endpoints (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    project_id UUID NOT NULL,
    url_hash CHAR(64) NOT NULL, -- SHA-256 of the whole URL
    url TEXT NOT NULL, -- for people: without its query
    validated_by VARCHAR(20), -- 'challenge' or 'head'
    validated_at TIMESTAMPTZ(6),
    disabled_at TIMESTAMPTZ(6), -- since it answered 410
    enabled_by VARCHAR(100),
    enabled_at TIMESTAMPTZ(6),
    created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT webhook_endpoints_project_id_url_hash_key UNIQUE (project_id, url_hash)
);
CREATE INDEX webhook_endpoints_project_id_created_at_idx
    ON executor.webhook_endpoints (project_id, created_at DESC, id DESC);

-- One webhook, however often it is delivered.
CREATE TABLE executor.webhook_messages (
    id VARCHAR(64) PRIMARY KEY, -- the webhook id that receivers see
    project_id UUID NOT NULL,
    run_id UUID NOT NULL REFERENCES executor.job_runs (id) ON DELETE CASCADE,
    step_id VARCHAR(64) NOT NULL,
    item VARCHAR(64) NOT NULL,
    event_type VARCHAR(100),
    request JSONB, -- the step as it was rendered; null where it held a secret, which is not kept
    created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT webhook_messages_run_id_step_id_item_key UNIQUE (run_id, step_id, item)
);

CREATE TABLE executor.webhook_redeliveries (
    id UUID PRIMARY KEY,
    message_id VARCHAR(64) NOT NULL REFERENCES executor.webhook_messages (id) ON DELETE CASCADE,
    project_id UUID NOT NULL,
    asked_by VARCHAR(100) NOT NULL,
    created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    finished_at TIMESTAMPTZ(6)
);
CREATE INDEX webhook_redeliveries_message_id_idx ON executor.webhook_redeliveries (message_id);

CREATE TABLE executor.webhook_deliveries (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    message_id VARCHAR(64) NOT NULL REFERENCES executor.webhook_messages (id) ON DELETE CASCADE,
    redelivery_id UUID REFERENCES executor.webhook_redeliveries (id) ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    url TEXT NOT NULL, -- without its query
    status VARCHAR(20) NOT NULL, -- 'running', 'delivered', 'failed', 'cancelled'
    response_status INTEGER,
    error JSONB,
    next_attempt_at TIMESTAMPTZ(6),
    created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    finished_at TIMESTAMPTZ(6),
    CONSTRAINT webhook_deliveries_message_id_attempt_key UNIQUE (message_id, attempt)
);

-- Down Migration
DROP TABLE executor.webhook_deliveries;
DROP TABLE executor.webhook_redeliveries;
DROP TABLE executor.webhook_messages;
DROP TABLE executor.webhook_endpoints;
