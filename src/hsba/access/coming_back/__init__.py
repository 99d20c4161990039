"""Whoever is logged in already, again: the covered screen, PIN and badge, proof for one act, and a form that was kept.

A session comes back under a new secret; none is begun here that no log-in began.
"""
