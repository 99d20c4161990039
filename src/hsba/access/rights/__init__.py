"""What an account may do: roles and their lines, grants, hours, loans, emergencies and consents, joined to one policy.

It knows nothing of how people come in; a door asks `current` and gets the policy.
"""
