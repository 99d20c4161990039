-- What was deleted is little, and an export asks for it type by type.
CREATE INDEX resource_deleted ON record.resource (tenant, type, key) WHERE deleted;
