"""The files that lists come in: tables of a ministry, FHIR packages, SNOMED CT and LOINC releases, read as parts of a load.

It may use `terminology.loads` for what it yields.  It trusts no file, and writes nothing but what SNOMED CT's own
tables need on the way.
"""
