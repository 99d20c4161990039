-- What happens to accounts, sessions, rights and clients: lines of the same trail, under the channel `access`. One for each
-- keeper that the account belongs to; what concerns all of them, or nobody's account, is a line of the installation
-- (tenant 0), which every keeper's security officers may read.
CREATE FUNCTION audit.tell(
    who text, done_to text, of_tenant integer, at timestamptz, act text, was_refused boolean, why text,
    from_address text, at_workstation text, asked uuid
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    keepers integer[] := ARRAY[of_tenant];
BEGIN
    IF of_tenant IS NULL THEN
        SELECT k.tenants INTO keepers FROM (
            SELECT 1 AS place, a.tenants FROM access.account a WHERE a.login = done_to
            UNION ALL SELECT 2, c.tenants FROM access.client c WHERE 'client:' || c.name = done_to
            UNION ALL SELECT 3, a.tenants FROM access.account a WHERE a.login = who
            UNION ALL SELECT 4, c.tenants FROM access.client c WHERE 'client:' || c.name = who
        ) k ORDER BY k.place LIMIT 1;
    END IF;
    IF coalesce(cardinality(keepers), 0) = 0 THEN
        keepers := ARRAY[0];
    END IF;
    INSERT INTO audit.line (tenant, recorded, account, workstation, channel, address, purpose, reason, request,
        interaction, refused, detail)
    SELECT keeper, at, who, at_workstation, 'access', from_address, 'HSYSADMIN', why, asked, act, was_refused, done_to
    FROM unnest(keepers) AS keeper;
END $$;
REVOKE ALL ON FUNCTION audit.tell FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.tell TO hsba_runtime;

-- What is asked of all lines and not of one account's or patient's: the few that refuse, and the few about accounts.
CREATE INDEX line_refused ON audit.line (tenant, recorded) WHERE refused;
CREATE INDEX line_access ON audit.line (recorded) WHERE channel = 'access';

ALTER POLICY tenant ON audit.line
    USING (tenant IN (0, (SELECT current_setting('hsba.tenant', true)::integer)));

-- Whose a deleted resource was: its own row forgets it, and its versions can still be read.
CREATE TABLE audit.deleted_of (
    tenant   integer NOT NULL,
    resource bigint NOT NULL,
    patient  bigint NOT NULL,
    PRIMARY KEY (tenant, resource)
);
INSERT INTO audit.deleted_of (tenant, resource, patient)
SELECT DISTINCT ON (s.tenant, s.resource) s.tenant, s.resource, s.patient
FROM audit.subject s JOIN audit.line l ON l.id = s.line AND l.recorded = s.recorded
JOIN record.resource r ON r.tenant = s.tenant AND r.key = s.resource AND r.deleted
WHERE s.patient IS NOT NULL AND NOT l.refused ORDER BY s.tenant, s.resource, s.line DESC;

CREATE OR REPLACE FUNCTION audit.note(
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

CREATE OR REPLACE FUNCTION audit.note_saved(
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

-- Up to which segment each audit repository has been told; and the lines of a segment, of all keepers.
CREATE TABLE audit.sent (
    target  text PRIMARY KEY,
    segment bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON audit.sent TO hsba_runtime;

CREATE FUNCTION audit.of_segment(wanted bigint) RETURNS SETOF audit.whole
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT w.* FROM audit.segment g, unnest(g.ids) WITH ORDINALITY AS u(id, place)
    JOIN audit.whole w ON w.id = u.id
    WHERE g.number = wanted AND w.recorded BETWEEN g.earliest AND g.latest ORDER BY u.place
$$;
REVOKE ALL ON FUNCTION audit.of_segment FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.of_segment TO hsba_runtime;

-- What was removed from a segment when its time was over: the signed word that stands in its place (hsba.audit.pruning).
CREATE TABLE audit.pruned (
    segment   bigint NOT NULL,
    pruned    timestamptz NOT NULL,
    lines     integer NOT NULL,
    statement text NOT NULL,
    PRIMARY KEY (segment, pruned)
);
