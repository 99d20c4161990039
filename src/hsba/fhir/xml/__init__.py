"""FHIR's XML, read strictly and written in the definitions' order (FHIR R4 xml.html).

Both ways keep everything: the digits of decimals, ids and extensions of primitives, the narrative as it was written.
It may use the definitions and the standard library's parser.
It never reads document types or entities, so there is nothing to expand and nothing to fetch.
"""

from hsba.fhir.xml.reading import parse
from hsba.fhir.xml.writing import dump, dump_pretty

__all__ = ["dump", "dump_pretty", "parse"]
