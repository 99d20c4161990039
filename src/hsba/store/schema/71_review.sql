-- The list of accounts and their roles as somebody confirmed it: kept as it was, never changed.
CREATE TABLE access.review (
    tenant    integer NOT NULL,
    confirmed timestamptz NOT NULL,
    account   text NOT NULL,
    accounts  text[] NOT NULL,
    PRIMARY KEY (tenant, confirmed)
);
GRANT SELECT, INSERT ON access.review TO hsba_runtime;
ALTER TABLE access.review ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON access.review TO hsba_runtime
    USING (tenant = (SELECT current_setting('hsba.tenant', true)::integer));
