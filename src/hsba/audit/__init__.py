"""Answers the record's question "who shall be told?": the trail of every act, chained and sealed.

It may use `record` and what lies below.
It never changes or removes a line it has written.
"""
