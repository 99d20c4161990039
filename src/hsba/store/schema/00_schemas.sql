-- Three rooms in the database: the record (by tenant), the reference lists (shared), and the machinery.
CREATE SCHEMA reference;
CREATE SCHEMA record;
CREATE SCHEMA ops;
