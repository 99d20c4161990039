"""What keeps an installation well: health, self-check, processes, upgrade of the database, the demo hospital.

It may use every room below `http`, and receives what it needs from `app` and the commands.
It never serves a request, and never reads a setting by itself.
"""
