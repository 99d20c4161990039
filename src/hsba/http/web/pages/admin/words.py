"""The words of rights in a hospital's language, as tables of messages: acts, kinds of content, labels, states."""

from __future__ import annotations

from hsba.http.web.i18n import mark as _

ACTS = {
    "view": _("view"),
    "create": _("create"),
    "update": _("change"),
    "delete": _("delete"),
    "sign": _("sign"),
    "print": _("print"),
    "copy": _("copy for others"),
    "export": _("export to files"),
    "cancel": _("cancel"),
    "restore": _("restore"),
    "close": _("close the dossier"),
    "reopen": _("re-open the dossier"),
    "archive": _("archive"),
    "destroy": _("destroy after retention"),
    "label": _("set sensitivity labels"),
    "merge": _("merge two records of one patient"),
    "emergency": _("come to a patient in an emergency"),
    "review": _("look at emergency accesses"),
    "lend": _("lend the record for reading"),
    "link-person": _("link records of one person across keepers"),
}

GROUPS = {
    "clinical": _("the clinical record"),
    "register": _("registration, visits and insurance cards"),
    "shared": _("the house: departments, staff, forms, lists"),
    "results": _("results of laboratory, imaging and procedures"),
    "nursing": _("nursing"),
    "medicines": _("medicines"),
    "insurance": _("insurance and payment"),
}

TYPES = {
    "Account": _("Accounts of payment"),
    "ActivityDefinition": _("Definitions of activities"),
    "AllergyIntolerance": _("Allergies"),
    "Appointment": _("Appointments"),
    "AuditEvent": _("The audit trail"),
    "Binary": _("Files"),
    "CapabilityStatement": _("What a server can do"),
    "CarePlan": _("Care plans"),
    "CareTeam": _("Care teams"),
    "ChargeItem": _("Charges"),
    "Claim": _("Claims"),
    "ClaimResponse": _("Answers to claims"),
    "ClinicalImpression": _("Assessments"),
    "CodeSystem": _("Code lists"),
    "Communication": _("Messages about care"),
    "Composition": _("Dossiers and sheets"),
    "ConceptMap": _("Mappings of codes"),
    "Condition": _("Diagnoses and problems"),
    "Consent": _("Consents"),
    "Coverage": _("Insurance cards"),
    "DetectedIssue": _("Warnings of interactions"),
    "DeviceUseStatement": _("Devices in use"),
    "DiagnosticReport": _("Reports of results"),
    "DocumentReference": _("Documents and scans"),
    "Encounter": _("Visits and stays"),
    "EpisodeOfCare": _("Courses of treatment"),
    "ExplanationOfBenefit": _("Settled claims"),
    "FamilyMemberHistory": _("Family history"),
    "Flag": _("Warnings about the patient"),
    "Goal": _("Goals of treatment"),
    "HealthcareService": _("Services of the house"),
    "ImagingStudy": _("Imaging studies"),
    "Immunization": _("Vaccinations"),
    "Invoice": _("Invoices"),
    "List": _("Lists in the record"),
    "Location": _("Wards, rooms, beds"),
    "Media": _("Pictures and recordings"),
    "Medication": _("Catalogue of medicines"),
    "MedicationAdministration": _("Medicines given"),
    "MedicationDispense": _("Medicines handed out"),
    "MedicationRequest": _("Prescriptions"),
    "MedicationStatement": _("Medicines the patient takes"),
    "NamingSystem": _("Systems of numbers"),
    "NutritionOrder": _("Diet orders"),
    "Observation": _("Measurements and single results"),
    "OperationDefinition": _("Definitions of operations"),
    "Organization": _("Departments and facilities"),
    "Patient": _("Patients"),
    "PlanDefinition": _("Protocols"),
    "Practitioner": _("Staff"),
    "PractitionerRole": _("Posts of staff"),
    "Procedure": _("Procedures and operations"),
    "Provenance": _("Signatures and origins"),
    "Questionnaire": _("Forms"),
    "QuestionnaireResponse": _("Filled-in sheets"),
    "RelatedPerson": _("Relatives and representatives"),
    "RiskAssessment": _("Assessments of risk"),
    "Schedule": _("Schedules"),
    "SearchParameter": _("Search parameters"),
    "ServiceRequest": _("Orders"),
    "Slot": _("Free times"),
    "Specimen": _("Specimens"),
    "StructureDefinition": _("Definitions of content"),
    "Subscription": _("Subscriptions of other systems"),
    "Substance": _("Substances"),
    "Task": _("Tasks"),
    "ValueSet": _("Choices of codes"),
}
"""Kinds of content that roles speak of; another one is shown by its name in FHIR."""

ELEMENTS = {
    "address": _("address"),
    "birthDate": _("date of birth"),
    "contact": _("relatives to be told"),
    "diagnosis": _("diagnoses"),
    "identifier": _("numbers"),
    "name": _("name"),
    "photo": _("photo"),
    "telecom": _("telephone, e-mail"),
}

STATES = {
    "none": _("belongs to no dossier"),
    "draft": _("being begun"),
    "active": _("in use"),
    "closed": _("closed"),
    "archived": _("archived"),
    "destroyed": _("destroyed"),
    "cancelled": _("cancelled"),
}
"""Of dossiers."""

LABELS = {
    "R": _("restricted"),
    "V": _("very restricted"),
    "HIV": _("HIV"),
    "PSY": _("psychiatry"),
    "MH": _("mental health"),
    "ETH": _("alcohol and drugs"),
    "SUD": _("substance use"),
    "SDV": _("violence in the family"),
    "SEX": _("sexual health"),
    "STD": _("sexually transmitted diseases"),
    "ADOL": _("private matters of adolescents"),
    "CEL": _("well-known person"),
    "EMP": _("employee of the house"),
    "TBOO": _("not to be told to the patient yet"),
}

ACCOUNT_STATES = {
    "active": _("open"),
    "disabled": _("closed"),
    "locked": _("locked by wrong passwords"),
    "must-change": _("password not changed yet"),
    "never-used": _("never used"),
}

KIND_NOTES = {
    "staff": _("people of the house; what they may do their roles say"),
    "administrator": _("this room; no patient's record"),
    "security": _("reads this room and the audit trail; no patient's record"),
    "technical": _("the machines; no patient's record"),
    "service": _("another program"),
    "patient": _("a patient or who represents one"),
}

CHANGES = {
    "account": _("account made"),
    "kind": _("kind of account changed"),
    "give": _("role given"),
    "take-back": _("role taken back"),
    "role": _("role changed"),
    "propose": _("change of a role proposed"),
    "decide": _("proposed change of a role decided"),
}

PROPOSALS = {
    "open": _("waits for approval"),
    "approved": _("approved"),
    "declined": _("declined"),
    "withdrawn": _("withdrawn"),
}
