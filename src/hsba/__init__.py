"""HSBA (hồ sơ bệnh án): an electronic medical record on FHIR R4 and PostgreSQL.

The rooms are drawn in `docs/explanation/architecture.md`; imports go down the house only, and a test keeps
it so. It never reaches a patient's data but through `record.interactions`.
"""
