-- Roles hold always: what accounts were called by becomes grants, and who they are stands in one place.
INSERT INTO record.role_grant (tenant, account, role, granted_by)
SELECT t.id, a.login, r, 'operator'
FROM (SELECT login, roles, tenants FROM access.account
      UNION ALL SELECT 'client:' || name, roles, tenants FROM access.client) a
JOIN record.tenant t ON a.tenants IS NULL OR t.id = ANY (a.tenants), unnest(a.roles) r
WHERE NOT EXISTS (SELECT FROM record.role_grant g
                  WHERE g.tenant = t.id AND g.account = a.login AND g.role = r AND g.revoked IS NULL);

INSERT INTO record.role_person (tenant, account, type, id)
SELECT t.id, a.login, p.type, p.id
FROM access.account a JOIN record.tenant t ON a.tenants IS NULL OR t.id = ANY (a.tenants),
     LATERAL (VALUES ('Practitioner', a.practitioner), ('Patient', a.patient)) p (type, id)
WHERE p.id IS NOT NULL
ON CONFLICT DO NOTHING;

ALTER TABLE access.account DROP COLUMN roles, DROP COLUMN practitioner, DROP COLUMN patient;
ALTER TABLE access.client DROP COLUMN roles;
