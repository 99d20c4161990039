"""The gateway for health insurance: the tables XML0 to XML15, checked, written, read and sent.

It may use `documents` and what lies below.
It never knows the other gateways, and never asks a person to type again what the record holds.
"""
