"""Units of measure (UCUM) brought to one base, so that a search for 5.6 mmol/L also finds 5600 umol/L.

The tables hold the units that medicine writes; an expression of them is read by the grammar of UCUM (section 2:
prefixes, exponents, `.` and `/`, parentheses, annotations).  A unit that is not known has no base: it then only equals
itself.  Two things differ from the letter of UCUM on purpose: the mole, and each arbitrary unit, is a base of its own,
so that `mol` never equals a pure number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

SYSTEM = "http://unitsofmeasure.org"

_PREFIXES: dict[str, Fraction] = {
    name: Fraction(10) ** power
    for name, power in (
        ("Y", 24), ("Z", 21), ("E", 18), ("P", 15), ("T", 12), ("G", 9), ("M", 6), ("k", 3), ("h", 2), ("da", 1),
        ("d", -1), ("c", -2), ("m", -3), ("u", -6), ("n", -9), ("p", -12), ("f", -15), ("a", -18), ("z", -21), ("y", -24),
    )
} | {name: Fraction(2) ** power for name, power in (("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40))}  # fmt: skip

_BASES = ("m", "s", "g", "rad", "K", "C", "cd", "mol")

_METRIC: dict[str, tuple[str, str]] = {
    # atom: (number, expression in other atoms); these take prefixes
    "sr": ("1", "rad2"),
    "Hz": ("1", "s-1"),
    "N": ("1000", "g.m.s-2"),
    "Pa": ("1", "N.m-2"),
    "J": ("1", "N.m"),
    "W": ("1", "J.s-1"),
    "A": ("1", "C.s-1"),
    "V": ("1", "J.C-1"),
    "F": ("1", "C.V-1"),
    "Ohm": ("1", "V.A-1"),
    "S": ("1", "Ohm-1"),
    "Wb": ("1", "V.s"),
    "T": ("1", "Wb.m-2"),
    "H": ("1", "Wb.A-1"),
    "lm": ("1", "cd.sr"),
    "lx": ("1", "lm.m-2"),
    "Bq": ("1", "s-1"),
    "Gy": ("1/1000", "J.g-1"),
    "Sv": ("1/1000", "J.g-1"),
    "l": ("1/1000", "m3"),
    "L": ("1/1000", "m3"),
    "ar": ("100", "m2"),
    "t": ("1000000", "g"),
    "bar": ("100000", "Pa"),
    "u": ("1.6605402e-24", "g"),
    "eV": ("1.60217733e-19", "J"),
    "pc": ("3.085678e16", "m"),
    "cal": ("4.184", "J"),
    "cal_th": ("4.184", "J"),
    "cal_IT": ("4.1868", "J"),
    "kat": ("1", "mol.s-1"),
    "U": ("1/60000000", "mol.s-1"),
    "dyn": ("1/100000", "N"),
    "erg": ("1/10000000", "J"),
    "P": ("1", "dyn.s.cm-2"),
    "St": ("1", "cm2.s-1"),
    "Ci": ("37000000000", "Bq"),
    "R": ("0.000000258", "C.g-1"),
    "RAD": ("1/100", "Gy"),
    "REM": ("1/100", "Sv"),
    "G": ("1/10000", "T"),
    "Mx": ("1/100000000", "Wb"),
    "m[H2O]": ("9806.65", "Pa"),
    "m[Hg]": ("133322", "Pa"),
    "g%": ("1", "g.dL-1"),
    "B": ("1", "_B"),
    "bit": ("1", "_bit"),
    "By": ("8", "bit"),
    "Np": ("1", "_Np"),
    "Bd": ("1", "s-1"),
    # arbitrary units: each its own base
    "osm": ("1", "_osm"),
    "eq": ("1", "_eq"),
    "[iU]": ("1", "_IU"),
    "[IU]": ("1", "_IU"),
}

_PLAIN: dict[str, tuple[str, str]] = {
    # these take no prefix
    "10*": ("10", ""),
    "10^": ("10", ""),
    "[pi]": ("3.14159265358979323846", ""),
    "%": ("1/100", ""),
    "[ppth]": ("1/1000", ""),
    "[ppm]": ("1/1000000", ""),
    "[ppb]": ("1/1000000000", ""),
    "[pptr]": ("1/1000000000000", ""),
    "min": ("60", "s"),
    "h": ("3600", "s"),
    "d": ("86400", "s"),
    "wk": ("604800", "s"),
    "mo": ("2629800", "s"),
    "mo_j": ("2629800", "s"),
    "mo_s": ("2551442.976", "s"),
    "mo_g": ("2629746", "s"),
    "a": ("31557600", "s"),
    "a_j": ("31557600", "s"),
    "a_t": ("31556925.216", "s"),
    "a_g": ("31556952", "s"),
    "deg": ("0.01745329251994329577", "rad"),
    "gon": ("0.9", "deg"),
    "'": ("1/60", "deg"),
    "''": ("1/3600", "deg"),
    "circ": ("6.28318530717958647692", "rad"),
    "Ao": ("1/10000000000", "m"),
    "b": ("1e-28", "m2"),
    "atm": ("101325", "Pa"),
    "att": ("98066.5", "Pa"),
    "[psi]": ("6894.757", "Pa"),
    "[in_i'Hg]": ("3386.3788", "Pa"),
    "[in_i'H2O]": ("249.08891", "Pa"),
    "gf": ("9.80665", "g.m.s-2"),
    "[lbf_av]": ("4.4482216", "N"),
    "[Cal]": ("4184", "J"),
    "[Btu]": ("1055.05585", "J"),
    "[HP]": ("745.6998716", "W"),
    "[in_i]": ("0.0254", "m"),
    "[ft_i]": ("0.3048", "m"),
    "[yd_i]": ("0.9144", "m"),
    "[mi_i]": ("1609.344", "m"),
    "[nmi_i]": ("1852", "m"),
    "[sin_i]": ("0.00064516", "m2"),
    "[sft_i]": ("0.09290304", "m2"),
    "[cin_i]": ("0.000016387064", "m3"),
    "[cft_i]": ("0.028316846592", "m3"),
    "[gal_us]": ("0.003785411784", "m3"),
    "[qt_us]": ("0.000946352946", "m3"),
    "[pt_us]": ("0.000473176473", "m3"),
    "[cup_us]": ("0.0002365882365", "m3"),
    "[foz_us]": ("0.0000295735295625", "m3"),
    "[tbs_us]": ("0.00001478676478125", "m3"),
    "[tsp_us]": ("0.00000492892159375", "m3"),
    "[cup_m]": ("240", "mL"),
    "[tbs_m]": ("15", "mL"),
    "[tsp_m]": ("5", "mL"),
    "[foz_m]": ("30", "mL"),
    "[drp]": ("1/20", "mL"),
    "[gr]": ("0.06479891", "g"),
    "[oz_av]": ("28.349523125", "g"),
    "[lb_av]": ("453.59237", "g"),
    "[stone_av]": ("6350.29318", "g"),
    "[oz_tr]": ("31.1034768", "g"),
    "[car_m]": ("0.2", "g"),
    "[MET]": ("3.5", "mL.min-1.kg-1"),
    "[diop]": ("1", "m-1"),
    "[p'diop]": ("1", "_pdiop"),
    "[Ch]": ("1/3", "mm"),
    "[PRU]": ("133322000000", "Pa.s.m-3"),
    "[wood'U]": ("133322", "Pa.min.L-1"),
    "[degR]": ("5/9", "K"),
    "[pH]": ("1", "_pH"),
    "[S]": ("1/10000000000000", "s"),
    "[HPF]": ("1", "_HPF"),
    "[LPF]": ("100", "_HPF"),
    "[CFU]": ("1", "_CFU"),
    "[PFU]": ("1", "_PFU"),
    "[FFU]": ("1", "_FFU"),
    "[BAU]": ("1", "_BAU"),
    "[arb'U]": ("1", "_arbU"),
    "[USP'U]": ("1", "_USPU"),
    "[GPL'U]": ("1", "_GPLU"),
    "[MPL'U]": ("1", "_MPLU"),
    "[APL'U]": ("1", "_APLU"),
    "[anti'Xa'U]": ("1", "_antiXaU"),
    "[AU]": ("1", "_AU"),
    "[beth'U]": ("1", "_bethU"),
    "[tb'U]": ("1", "_tbU"),
    "[todd'U]": ("1", "_toddU"),
    "[dye'U]": ("1", "_dyeU"),
    "[smgy'U]": ("1", "_smgyU"),
    "[bdsk'U]": ("1", "_bdskU"),
    "[ka'U]": ("1", "_kaU"),
    "[knk'U]": ("1", "_knkU"),
    "[mclg'U]": ("1", "_mclgU"),
    "[CCID_50]": ("1", "_CCID50"),
    "[TCID_50]": ("1", "_TCID50"),
    "[EID_50]": ("1", "_EID50"),
    "[Lf]": ("1", "_Lf"),
    "[D'ag'U]": ("1", "_DagU"),
    "[AMP'U]": ("1", "_AMPU"),
    "[ELU]": ("1", "_ELU"),
    "[EU]": ("1", "_EU"),
    "[Amb'a'1'U]": ("1", "_Amba1U"),
    "[hnsf'U]": ("1", "_hnsfU"),
    "[hp'_X]": ("1", "_hpX"),
    "[hp'_C]": ("1", "_hpC"),
    "[mesh_i]": ("1", "[in_i]-1"),
}

_AFFINE: dict[str, tuple[Fraction, Fraction]] = {
    # temperature scales: kelvin = value × factor + shift; they stand alone
    "Cel": (Fraction(1), Fraction("273.15")),
    "[degF]": (Fraction(5, 9), Fraction("459.67") * Fraction(5, 9)),
    "[degRe]": (Fraction(5, 4), Fraction("273.15")),
}

_WRITTEN = {
    # what people and machines write for a UCUM code
    "mmHg": "mm[Hg]",
    "cmH2O": "cm[H2O]",
    "bpm": "/min",
    "beats/min": "/min",
    "beats/minute": "/min",
    "breaths/min": "/min",
    "breaths/minute": "/min",
    "lần/phút": "/min",
    "°C": "Cel",
    "degC": "Cel",
    "°F": "[degF]",
    "μg": "ug",
    "µg": "ug",
    "mcg": "ug",
    "IU": "[IU]",
    "IU/L": "[IU]/L",
    "mIU/L": "m[IU]/L",
    "mIU/mL": "m[IU]/mL",
    "μIU/mL": "u[IU]/mL",
    "G/L": "10*9/L",
    "T/L": "10*12/L",
    "mOsm/kg": "mosm/kg",
    "mEq/L": "meq/L",
    "lbs": "[lb_av]",
    "lb": "[lb_av]",
    "in": "[in_i]",
    "ft": "[ft_i]",
    "years": "a",
    "months": "mo",
    "weeks": "wk",
    "days": "d",
    "hours": "h",
    "tuổi": "a",
    "giờ": "h",
    "phút": "min",
    "ngày": "d",
}


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit by its base ("g.m-3"; "1" for a pure number): value in base = value × factor + shift."""

    base: str
    factor: float
    shift: float = 0.0

    def of(self, value: float) -> float:
        """A value in this unit, told in the base."""
        return value * self.factor + self.shift


