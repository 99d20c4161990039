"""Papers of the record: composed, rendered, signed, verified, kept.

It may use `forms` and what lies below.
It never renders again what was signed: the stored bytes are the document.
"""
