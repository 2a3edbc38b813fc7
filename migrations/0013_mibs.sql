-- Up Migration
-- The MIB modules that a project has loaded beside those that come with the executor.
CREATE TABLE executor.mib_modules (
    id UUID PRIMARY KEY,
    project_id UUID NOT NULL,
    name VARCHAR(200) NOT NULL,
    text TEXT NOT NULL,
    imports TEXT[] NOT NULL, -- the modules that it needs
    object_count INTEGER NOT NULL,
    updated_by VARCHAR(100) NOT NULL,
    created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT mib_modules_project_id_name_key UNIQUE (project_id, name)
);

-- Down Migration
DROP TABLE executor.mib_modules;
