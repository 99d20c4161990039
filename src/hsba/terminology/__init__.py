"""Answers the record's question "is this code right?": code systems, value sets and translations.

It may use `record` and what lies below.
It never writes clinical data.
"""
