-- The audit trail: a line for each act, and a narrow row for each thing or patient that it touched. Never updated, never
-- deleted: the runtime writes by audit.note and record.save alone, and reads.
CREATE SCHEMA audit;

CREATE SEQUENCE audit.line_id;

-- One act: who, in which role, from where, through which door, for what, and what came of it.
CREATE TABLE audit.line (
    id           bigint NOT NULL DEFAULT nextval('audit.line_id'),
    tenant       integer NOT NULL,
    recorded     timestamptz NOT NULL,          -- the server's clock
    xid          xid8 NOT NULL DEFAULT pg_current_xact_id(), -- the sealer reads on by it; no part of what is sealed
    account      text COLLATE "C" NOT NULL,
    role         text COLLATE "C",
    on_behalf_of text COLLATE "C",
    workstation  text COLLATE "C",
    channel      text COLLATE "C" NOT NULL,
    address      text COLLATE "C",              -- of the machine that asked, where it is known
    purpose      text COLLATE "C" NOT NULL,
    reason       text,
    request      uuid NOT NULL,
    interaction  text COLLATE "C" NOT NULL,
    type         smallint,                      -- of resource, where the act is about one
    refused      boolean NOT NULL,
    detail       text,                          -- what was touched and is no resource: a file, a job
    PRIMARY KEY (id, recorded)
) PARTITION BY RANGE (recorded);
CREATE INDEX line_xid ON audit.line (xid, id);
CREATE INDEX line_account ON audit.line (tenant, account, recorded);

-- What an act touched: each version it wrote; of what it showed one row for each patient, or the one resource.
CREATE TABLE audit.subject (
    line     bigint NOT NULL,
    recorded timestamptz NOT NULL,
    tenant   integer NOT NULL,
    patient  bigint,                            -- key of whose it is
    resource bigint,                            -- key, where it is one
    type     smallint,
    vid      integer,
    shown    integer NOT NULL,                  -- how many resources
    id       text COLLATE "C"
) PARTITION BY RANGE (recorded);
CREATE INDEX subject_line ON audit.subject (line);
CREATE INDEX subject_patient ON audit.subject (tenant, patient, recorded) WHERE patient IS NOT NULL;

CREATE TABLE audit.line_default PARTITION OF audit.line DEFAULT;
CREATE TABLE audit.subject_default PARTITION OF audit.subject DEFAULT;

-- Lines in the order they were committed, chained and signed. The bytes of a line are made in hsba.audit.chain.
CREATE TABLE audit.segment (
    number    bigint PRIMARY KEY,
    until_xid xid8 NOT NULL,                    -- every line below is sealed
    sealed    timestamptz NOT NULL,
    earliest  timestamptz NOT NULL,             -- of its lines
    latest    timestamptz NOT NULL,
    ids       bigint[] NOT NULL,                -- its lines in their order
    marks     bytea NOT NULL,                   -- the first eight bytes of the chain's hash after each line
    before    bytea NOT NULL,
    hash      bytea NOT NULL,
    key       text COLLATE "C" NOT NULL,
    signature bytea NOT NULL
);

-- A subject as it stands beside its line.
CREATE TYPE audit.touched AS (
    patient bigint, resource bigint, type smallint, id text, vid integer, shown integer
);

-- A line with everything it touched.
CREATE VIEW audit.whole WITH (security_invoker = true) AS
SELECT l.*, ARRAY(
    SELECT ROW(s.patient, s.resource, s.type, s.id, s.vid, s.shown)::audit.touched FROM audit.subject s
    WHERE s.line = l.id AND s.recorded = l.recorded ORDER BY s.patient, s.resource, s.type, s.id, s.vid, s.shown
) AS subjects
FROM audit.line l;

