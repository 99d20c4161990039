"""The words for FHIR's own codes, as tables of messages; texts that come with the data are shown as they came."""

from __future__ import annotations

from hsba.http.web.i18n import mark as _

GENDER = {"male": _("Male"), "female": _("Female"), "other": _("Other sex"), "unknown": _("Sex not known")}

GENDER_SIGN = {"male": "♂", "female": "♀"}

VISIT_KIND = {
    "IMP": _("In-patient"),
    "ACUTE": _("In-patient"),
    "NONAC": _("In-patient"),
    "SS": _("Short stay"),
    "AMB": _("Out-patient"),
    "EMER": _("Emergency"),
    "OBSENC": _("Observation"),
    "HH": _("At home"),
    "VR": _("Remote"),
    "FLD": _("In the field"),
    "PRENC": _("Before admission"),
}

VISIT_STATUS = {
    "planned": _("planned"),
    "arrived": _("arrived"),
    "triaged": _("triaged"),
    "in-progress": _("going on"),
    "onleave": _("on leave"),
    "finished": _("finished"),
    "cancelled": _("cancelled"),
    "entered-in-error": _("entered in error"),
    "unknown": _("not known"),
}

DIAGNOSIS_ROLE = {
    "AD": _("On admission"),
    "DD": _("On discharge"),
    "CC": _("Chief complaint"),
    "CM": _("Accompanying"),
    "pre-op": _("Before surgery"),
    "post-op": _("After surgery"),
    "billing": _("For billing"),
}

VERIFICATION = {
    "unconfirmed": _("not confirmed"),
    "provisional": _("provisional"),
    "differential": _("differential"),
    "confirmed": _("confirmed"),
    "refuted": _("refuted"),
}

RESULT_STATUS = {
    "registered": _("registered"),
    "partial": _("partial"),
    "preliminary": _("preliminary"),
    "final": _("final"),
    "amended": _("amended"),
    "corrected": _("corrected"),
    "appended": _("appended"),
    "cancelled": _("cancelled"),
    "entered-in-error": _("entered in error"),
    "unknown": _("not known"),
}

MEDICINE_STATUS = {
    "active": _("being taken"),
    "on-hold": _("on hold"),
    "cancelled": _("cancelled"),
    "completed": _("completed"),
    "entered-in-error": _("entered in error"),
    "stopped": _("stopped"),
    "draft": _("draft"),
    "intended": _("intended"),
    "not-taken": _("not taken"),
    "unknown": _("not known"),
}

PAPER_STATUS = {
    "preliminary": _("draft"),
    "final": _("final"),
    "amended": _("amended"),
    "current": _("current"),
    "superseded": _("superseded"),
    "completed": _("completed"),
    "in-progress": _("going on"),
    "entered-in-error": _("entered in error"),
}

ACT_STATUS = {
    "preparation": _("in preparation"),
    "in-progress": _("going on"),
    "not-done": _("not done"),
    "on-hold": _("on hold"),
    "stopped": _("stopped"),
    "completed": _("completed"),
    "entered-in-error": _("entered in error"),
    "unknown": _("not known"),
}

IDENTIFIER = {
    "cccd": _("Personal ID number"),
    "bhyt": _("Insurance card"),
    "mrn": _("Record number"),
    "bhxh": _("Social insurance number"),
    "passport": _("Passport"),
    "ma-tam": _("Temporary code"),
}

IDENTIFIER_SHORT = {
    "cccd": _("ID"),
    "bhyt": _("card"),
    "mrn": _("record"),
    "bhxh": _("soc. ins."),
    "passport": _("passport"),
    "ma-tam": _("temporary"),
}

VITAL = {
    "pulse": _("Pulse"),
    "temperature": _("Temperature"),
    "pressure": _("Blood pressure"),
    "breath": _("Breathing"),
    "oxygen": _("SpO₂"),
    "weight": _("Weight"),
    "height": _("Height"),
    "bmi": _("BMI"),
    "coma": _("Glasgow coma scale"),
    "pain": _("Pain"),
}

FLAG = {
    "L": _("low"),
    "H": _("high"),
    "LL": _("critically low"),
    "HH": _("critically high"),
    "A": _("abnormal"),
    "AA": _("critically abnormal"),
}

INTERACTION = {"C": _("created"), "U": _("changed"), "D": _("deleted"), "M": _("merged")}

NO_DAY = _("A day is written year-month-day: 2026-03-31. Nothing was looked for.")
NO_PATIENT = _("No patient has this number, or several have it. Nothing was looked for.")

