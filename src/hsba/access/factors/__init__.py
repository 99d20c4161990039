"""The kinds of second factor, and how they are kept: codes of the time, passkeys, recovery codes.

Nothing here opens a session; `coming_in` asks for a proof and opens it.
"""
