"""From the log-in page to a session: password, second step, another house's log-in, and the workstation one sits at.

What a person does with his own factors is here, because each of it asks for the password again.
"""