ACTS = {
    "read": _("read"),
    "vread": _("read a version"),
    "search": _("found in a list"),
    "history": _("read the history"),
    "view": _("opened a page"),
    "audit-view": _("asked who has seen it"),
    "emergency": _("came in an emergency"),
    "lend": _("lent it"),
    "create": _("created"),
    "update": _("changed"),
    "delete": _("deleted"),
    "import": _("loaded from a file"),
    "print": _("printed"),
    "export": _("exported"),
    "merge": _("merged"),
    "unmerge": _("merge undone"),
    "draft": _("began to write"),
    "patch": _("changed in part"),
    "search-type": _("searched"),
    "search-system": _("searched"),
    "search-compartment": _("searched"),
    "history-instance": _("read the history"),
    "history-type": _("read the history"),
    "history-system": _("read the history"),
    "transaction": _("saved several at once"),
    "operation": _("carried out an operation"),
    "replay": _("got an earlier answer again"),
    "export-file": _("took an exported file"),
    "link-person": _("linked records of one person"),
    "$everything": _("took the whole record"),
    "$validate": _("had content checked"),
    "$meta": _("read labels and tags"),
    "hsba-step": _("moved a dossier on"),
    "page": _("opened a page"),
    "home": _("the first page"),
    "find": _("the page of patients"),
    "patients": _("the page of patients"),
    "patient": _("the page of a patient"),
    "visit": _("the page of a visit"),
    "raw": _("the page of a single entry"),
    "seen": _("the page of who has seen a record"),
    "audit": _("the page of the audit trail"),
    "audit-search": _("searched the audit trail"),
    "audit-export": _("took the audit trail as a file"),
    "own-seen": _("asked who has seen his own record"),
    "accounts-view": _("looked at the list of accounts"),
}

ACCOUNT_ACTS = {
    "login": _("logged in"),
    "logout": _("logged out"),
    "logout-everywhere": _("logged out everywhere"),
    "lock": _("locked the screen"),
    "unlock": _("unlocked the screen"),
    "proof": _("proved to be there"),
    "session-end": _("ended a session"),
    "password-change": _("changed the password"),
    "password-reset": _("gave a new password"),
    "account-create": _("made an account"),
    "account-import": _("made accounts from a list"),
    "administrator-create": _("made an administrator"),
    "account-change": _("changed an account"),
    "account-name": _("changed name or kind of an account"),
    "account-hours": _("said when an account may work"),
    "account-open": _("opened an account again"),
    "account-close": _("closed an account"),
    "account-lock": _("account locked by wrong passwords"),
    "account-person": _("said who an account is"),
    "account-person-end": _("took back who an account is"),
    "second-factor-add": _("added a second factor"),
    "second-factor-remove": _("removed a second factor"),
    "second-factor-reset": _("removed all second factors of an account"),
    "second-factor-reset-ask": _("asked that all second factors of an account be removed"),
    "second-factor-reset-decline": _("did not let second factors be removed"),
    "second-factor-use": _("used a second factor"),
    "second-factor-refused": _("second factor was refused"),
    "recovery-code-renew": _("made new recovery codes"),
    "recovery-code-use": _("used a recovery code"),
    "pin-set": _("set a PIN"),
    "pin-remove": _("removed a PIN"),
    "badge-set": _("set a badge"),
    "badge-remove": _("removed a badge"),
    "workstation-register": _("made a PC a workstation"),
    "workstation-move": _("a workstation was seen in another network"),
    "workstation-revoke": _("revoked a workstation"),
    "grant-give": _("gave a role"),
    "grant-take": _("took a role back"),
    "form-load": _("loaded a form"),
    "form-retire": _("retired a form"),
    "keeper-choose": _("went over to another keeper of records"),
    "role-create": _("made a role"),
    "role-change": _("changed a role"),
    "role-delete": _("removed a role"),
    "role-propose": _("proposed a change of a role"),
    "role-approve": _("approved a change of a role"),
    "role-decline": _("declined a change of a role"),
    "role-withdraw": _("withdrew a change of a role"),
    "loan-give": _("lent a record"),
    "loan-return": _("took a lent record back"),
    "emergency-open": _("opened a record in an emergency"),
    "emergency-end": _("ended an emergency access"),
    "emergency-review": _("reviewed an emergency access"),
    "client-create": _("made a service client"),
    "app-register": _("registered an app"),
    "app-change": _("changed an app"),
    "app-secret": _("gave an app a new secret"),
    "app-disable": _("closed an app"),
    "app-enable": _("opened an app again"),
    "app-authorize": _("let an app in"),
    "app-end": _("ended what an app was let do"),
    "token-create": _("made a token"),
    "token-issue": _("gave an app a token"),
    "token-refuse": _("refused an app a token"),
    "token-reuse": _("a token was used twice, so all that came of it ended"),
    "token-wrong": _("brought tokens that nobody has; how many in a minute stands beside"),
    "token-revoke": _("ended a token"),
    "door-refuse": _("was refused at the door"),
    "audit-review": _("confirmed the list of accounts"),
    "audit-prune": _("removed old lines of the trail"),
}

