"""The gateway for DICOM: worklist, storage of images, and their web access.

It may use `documents` and what lies below.
It never knows the other gateways, and answers an error with a status of the standard.
"""