-- Make the monthly partitions for a day; called ahead of time, so that no line ever waits for them.
CREATE FUNCTION audit.ensure_partition(day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first date := date_trunc('month', day)::date;
    name  text;
    made  boolean := false;
BEGIN
    FOREACH name IN ARRAY ARRAY['line', 'subject'] LOOP
        CONTINUE WHEN to_regclass('audit.' || name || to_char(first, '_YYYY_MM')) IS NOT NULL;
        EXECUTE format('CREATE TABLE audit.%I PARTITION OF audit.%I FOR VALUES FROM (%L) TO (%L)',
            name || to_char(first, '_YYYY_MM'), name,
            first::timestamp AT TIME ZONE 'UTC', (first + interval '1 month') AT TIME ZONE 'UTC');
        made := true;
    END LOOP;
    RETURN made;
END $$;

-- Whose a deleted resource was: its own row forgets it, and its versions can still be read.
CREATE TABLE audit.deleted_of (
    tenant   integer NOT NULL,
    resource bigint NOT NULL,
    patient  bigint NOT NULL,
    PRIMARY KEY (tenant, resource)
);

-- What an act touched, told by its key, or by its address where that is all that is known.
CREATE TYPE audit.about AS (resource bigint, type smallint, id text, vid integer);

-- Write the line of an act that saves nothing, and a row for each patient it showed.
CREATE FUNCTION audit.note(
    of_tenant integer, who record.save_provenance, at timestamptz, act text, of_type smallint, was_refused boolean,
    more text, about audit.about[]
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    made bigint := nextval('audit.line_id');
BEGIN
    IF of_tenant IS DISTINCT FROM current_setting('hsba.tenant', true)::integer THEN
        RAISE EXCEPTION 'tenant %', of_tenant USING ERRCODE = 'HB004';
    END IF;
    INSERT INTO audit.line (id, tenant, recorded, account, role, on_behalf_of, workstation, channel, address, purpose,
        reason, request, interaction, type, refused, detail)
    VALUES (made, of_tenant, at, who.account, who.role, who.on_behalf_of, who.workstation, who.channel, who.address,
        who.purpose, who.reason, who.request, act, of_type, was_refused, more);
    IF about IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO audit.subject (tenant, line, recorded, patient, resource, type, id, vid, shown)
    SELECT of_tenant, made, at, f.patient, CASE WHEN count(*) = 1 THEN min(f.key) END,
        CASE WHEN min(f.type) = max(f.type) THEN min(f.type) END, CASE WHEN count(*) = 1 THEN min(f.id) END,
        CASE WHEN count(*) = 1 THEN min(f.vid) END, count(*)
    FROM (
        SELECT a.type, a.id, a.vid, r.key, r.patient FROM unnest(about) AS a LEFT JOIN LATERAL (
            SELECT r.key, CASE WHEN r.deleted THEN (
                SELECT d.patient FROM audit.deleted_of d WHERE d.tenant = of_tenant AND d.resource = r.key
            ) ELSE r.patient END AS patient FROM record.resource r
            WHERE r.tenant = of_tenant AND r.key = a.resource
            UNION ALL
            SELECT r.key, CASE WHEN r.deleted THEN (
                SELECT d.patient FROM audit.deleted_of d WHERE d.tenant = of_tenant AND d.resource = r.key
            ) ELSE r.patient END FROM record.resource r
            WHERE a.resource IS NULL AND r.tenant = of_tenant AND r.type = a.type AND r.id = a.id OFFSET 0
        ) r ON true
    ) f
    GROUP BY f.patient, CASE WHEN f.patient IS NULL THEN f.type END;
END $$;

-- Write the lines of a save, in its own call: under one name, or one for each act and type with a row for each version.
CREATE FUNCTION audit.note_saved(
    of_tenant integer, who record.save_provenance, told text, writes record.save_version[]
) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    made bigint;
    at timestamptz := writes[1].recorded;
    part record;
BEGIN
    FOR part IN
        SELECT w.interaction AS act, w.type FROM unnest(writes) AS w WHERE told = '' GROUP BY 1, 2
        UNION ALL
        SELECT NULL, CASE WHEN min(w.type) = max(w.type) THEN min(w.type) END FROM unnest(writes) AS w
        HAVING told <> ''
    LOOP
        made := nextval('audit.line_id');
        INSERT INTO audit.line (id, tenant, recorded, account, role, on_behalf_of, workstation, channel, address,
            purpose, reason, request, interaction, type, refused)
        VALUES (made, of_tenant, at, who.account, who.role, who.on_behalf_of, who.workstation, who.channel,
            who.address, who.purpose, who.reason, who.request,
            CASE part.act WHEN 'C' THEN 'create' WHEN 'D' THEN 'delete' WHEN 'U' THEN 'update' ELSE told END,
            part.type, false);
        IF part.act = 'D' OR part.act IS NULL THEN
            INSERT INTO audit.deleted_of (tenant, resource, patient)
            SELECT of_tenant, r.key, r.patient FROM unnest(writes) AS w
            JOIN record.resource r ON r.tenant = of_tenant AND r.key = w.key
            WHERE w.interaction = 'D' AND r.patient IS NOT NULL
            ON CONFLICT (tenant, resource) DO UPDATE SET patient = excluded.patient;
        END IF;
        IF part.act IS NULL AND cardinality(writes) > 10 THEN
            INSERT INTO audit.subject (tenant, line, recorded, patient, type, shown)
            SELECT of_tenant, made, at, f.patient, CASE WHEN min(f.type) = max(f.type) THEN min(f.type) END, count(*)
            FROM (
                SELECT w.type, CASE WHEN w.interaction <> 'D' THEN w.patient ELSE (
                    SELECT r.patient FROM record.resource r WHERE r.tenant = of_tenant AND r.key = w.key
                ) END AS patient FROM unnest(writes) AS w
            ) f GROUP BY f.patient, CASE WHEN f.patient IS NULL THEN f.type END;
        ELSE
            INSERT INTO audit.subject (tenant, line, recorded, patient, resource, type, id, vid, shown)
            SELECT of_tenant, made, at, CASE WHEN w.interaction <> 'D' THEN w.patient ELSE (
                    SELECT r.patient FROM record.resource r WHERE r.tenant = of_tenant AND r.key = w.key
                ) END, w.key, w.type, w.id, w.vid, 1
            FROM unnest(writes) AS w
            WHERE part.act IS NULL OR (w.interaction = part.act AND w.type = part.type);
        END IF;
    END LOOP;
END $$;

-- The next lines to seal, of all keepers, in the order they were committed: below every transaction still open.
CREATE FUNCTION audit.tail(since xid8, until xid8, most integer) RETURNS SETOF audit.whole
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT * FROM audit.whole WHERE xid >= since AND xid < until ORDER BY xid, id LIMIT most
$$;

GRANT USAGE ON SCHEMA audit TO hsba_runtime;
GRANT SELECT ON audit.line, audit.subject, audit.whole TO hsba_runtime;
GRANT SELECT, INSERT ON audit.segment TO hsba_runtime;
REVOKE ALL ON FUNCTION audit.note, audit.note_saved, audit.tail, audit.ensure_partition FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.note, audit.tail, audit.ensure_partition TO hsba_runtime;

-- The second fence, as around the record; a line of the installation (tenant 0) is every keeper's.
ALTER TABLE audit.line ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit.line TO hsba_runtime
    USING (tenant IN (0, (SELECT current_setting('hsba.tenant', true)::integer)));
ALTER TABLE audit.subject ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit.subject TO hsba_runtime USING (tenant = (SELECT current_setting('hsba.tenant', true)::integer));