PROGRAM = {
    "operator": _("the operator of the server"),
    "worker": _("the server itself"),
    "subscription": _("the server itself"),
    "anonymous": _("nobody known"),
}
"""Accounts that are no person's."""

REASONS = {
    "wrong password": _("wrong password"),
    "no such account": _("no such account"),
    "closed or locked": _("account closed or locked"),
    "wrong secret": _("wrong secret"),
    "unused": _("not used for long"),
}
"""Why something about an account was refused or done."""

CHANNELS = {
    "rest": "FHIR REST",
    "web": _("web page"),
    "access": _("accounts and rights"),
    "worker": _("background"),
    "export": _("export to files"),
}

PURPOSES = {
    "TREAT": _("treatment"),
    "ETREAT": _("emergency"),
    "HOPERAT": _("running the house"),
    "HSYSADMIN": _("running the system"),
    "BTG": _("emergency access"),
}

EMERGENCY = {
    "life": _("Life in danger"),
    "consultation": _("Called for advice"),
    "transfer": _("Taken over from another department or facility"),
    "duty": _("On duty in place of others"),
    "other": _("Something else"),
}

LOAN_PURPOSE = {
    "TREAT": _("Treatment, consultation"),
    "HRESCH": _("Study, research"),
    "HLEGAL": _("Court, investigation, inspection"),
    "HPAYMT": _("Insurance, compensation"),
    "HOPERAT": _("Quality, management"),
    "PATRQT": _("Written request of the patient"),
    "FAMRQT": _("Written request of the representative"),
}

CONSENT_PURPOSES = {
    "TREAT": _("Treatment"),
    "HRESCH": _("Study, research"),
    "HPAYMT": _("Insurance, compensation"),
    "HOPERAT": _("Quality, management"),
    "HLEGAL": _("Court, investigation, inspection"),
    "FAMRQT": _("Written request of the representative"),
}
"""What a patient may forbid or allow something for."""

DAYS = {
    "mon": _("Mon"),
    "tue": _("Tue"),
    "wed": _("Wed"),
    "thu": _("Thu"),
    "fri": _("Fri"),
    "sat": _("Sat"),
    "sun": _("Sun"),
}

ACCOUNT_KIND = {
    "staff": _("Staff"),
    "administrator": _("Administrator"),
    "security": _("Security officer"),
    "technical": _("Technician of the system"),
    "service": _("Service"),
    "patient": _("Patient"),
}

TYPES = {
    "Patient": _("Patients"),
    "Encounter": _("Visits"),
    "Observation": _("Measurements and results"),
    "Practitioner": _("Staff"),
    "Condition": _("Diagnoses"),
    "DiagnosticReport": _("Reports"),
    "MedicationRequest": _("Prescription lines"),
}

APP_TYPES = {
    **TYPES,
    "AllergyIntolerance": _("Allergies"),
    "Composition": _("Medical records and notes"),
    "Coverage": _("Insurance cards"),
    "DocumentReference": _("Documents"),
    "Immunization": _("Vaccinations"),
    "Location": _("Wards and rooms"),
    "MedicationAdministration": _("Medicines given"),
    "Organization": _("Departments"),
    "Procedure": _("Procedures"),
    "QuestionnaireResponse": _("Parts of sheets"),
    "ServiceRequest": _("Orders"),
}
EVERYTHING = _("The whole record")
CONSENT_TYPES = {
    name: APP_TYPES[name]
    for name in (
        "Condition", "Observation", "DiagnosticReport", "MedicationRequest", "MedicationAdministration", "AllergyIntolerance",
        "Composition", "DocumentReference", "Procedure", "Immunization", "ServiceRequest",
    )
}  # fmt: skip
"""Content that a patient may speak of by its kind."""

APP_ACTS = (("rs", _("Read")), ("c", _("add")), ("u", _("change")), ("d", _("delete")))
"""Letters of SMART scopes, and what each lets an app do."""
APP_OF = {
    "patient": _("of this patient only"),
    "user": _("of everybody you may see"),
    "system": _("of everybody"),
}
APP_SCOPE = {
    "openid": _("Know your account"),
    "profile": _("Know your name"),
    "fhirUser": _("Know who you are in the record"),
    "launch": _("Know which patient you have open"),
    "launch/patient": _("Know which patient you choose"),
    "launch/encounter": _("Know which visit you have open"),
    "offline_access": _("Stay in after you have gone, until you or an administrator ends it"),
}
"""Scopes that are no rights to the record."""
