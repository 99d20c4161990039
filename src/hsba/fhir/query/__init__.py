"""The language of search: parameters, `_filter` and policies become one tree of expressions, without any I/O.

It may use the definitions and the primitives of `fhir`; it never knows tables, SQL or who is asking.  The store's one
compiler turns the tree into SQL.
"""
