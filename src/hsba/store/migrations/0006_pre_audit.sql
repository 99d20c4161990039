-- The audit trail: see schema/60_audit.sql; and record.save writes the lines of what it saves.

DROP FUNCTION record.save;
ALTER TYPE record.save_provenance ADD ATTRIBUTE address text;

-- Save any number of versions with their search rows, whole or not at all. It refuses by SQLSTATE:
-- HB001 somebody made the same address at this moment, HB002 somebody changed or signed what this builds on,
-- HB003 a dossier is in a frozen state (the message is its number), HB004 not the tenant of this connection,
-- HB005 the search rows were made for other search parameters than are in force (decision 0007). With `told` the lines
-- of the audit trail are written in the same call: under that name, or where it is empty by act and type.
CREATE FUNCTION record.save(
    of_tenant integer, who record.save_provenance, writes record.save_version[], made_for bigint, dossiers bigint[],
    frozen smallint[],
    tokens record.save_token[], strings record.save_string[], dates record.save_date[],
    quantities record.save_quantity[], refs record.save_reference[], uris record.save_uri[],
    composites record.save_composite[], texts record.save_text[], no_token bigint[], no_string bigint[],
    no_date bigint[], no_quantity bigint[], no_reference bigint[], no_uri bigint[], no_composite bigint[],
    no_text bigint[], told text
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_in smallint;
    one record.save_version;
    saved integer;
BEGIN
    IF of_tenant IS DISTINCT FROM current_setting('hsba.tenant', true)::integer THEN
        RAISE EXCEPTION 'tenant %', of_tenant USING ERRCODE = 'HB004';
    END IF;
    IF made_for IS DISTINCT FROM (SELECT number FROM reference.generation) THEN
        RAISE EXCEPTION 'made for %', made_for USING ERRCODE = 'HB005';
    END IF;
    IF dossiers IS NOT NULL THEN
        -- Whoever closes the dossier waits for us, or we for him.
        FOR now_in IN SELECT state FROM record.resource WHERE tenant = of_tenant AND key = ANY(dossiers) FOR SHARE LOOP
            IF now_in = ANY(frozen) THEN
                RAISE EXCEPTION '%', now_in USING ERRCODE = 'HB003';
            END IF;
        END LOOP;
    END IF;
    -- First: what is deleted forgets below whose it was.
    IF told IS NOT NULL THEN
        PERFORM audit.note_saved(of_tenant, who, told, writes);
    END IF;
    INSERT INTO record.resource (key, tenant, type, id, vid, recorded, state, patient, encounter, dossier, department,
        labels)
    SELECT key, of_tenant, type, id, vid, recorded, state, patient, encounter, dossier, department, labels
    FROM unnest(writes) WHERE fresh
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS saved = ROW_COUNT;
    IF saved < cardinality(writes) THEN
        IF saved < (SELECT count(*) FROM unnest(writes) WHERE fresh) THEN
            RAISE EXCEPTION 'made by another' USING ERRCODE = 'HB001';
        END IF;
        FOREACH one IN ARRAY writes LOOP
            CONTINUE WHEN one.fresh;
            UPDATE record.resource
            SET vid = one.vid, recorded = one.recorded, state = one.state, patient = one.patient,
                encounter = one.encounter, dossier = one.dossier, department = one.department, labels = one.labels,
                deleted = (one.interaction = 'D')
            WHERE tenant = of_tenant AND key = one.key AND vid = one.vid - 1;
            -- Whoever signed a version while we waited for its row has the last word.
            IF NOT FOUND OR EXISTS (
                SELECT FROM record.version_lock
                WHERE tenant = of_tenant AND resource = one.key AND vid = one.vid - 1
            ) THEN
                RAISE EXCEPTION 'changed by another' USING ERRCODE = 'HB002';
            END IF;
        END LOOP;
    END IF;
    INSERT INTO record.version (tenant, resource, vid, type, interaction, recorded, occurred, late, sha256, before,
        body, account, role, on_behalf_of, workstation, channel, purpose, reason, request, source_system, source_key)
    SELECT of_tenant, key, vid, type, interaction, recorded, occurred, late, sha256, before,
        body, who.account, who.role, who.on_behalf_of, who.workstation, who.channel, who.purpose, who.reason,
        who.request, who.source_system, who.source_key
    FROM unnest(writes);
    PERFORM record.save_rows(of_tenant, tokens, strings, dates, quantities, refs, uris, composites, texts,
        no_token, no_string, no_date, no_quantity, no_reference, no_uri, no_composite, no_text);
END $$;

REVOKE ALL ON FUNCTION record.save FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record.save TO hsba_runtime;

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
            SELECT r.key, r.patient FROM record.resource r
            WHERE r.tenant = of_tenant AND r.key = a.resource
            UNION ALL
            SELECT r.key, r.patient FROM record.resource r
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
        IF part.act IS NULL AND cardinality(writes) > 10 THEN
            INSERT INTO audit.subject (tenant, line, recorded, patient, type, shown)
            SELECT of_tenant, made, at, w.patient, CASE WHEN min(w.type) = max(w.type) THEN min(w.type) END, count(*)
            FROM unnest(writes) AS w GROUP BY w.patient, CASE WHEN w.patient IS NULL THEN w.type END;
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

-- The second fence, as around the record.
ALTER TABLE audit.line ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit.line TO hsba_runtime USING (tenant = (SELECT current_setting('hsba.tenant', true)::integer));
ALTER TABLE audit.subject ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit.subject TO hsba_runtime USING (tenant = (SELECT current_setting('hsba.tenant', true)::integer));
