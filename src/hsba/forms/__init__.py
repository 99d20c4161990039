"""Forms as data: a Questionnaire on the screen and on paper, its answers, and what is extracted from them.

It may use `record`, its ports' rooms and what lies below.
It never holds a form in code: a new form is a definition file.
"""