class _Unknown(ValueError):
    """The expression is not UCUM, or holds a unit that is not in the tables."""


_Powers = dict[str, int]
_Measure = tuple[Fraction, _Powers]

_TOKEN = re.compile(r"\{[^{}]*\}|[()./]|(?:[^()./{}\[\]]|\[[^\[\]]*\])+")
_EXPONENT = re.compile(r"(.*?[^\d+\-])([+-]?\d+)", re.DOTALL)


@lru_cache(maxsize=4096)
def canonical(code: str) -> Unit | None:
    """The base and factor of a UCUM code; None when it is not one that is known here."""
    if not code or len(code) > 80 or any(char.isspace() for char in code):
        return None
    if code in _AFFINE:
        factor, shift = _AFFINE[code]
        return Unit("K", float(factor), float(shift))
    try:
        number, powers = _expression(code)
        base = ".".join(
            name + (str(power) if power != 1 else "") for name, power in sorted(powers.items()) if power != 0
        )
        return Unit(base or "1", float(number))
    except (_Unknown, ZeroDivisionError, OverflowError):
        return None


def written(unit: str) -> str:
    """The UCUM code for a unit as people write it ("mmHg" → "mm[Hg]"); what is not in the list stays as it is."""
    return _WRITTEN.get(unit, unit)


