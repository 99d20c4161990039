"""Subscriptions: what may be saved as one, who is told of what, and where a hook may point (FHIR R4 subscription.html).

It may use the record, the store and the one search compiler. It never opens a connection to anybody: telling is a job
of `ops.hooks`.
"""
