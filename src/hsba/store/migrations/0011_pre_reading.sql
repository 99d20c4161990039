-- A read and its line in one call: nothing of a resource leaves the database before who saw it is written down.

-- The current version at an address, told to the trail; a tombstone comes without a line, and where nothing was ever
-- written nothing comes.
CREATE FUNCTION audit.read(
    of_tenant integer, who record.save_provenance, at timestamptz, of_type smallint, of_id text,
    OUT key bigint, OUT vid integer, OUT recorded timestamptz, OUT deleted boolean, OUT body text
) RETURNS record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    made       bigint;
    of_patient bigint;
BEGIN
    IF of_tenant IS DISTINCT FROM current_setting('hsba.tenant', true)::integer THEN
        RAISE EXCEPTION 'tenant %', of_tenant USING ERRCODE = 'HB004';
    END IF;
    SELECT r.key, r.vid, r.recorded, r.deleted, v.body, r.patient INTO key, vid, recorded, deleted, body, of_patient
    FROM record.resource r LEFT JOIN record.version v
      ON v.tenant = r.tenant AND v.resource = r.key AND v.vid = r.vid AND v.recorded = r.recorded
    WHERE r.tenant = of_tenant AND r.type = of_type AND r.id = of_id AND r.vid > 0;
    IF key IS NULL OR deleted THEN
        RETURN;
    END IF;
    made := nextval('audit.line_id');
    INSERT INTO audit.line (id, tenant, recorded, account, role, on_behalf_of, workstation, channel, address, purpose,
        reason, request, interaction, type, refused)
    VALUES (made, of_tenant, at, who.account, who.role, who.on_behalf_of, who.workstation, who.channel, who.address,
        who.purpose, who.reason, who.request, 'read', of_type, false);
    INSERT INTO audit.subject (tenant, line, recorded, patient, resource, type, id, vid, shown)
    VALUES (of_tenant, made, at, of_patient, key, of_type, of_id, vid, 1);
END $$;

REVOKE ALL ON FUNCTION audit.read FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.read TO hsba_runtime;
