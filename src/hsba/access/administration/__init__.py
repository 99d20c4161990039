"""What administrators do, and what they look at: accounts, lists of them, roles and grants, changes, the half-yearly review.

Each act is told to the witness in its own transaction, and nobody does any of it to himself.
"""
