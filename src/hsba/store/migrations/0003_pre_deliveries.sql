-- Subscriptions: what has still to be told, and a short way to the one job that tells it.

-- What subscriptions have still to tell: one row for each subscription and resource, whatever number of versions it is about.
CREATE TABLE record.delivery (
    tenant       integer NOT NULL,
    subscription bigint NOT NULL,               -- key of the Subscription
    resource     bigint NOT NULL,               -- key of what it is told about
    vid          integer NOT NULL,              -- the newest version that matched
    due          timestamptz NOT NULL DEFAULT now(),
    tries        integer NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, subscription, resource)
);
CREATE INDEX delivery_due ON record.delivery (tenant, subscription, due);
CREATE INDEX job_subscription ON ops.job (tenant, (detail ->> 'subscription'))
    WHERE kind = 'subscription' AND state IN ('waiting', 'running');

GRANT SELECT, INSERT, UPDATE, DELETE ON record.delivery TO hsba_runtime;
ALTER TABLE record.delivery ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON record.delivery TO hsba_runtime
    USING (tenant = (SELECT current_setting('hsba.tenant', true)::integer));
