-- What the runtime may do: no DDL; versions come by record.save alone and are never changed.
GRANT USAGE ON SCHEMA reference, record, ops TO hsba_runtime;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA reference TO hsba_runtime;
GRANT UPDATE, DELETE ON reference.path, reference.value_set, reference.value_set_member, reference.concept_ancestor TO hsba_runtime;
GRANT UPDATE ON reference.generation TO hsba_runtime;
GRANT UPDATE, DELETE ON reference.search_parameter TO hsba_runtime;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA record TO hsba_runtime;
GRANT SELECT, INSERT, UPDATE, DELETE ON ops.job, ops.feed_cursor, ops.reindex TO hsba_runtime;
REVOKE INSERT, UPDATE, DELETE ON record.version, record.version_default FROM hsba_runtime;
REVOKE UPDATE, DELETE ON record.version_lock, record.state_change, record.number_block FROM hsba_runtime;
REVOKE DELETE ON record.tenant, record.resource, record.number_series, record.blob, record.role_grant, record.local_map,
    record.local_map_line, record.loan, record.emergency, record.role_proposal FROM hsba_runtime;
REVOKE UPDATE, DELETE ON record.form FROM hsba_runtime;
GRANT UPDATE (retired) ON record.form TO hsba_runtime;
REVOKE UPDATE, DELETE ON record.print FROM hsba_runtime;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA reference, record, ops TO hsba_runtime;
GRANT EXECUTE ON FUNCTION record.ensure_partition(date) TO hsba_runtime;
REVOKE ALL ON FUNCTION record.save FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record.save TO hsba_runtime;

-- The second fence: a connection sees the rows of the one tenant it was given, whatever a query forgets to say.
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['resource', 'version', 'ix_token', 'ix_string', 'ix_date', 'ix_quantity', 'ix_reference',
                             'ix_uri', 'ix_composite', 'ix_text', 'merged', 'version_lock', 'state_change', 'draft', 'number_series', 'number_block',
                             'idempotency', 'blob', 'delivery'] LOOP
        EXECUTE format('ALTER TABLE record.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON record.%I TO hsba_runtime USING (tenant = (SELECT current_setting(''hsba.tenant'', true)::integer))', t);
    END LOOP;
END $$;
