"""The demo hospital: an invented provincial hospital with believable patients, by seed and of any size.

It may use the language (`fhir`) and nothing else of the house. It never touches a database or a network: what it makes
goes through the same doors as everybody's data.
"""

from hsba.ops.demo.generate import HOSPITAL, Hospital, generate

__all__ = ["HOSPITAL", "Hospital", "generate"]
