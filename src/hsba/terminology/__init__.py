"""Code lists: what a code means on a day, whether it may be used, and how a doctor finds it by a few letters.

It may use `record`, `store` and `fhir`; it answers the record's port `Codes`.  It never changes a clinical record, and
never takes away a name that an old record needs to be shown.
"""
