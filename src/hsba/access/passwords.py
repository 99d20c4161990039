"""Passwords: argon2id in threads of their own, and the rules that a new one must satisfy.

There is no list of leaked passwords to keep up to date; the rule takes a password apart instead: what is left without
signs and figures, read without accents and as if 0 were o, must not be made of the words that everybody takes.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TYPE_CHECKING, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hsba.access.problems import WeakPassword
from hsba.fhir.fold import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hsba.access.rules import Rules

Found = TypeVar("Found")

LONGEST = 256
DIFFERENT = 6
"""A password has at least so many different characters."""

COMMON = [
    "password",
    "passwd",
    "pass",
    "matkhau",
    "mat",
    "khau",
    "admin",
    "administrator",
    "quantri",
    "root",
    "user",
    "login",
    "welcome",
    "xinchao",
    "hello",
    "secret",
    "benhvien",
    "benh",
    "vien",
    "hospital",
    "bacsi",
    "bac",
    "si",
    "doctor",
    "dieuduong",
    "yta",
    "nurse",
    "duocsi",
    "phongkham",
    "phong",
    "kham",
    "tramyte",
    "yte",
    "tram",
    "hsba",
    "emr",
    "his",
    "benhan",
    "hosobenhan",
    "hoso",
    "khoa",
    "noi",
    "ngoai",
    "capcuu",
    "qwerty",
    "qwertz",
    "azerty",
    "asdf",
    "asdfgh",
    "zxcv",
    "zxcvbn",
    "qaz",
    "wsx",
    "edc",
    "abc",
    "abcd",
    "abcde",
    "xyz",
    "aaa",
    "letmein",
    "iloveyou",
    "dragon",
    "monkey",
    "vietnam",
    "viet",
    "nam",
    "hanoi",
    "ha",
    "noi",
    "saigon",
    "sai",
    "gon",
    "hochiminh",
    "danang",
    "hue",
    "haiphong",
    "cantho",
    "anhyeuem",
    "yeuem",
    "emyeuanh",
    "test",
    "demo",
    "temp",
    "changeme",
    "default",
    "system",
    "manager",
    "guest",
]
"""Words that everybody takes, without accents."""

LEET = str.maketrans("0134579@$", "oieastgas")
_WORDS = re.compile("(?:" + "|".join(sorted(map(re.escape, COMMON), key=len, reverse=True)) + ")+")
_BETWEEN = re.compile(r"(?<=[a-z])[0134579@$](?=[a-z])")
_SIGNS = "".join(chr(code) for code in range(33, 127) if not chr(code).isalpha())
_LETTERS = re.compile(r"[^a-z]+")

# argon2id with 64 MiB, 3 passes and 4 lanes: RFC 9106's second recommended option.
_HASHER = PasswordHasher()
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="password")
"""Two at once bound what many log-ins at the same moment take of memory; the others wait, and the event loop does not."""


def normal(password: str) -> str:
    """One form for the same letters, however the keyboard put them together (Vietnamese input methods differ)."""
    return unicodedata.normalize("NFC", password)


async def hashed(password: str) -> str:
    """What is kept of a password."""
    return await _aside(partial(_HASHER.hash, normal(password)))


async def fits(kept: str | None, password: str) -> bool:
    """Whether it is the password; for nobody's (None) it takes as long, and is never right."""
    stand_in = await _aside(_nobodys)
    return (
        await _aside(partial(_verified, kept or stand_in, normal(password[: LONGEST + 1])))
        and kept is not None
    )


async def among(kept: Iterable[str], password: str) -> bool:
    """Whether it is one of several passwords."""
    for one in kept:
        if await fits(one, password):
            return True
    return False


def outdated(kept: str) -> bool:
    """Whether the hash was made with weaker parameters than those in force."""
    return _HASHER.check_needs_rehash(kept)


def check(password: str, rules: Rules, *, login: str, name: str = "", second_factor: bool = False) -> None:
    """Refuse a password that is short, of too few kinds of characters, or easily guessed."""
    password = normal(password)
    least = rules.password_length_second_factor if second_factor else rules.password_length
    if not least <= len(password) <= LONGEST:
        _refuse(f"It has {least} characters or more.", f"Cần ít nhất {least} ký tự.")
    classes = (
        any(one.islower() for one in password),
        any(one.isupper() for one in password),
        any(one.isdigit() for one in password),
        any(not one.isalnum() for one in password),
    )
    if not all(classes):
        _refuse(
            "It has small and capital letters, figures and signs.",
            "Cần có chữ thường, chữ hoa, chữ số và dấu.",
        )
    if len(set(password)) < DIFFERENT:
        _refuse(
            f"It has {DIFFERENT} different characters or more.", f"Cần ít nhất {DIFFERENT} ký tự khác nhau."
        )
    plain = fold.__wrapped__(password)  # not through its memory: a password is not kept
    for own in (login, *fold(name).split()):
        if len(own) >= 4 and own in plain:
            _refuse("It does not hold the account's own name.", "Không được chứa tên của tài khoản.")
    between = _BETWEEN.sub(lambda found: found[0].translate(LEET), plain)
    for read in (plain, between, plain.strip(_SIGNS).translate(LEET)):
        if (letters := _LETTERS.sub("", read)) == "" or _WORDS.fullmatch(letters):
            _refuse("It is not made of common words alone.", "Không được chỉ gồm những từ thông dụng.")


def _refuse(en: str, vi: str) -> None:
    raise WeakPassword(en, vi=vi)


@cache
def _nobodys() -> str:
    """A hash that no password fits, made with the parameters in force."""
    return _HASHER.hash(secrets.token_hex())


def _verified(kept: str, password: str) -> bool:
    try:
        return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


async def _aside(work: Callable[[], Found]) -> Found:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)
