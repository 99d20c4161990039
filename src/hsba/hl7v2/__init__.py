"""The gateway for HL7 v2 messages over MLLP.

It may use `documents` and what lies below. It never knows the other gateways, and answers an error with an
acknowledgement instead of raising it at its peer.
"""
