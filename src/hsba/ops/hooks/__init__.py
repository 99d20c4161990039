"""Telling others: the job that calls the address of a subscription, and the careful way it opens a connection.

It may use the record, whose rights decide what is told, and the network. It never calls an address that was not checked
at that very moment, and never follows where the other side wants to lead it.

It stands here and not in `record`, which speaks with PostgreSQL alone.
"""
