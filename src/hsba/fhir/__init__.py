"""The language of the record: FHIR R4 definitions, JSON, XML, validation, FHIRPath, patch, queries.

It may use the packaged definitions and nothing else of the house.
It never does I/O beyond reading those files, and never knows of a database, a request or a user.
"""
