-- Forms of a hospital's own, and other versions of the law's: each version is kept as it was loaded, and never changed.
CREATE TABLE record.form (
    tenant  integer NOT NULL,
    slug    text COLLATE "C" NOT NULL CHECK (slug ~ '^[A-Za-z0-9][A-Za-z0-9-]{0,30}$'),
    version text COLLATE "C" NOT NULL,
    source  text NOT NULL,                     -- YAML with its blocks put in, see forms.blocks
    loaded  timestamptz NOT NULL DEFAULT now(),
    account text COLLATE "C" NOT NULL,
    retired timestamptz,                       -- no new sheet is begun from then on; what was written stays
    PRIMARY KEY (tenant, slug, version)
);
ALTER TABLE record.form ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON record.form TO hsba_runtime
    USING (tenant = (SELECT current_setting('hsba.tenant', true)::integer));
