"""The record as files of lines (NDJSON), for another program: FHIR Bulk Data Access, `$export` and `hsba export`.

It reads by the store's search compiler, so that a policy holds for every line, and keeps how far it is in the queue's job.
It never holds more than one batch in memory and never writes outside the folder it is given.
"""
