from __future__ import annotations

import pytest

from hsba.fhir.ucum import canonical, written


@pytest.mark.parametrize(
    "one, value, other, same",
    [
        ("mmol/L", 5.6, "umol/L", 5600),
        ("mg/dL", 100, "g/L", 1),
        ("10*9/L", 7, "10*3/uL", 7),
        ("10*9/L", 7, "10^9/L", 7),
        ("mm[Hg]", 750.06, "kPa", 100),
        ("kg", 70, "g", 70_000),
        ("[lb_av]", 1, "g", 453.59237),
        ("Cel", 37, "[degF]", 98.6),
        ("%", 42, "1", 0.42),
        ("/min", 60, "Hz", 1),
        ("{beats}/min", 72, "/min", 72),
        ("mL/min/{1.73_m2}", 90, "L/h", 5.4),
        ("h", 1, "min", 60),
        ("m[IU]/L", 4, "u[IU]/mL", 4),
        ("kg/m2", 22, "g/cm2", 2.2),
        ("ng/mL", 3, "ug/L", 3),
        ("meq/L", 140, "eq/m3", 140),
        ("kcal", 1, "kJ", 4.184),
        ("U/L", 60, "ukat/L", 1),
        ("(mg/dL)", 3, "mg/dL", 3),
        ("g%", 12, "g/dL", 12),
    ],
)
def test_canonical__brings_units_of_one_kind_together(
    one: str, value: float, other: str, same: float
) -> None:
    first, second = canonical(one), canonical(other)

    assert first is not None
    assert second is not None
    assert first.base == second.base
    assert first.of(value) == pytest.approx(second.of(same), rel=1e-4)


@pytest.mark.parametrize(
    "code", ["", "viên", "mg/", "/", "mg//L", "((", "m" * 100, "kmin", "[nope]", "mg L", "10**9"]
)
def test_canonical__what_is_not_a_known_unit_has_no_base(code: str) -> None:
    assert canonical(code) is None


@pytest.mark.parametrize(
    "one, other", [("mol/L", "/L"), ("[IU]/L", "[arb'U]/L"), ("osm/kg", "eq/kg"), ("Cel", "g")]
)
def test_canonical__units_of_different_kinds_stay_apart(one: str, other: str) -> None:
    first, second = canonical(one), canonical(other)

    assert first is not None
    assert second is not None
    assert first.base != second.base


def test_written__knows_what_people_write() -> None:
    assert written("mmHg") == "mm[Hg]"
    assert written("lần/phút") == "/min"
    assert written("mg/dL") == "mg/dL"
