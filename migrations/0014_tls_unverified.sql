-- Up Migration
-- Whether the exchange went over TLS to somebody whose certificate nobody looked at, because the step said so.
ALTER TABLE executor.http_requests ADD COLUMN tls_unverified BOOLEAN NOT NULL DEFAULT false;

-- Down Migration
ALTER TABLE executor.http_requests DROP COLUMN tls_unverified;
