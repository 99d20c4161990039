"""The doors for programs and people over HTTP: the FHIR REST API, health, metrics and the web pages.

It may use every room below it, and turns requests into a context and an interaction, answers and problems
into HTTP. It never touches the store or decides about the record itself, and it never reads settings: `app`
hands them in.
"""