def _expression(text: str) -> _Measure:
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != text:
        raise _Unknown(text)
    measure, rest = _terms(tokens)
    if rest:
        raise _Unknown(text)
    return measure


def _terms(tokens: list[str], depth: int = 0) -> tuple[_Measure, list[str]]:
    """Read components joined by `.` and `/`, from left to right, until the end or a closing parenthesis."""
    if depth > 8:
        raise _Unknown
    number, powers = Fraction(1), _Powers()
    sign = 1
    if tokens and tokens[0] == "/":
        sign, tokens = -1, tokens[1:]
    while True:
        one, tokens = _component(tokens, depth)
        number *= one[0] ** sign
        for name, power in one[1].items():
            powers[name] = powers.get(name, 0) + sign * power
        if not tokens or tokens[0] == ")":
            return (number, powers), tokens
        if tokens[0] not in (".", "/"):
            raise _Unknown
        sign = 1 if tokens[0] == "." else -1
        tokens = tokens[1:]


def _component(tokens: list[str], depth: int) -> tuple[_Measure, list[str]]:
    if not tokens:
        raise _Unknown
    head, rest = tokens[0], tokens[1:]
    if head == "(":
        measure, rest = _terms(rest, depth + 1)
        if not rest:
            raise _Unknown
        rest = rest[1:]
    elif head.startswith("{"):
        measure = (Fraction(1), _Powers())
    elif head in ").":
        raise _Unknown
    else:
        measure = _simple(head)
    if rest and rest[0].startswith("{"):
        rest = rest[1:]
    return measure, rest


