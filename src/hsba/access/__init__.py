"""Answers the record's question "may they?": identity, sessions, roles and policies as search expressions.

It may use `record` and what lies below.
It never writes SQL about resources, and what it cannot understand grants nothing.
"""
