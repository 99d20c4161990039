-- What was printed, when and by whom, so that the paper can be asked for; nothing of the patient, and never changed.
CREATE TABLE record.print (
    tenant  integer NOT NULL,
    id      uuid NOT NULL,
    title   text NOT NULL,
    sheets  integer NOT NULL,
    made    timestamptz NOT NULL,
    account text COLLATE "C" NOT NULL,
    name    text NOT NULL,                     -- who printed, as people read it
    size    integer NOT NULL,
    sha256  bytea NOT NULL CHECK (octet_length(sha256) = 32),
    PRIMARY KEY (tenant, id)
);
ALTER TABLE record.print ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON record.print TO hsba_runtime
    USING (tenant = (SELECT current_setting('hsba.tenant', true)::integer));

GRANT SELECT, INSERT ON record.print TO hsba_runtime;