def _simple(text: str) -> _Measure:
    """A number, or an atom with its prefix and exponent."""
    if text.isascii() and text.isdigit():
        return Fraction(int(text)), _Powers()
    if text in _PLAIN or text in _METRIC:
        return _atom(text)
    atom, exponent = text, 1
    if found := _EXPONENT.fullmatch(text):
        atom, exponent = found[1], int(found[2])
    if abs(exponent) > 40:
        raise _Unknown
    number, powers = _atom(atom)
    return number**exponent, {name: power * exponent for name, power in powers.items()}


def _atom(text: str) -> _Measure:
    found = _known(text)
    if found is not None:
        return found
    for size in (2, 1):
        prefix, atom = text[:size], text[size:]
        if prefix in _PREFIXES and (atom in _METRIC or atom in _BASES):
            number, powers = _known(atom) or (Fraction(1), _Powers())
            return _PREFIXES[prefix] * number, powers
    raise _Unknown(text)


def _known(atom: str) -> _Measure | None:
    if atom in _BASES:
        return Fraction(1), {atom: 1}
    entry = _METRIC.get(atom) or _PLAIN.get(atom)
    if entry is None:
        return None
    number, meaning = entry
    factor = Fraction(number)
    if not meaning:
        return factor, _Powers()
    if meaning.startswith("_"):
        return factor, {f"[{meaning[1:]}]": 1}
    more, powers = _expression(meaning)
    return factor * more, powers
