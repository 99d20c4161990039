"""What SMART scopes mean: letters, old words, searches, one patient; and that what is not understood grants nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from hsba.access.oauth import scopes
from hsba.access.oauth.scopes import Meaning, ScopedPolicy, ScopeTooNarrow
from hsba.access.rights import roles
from hsba.access.rights.conditions import Setting
from hsba.access.rights.people import Person
from hsba.fhir import definitions
from hsba.fhir.query import expression as e
from hsba.record.codes import PackageCodes
from hsba.record.ports import AllowAll

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
FINAL = e.Match("status", e.Token(None, "final"))


def policy(scope: str, patient: str | None = None) -> ScopedPolicy:
    known = definitions.default()
    setting = Setting(known, PackageCodes(known), ZoneInfo("Asia/Ho_Chi_Minh"), Person("x"), (), NOW)
    return ScopedPolicy(AllowAll(), Meaning(scopes.rights(scope), patient, setting))


@pytest.mark.parametrize(
    "text, letters",
    [
        ("user/Patient.rs", "rs"), ("system/*.cruds", "cruds"), ("patient/Observation.c", "c"),
        ("user/Patient.read", "rs"), ("user/*.write", "cud"), ("system/*.*", "cruds"),
    ],
)  # fmt: skip
def test_right__letters_and_the_words_of_smart_1(text: str, letters: str) -> None:
    found = scopes.right(text)

    assert found is not None
    assert found.acts == set(letters)


@pytest.mark.parametrize(
    "text",
    [
        "user/Patient", "user/Patient.", "user/Patient.sr", "user/Patient.rr", "user/Patient.x", "user/patient.rs",
        "users/Patient.rs", "user/Patient.rs?", "user/Patient.rs?a b", "User/Patient.rs", "user/Patient.rs\n", "user/Pa*.rs",
        "xuser/Patient.rs", "openid", "", "user/*.Read", "user/Patient.rs ", "//*.cruds",
    ],
)  # fmt: skip
def test_right__what_is_not_understood_is_none(text: str) -> None:
    assert scopes.right(text) is None


@pytest.mark.parametrize(
    "scope", ["nonsense", "openid", "user/Patient.sr", "patient/*.rs", "user/Patient.rs?nonsense=1"]
)
def test_policy__a_scope_that_is_not_understood_grants_nothing(scope: str) -> None:
    held = policy(scope)

    assert scopes.holds_back(scope)
    for act in roles.ACTS:
        assert held.within(act, "Patient") == e.Nothing()
    assert held.visible("Patient") == held.to_read().visible("Patient") == e.Nothing()


@pytest.mark.parametrize("scope", ["", "system/*.cruds", "user/*.cruds", "openid user/*.*"])
def test_holds_back__nothing_of_an_account_whose_scopes_are_all(scope: str) -> None:
    assert not scopes.holds_back(scope)


@pytest.mark.parametrize(
    "scope", ["patient/*.cruds", "user/*.rs user/*.cud", "user/*.cruds?_tag=x", "system/Patient.cruds"]
)
def test_holds_back__whatever_is_less(scope: str) -> None:
    assert scopes.holds_back(scope)


def test_policy__to_search_needs_two_letters_and_to_read_one() -> None:
    reads, searches, both = (
        policy("user/Patient.r"),
        policy("user/Patient.s"),
        policy("user/Patient.r user/Patient.s"),
    )

    assert [one.to_read().visible("Patient") for one in (reads, searches, both)] == [
        e.Everything(), e.Nothing(), e.Everything(),
    ]  # fmt: skip
    assert [one.visible("Patient") for one in (reads, searches, both)] == [
        e.Nothing(),
        e.Nothing(),
        e.Everything(),
    ]


def test_policy__a_search_in_a_scope_becomes_its_bounds() -> None:
    held = policy("user/Observation.rs?status=final user/Observation.u")

    assert held.visible("Observation") == FINAL
    assert held.within("update", "Observation") == e.Everything()
    assert held.visible("Patient") == e.Nothing()


def test_policy__two_scopes_are_joined_by_or() -> None:
    held = policy("user/Observation.rs?status=final user/Observation.rs?status=amended")

    assert held.visible("Observation") == e.any_of([FINAL, e.Match("status", e.Token(None, "amended"))])


def test_policy__patient_scopes_mean_the_patient_of_the_launch() -> None:
    held = policy("patient/*.cruds", "p1")

    assert held.visible("Patient") == e.Ids(("p1",))
    assert held.visible("Observation") == e.InCompartment("Patient", "p1")
    assert held.visible("AuditEvent") == e.InCompartment("Patient", "p1")
    assert held.visible("Binary") == e.Nothing()


def test_policy__patient_scopes_read_the_lists_of_the_house_and_change_none() -> None:
    assert policy("patient/*.cruds", "p1").visible("Practitioner") == e.Everything()
    held = policy("patient/Practitioner.cruds", "p1")
    assert held.within("update", "Practitioner") == held.within("create", "Practitioner") == e.Nothing()


def test_policy__every_right_of_a_role_has_its_letters() -> None:
    assert set(scopes.NEEDED) == set(roles.ACTS)
    assert policy("user/*.cruds").within("something-new", "Patient") == e.Nothing()


def test_check__a_subscription_goes_on_without_its_token_so_it_must_read_all() -> None:
    subscription = {"resourceType": "Subscription", "criteria": "Patient?"}

    with pytest.raises(ScopeTooNarrow):
        policy("user/Subscription.cruds user/Patient.rs").check(
            None, "create", "Subscription", before=None, after=subscription  # type: ignore[arg-type]
        )  # fmt: skip
    policy("user/Subscription.cruds user/*.rs").check(
        None, "create", "Subscription", before=None, after=subscription  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    "asked, given",
    [
        ("patient/Observation.rs", "patient/Observation.rs"),
        ("patient/Observation.r", "patient/Observation.r"),
        ("patient/Observation.cruds", ""),
        ("user/Observation.rs", ""),
        ("patient/Observation.rs?status=final", "patient/Observation.rs?status=final"),
        ("system/*.rs", ""),
        ("openid launch/patient offline_access", "openid launch/patient"),
        ("patient/*.rs patient/*.rs nonsense", "patient/*.rs"),
        ("patient/Condition.read", "patient/Condition.read"),
    ],
)
def test_granted__no_more_than_an_app_was_registered_with(asked: str, given: str) -> None:
    assert scopes.granted("openid launch/patient patient/*.rs user/Patient.rs?_tag=x", asked) == given


def test_granted__a_search_in_the_registration_is_not_left_away() -> None:
    assert scopes.granted("user/Patient.rs?_tag=x", "user/Patient.rs") == ""
    assert scopes.granted("user/Patient.rs?_tag=x", "user/Patient.r?_tag=x") == "user/Patient.r?_tag=x"
