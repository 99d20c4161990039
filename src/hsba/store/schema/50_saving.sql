-- The one door for versions: the runtime may not insert them itself, it calls record.save.

-- A new version with the keys of what it belongs to; fresh when its address is new too.
CREATE TYPE record.save_version AS (
    key bigint, type smallint, id text, vid integer, interaction "char", recorded timestamptz, body text,
    sha256 bytea, before bytea, fresh boolean, state smallint, patient bigint, encounter bigint, dossier bigint,
    department bigint, labels bigint, occurred timestamptz, late boolean
);
-- Who wrote, in which role, from where, through which door, for what: the same for all of one save.
CREATE TYPE record.save_provenance AS (
    account text, role text, on_behalf_of text, workstation text, channel text, purpose text, reason text,
    request uuid, source_system text, source_key text, address text
);
-- Search rows, as in the tables ix_…, without the tenant.
CREATE TYPE record.save_token AS (resource bigint, path integer, system integer, code text);
CREATE TYPE record.save_string AS (resource bigint, path integer, folded text, exact text);
CREATE TYPE record.save_date AS (resource bigint, path integer, low timestamptz, high timestamptz);
CREATE TYPE record.save_quantity AS (
    resource bigint, path integer, system integer, unit text, low float8, high float8, base text,
    base_low float8, base_high float8
);
CREATE TYPE record.save_reference AS (resource bigint, path integer, target bigint);
CREATE TYPE record.save_uri AS (resource bigint, path integer, value text);
CREATE TYPE record.save_composite AS (
    resource bigint, path integer, system integer, code text, kind "char", system2 integer, text2 text, low float8,
    high float8, base text, base_low float8, base_high float8, from2 timestamptz, to2 timestamptz
);
CREATE TYPE record.save_text AS (resource bigint, words text[]);

-- Take the search rows of some resources away, of each kind those of the resources named for it.
CREATE FUNCTION record.clear_rows(
    of_tenant integer, no_token bigint[], no_string bigint[],
    no_date bigint[], no_quantity bigint[], no_reference bigint[], no_uri bigint[], no_composite bigint[],
    no_text bigint[]
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM record.ix_token WHERE tenant = of_tenant AND resource = ANY(no_token);
    DELETE FROM record.ix_string WHERE tenant = of_tenant AND resource = ANY(no_string);
    DELETE FROM record.ix_date WHERE tenant = of_tenant AND resource = ANY(no_date);
    DELETE FROM record.ix_quantity WHERE tenant = of_tenant AND resource = ANY(no_quantity);
    DELETE FROM record.ix_reference WHERE tenant = of_tenant AND resource = ANY(no_reference);
    DELETE FROM record.ix_uri WHERE tenant = of_tenant AND resource = ANY(no_uri);
    DELETE FROM record.ix_composite WHERE tenant = of_tenant AND resource = ANY(no_composite);
    DELETE FROM record.ix_text WHERE tenant = of_tenant AND resource = ANY(no_text);
END $$;

-- Write search rows, after those of some resources were taken away.
CREATE FUNCTION record.save_rows(
    of_tenant integer, tokens record.save_token[], strings record.save_string[], dates record.save_date[],
    quantities record.save_quantity[], refs record.save_reference[], uris record.save_uri[],
    composites record.save_composite[], texts record.save_text[], no_token bigint[], no_string bigint[],
    no_date bigint[], no_quantity bigint[], no_reference bigint[], no_uri bigint[], no_composite bigint[],
    no_text bigint[]
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(no_token, no_string, no_date, no_quantity, no_reference, no_uri, no_composite, no_text) IS NOT NULL THEN
        PERFORM record.clear_rows(of_tenant, no_token, no_string, no_date, no_quantity, no_reference, no_uri,
            no_composite, no_text);
    END IF;
    IF tokens IS NOT NULL THEN
        INSERT INTO record.ix_token (tenant, resource, path, system, code)
        SELECT of_tenant, resource, path, system, code FROM unnest(tokens);
    END IF;
    IF strings IS NOT NULL THEN
        INSERT INTO record.ix_string (tenant, resource, path, folded, exact)
        SELECT of_tenant, resource, path, folded, exact FROM unnest(strings);
    END IF;
    IF dates IS NOT NULL THEN
        INSERT INTO record.ix_date (tenant, resource, path, low, high)
        SELECT of_tenant, resource, path, low, high FROM unnest(dates);
    END IF;
    IF quantities IS NOT NULL THEN
        INSERT INTO record.ix_quantity (tenant, resource, path, system, unit, low, high, base, base_low, base_high)
        SELECT of_tenant, resource, path, system, unit, low, high, base, base_low, base_high FROM unnest(quantities);
    END IF;
    IF refs IS NOT NULL THEN
        INSERT INTO record.ix_reference (tenant, resource, path, target)
        SELECT of_tenant, resource, path, target FROM unnest(refs);
    END IF;
    IF uris IS NOT NULL THEN
        INSERT INTO record.ix_uri (tenant, resource, path, value)
        SELECT of_tenant, resource, path, value FROM unnest(uris);
    END IF;
    IF composites IS NOT NULL THEN
        INSERT INTO record.ix_composite (tenant, resource, path, system, code, kind, system2, text2, low, high, base,
            base_low, base_high, from2, to2)
        SELECT of_tenant, resource, path, system, code, kind, system2, text2, low, high, base,
            base_low, base_high, from2, to2 FROM unnest(composites);
    END IF;
    IF texts IS NOT NULL THEN
        INSERT INTO record.ix_text (tenant, resource, words)
        SELECT of_tenant, resource, array_to_tsvector(words) FROM unnest(texts);
    END IF;
END $$;

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
