"""PostgreSQL: the schema, its migrations, the embedded server, and every line of SQL about resources.

It may use `fhir` and the one connection that a function is handed. It never decides who may do what: the
policy reaches it as a search expression, and it compiles that on every path.
"""
