"""The interactions with the record: the one crossing between every door and what is stored.

It may use `store` and `fhir`, and asks its three ports whether one may, whether a code is right, and who is
told. It never knows which door a request came through, and never imports what answers its ports.
"""
