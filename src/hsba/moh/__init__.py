"""The gateway for the Ministry of Health's exchanges: dossier, prescription, health book, birth and death.

It may use `documents` and what lies below.
It never knows the other gateways, and never asks a person to type again what the record holds.
"""
