"""Search in PostgreSQL: an expression becomes one statement, and a page of matches with what they bring along.

It may use the language of search, the registry and the resources; it never knows who asks but by the policy's expression.
SQL is composed here and nowhere else.
"""

from hsba.store.search.run import Page, condition, count, lock_condition, match_keys, run, sees
from hsba.store.search.walk import walk

__all__ = ["Page", "condition", "count", "lock_condition", "match_keys", "run", "sees", "walk"]
