"""Page-shaped reads: what one screen shows, in one SQL query each, as frozen values.

They may use the store and the language, and carry the tenant, the policy's predicate and the field rules like every
other read.  They never write, and never know how a page looks.
"""
