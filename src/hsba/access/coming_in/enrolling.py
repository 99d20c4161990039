"""Setting up a factor: what is offered to the holder, and what is kept once it has proved to work.

Nothing is kept of an offer; what must come back with the answer travels sealed in the page.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from hsba.access.factors import passkeys, recovery, second_factor, totp
from hsba.access.ports import Happening
from hsba.access.problems import BadFactor, FactorUnreadable

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.access.coming_in.login import From
    from hsba.access.factors.passkeys import Site
    from hsba.access.identity import Identity
    from hsba.access.vault import Vault
    from hsba.store.pool import Connection

OFFERED = timedelta(minutes=15)
"""How long an offered secret may wait for its first code."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The account that a factor is for."""

    account: int
    login: str
    name: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A secret for an app, not kept yet."""

    typed: str
    """As a person types it."""
    address: str
    """What the square code says."""
    sealed: str
    """What comes back with the first code."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a holder sent to show that a factor works: an app's first code, or a passkey."""

    name: str
    sealed: str = ""
    code: str = ""
    credential: str = ""
    site: Site | None = None


class Enrolling:
    """Sets up factors with one key file."""

    def __init__(self, identity: Identity, vault: Vault) -> None:
        """Work on the same house as the identity."""
        self.identity = identity
        self.vault = vault

    def offer(self, holder: Holder, host: str, sealed: str = "") -> Offer:
        """A secret for an app: a new one, or the one that was offered before."""
        now = self.identity.now()
        try:
            secret = self._offered(holder, sealed, now) if sealed else totp.made()
        except BadFactor:
            secret = totp.made()
        stamped = int(now.timestamp()).to_bytes(8, "big") + secret
        kept = base64.urlsafe_b64encode(self.vault.seal(stamped, f"offer:{holder.account}")).decode()
        return Offer(totp.typed(secret), totp.address(secret, holder.login, f"HSBA {host}".strip()), kept)

    async def passkey_options(self, tx: Connection, holder: Holder, here: Site) -> str:
        """What the browser is asked, to make a passkey for this account."""
        return passkeys.creation(
            here,
            passkeys.challenge(self.vault, f"add:{holder.account}", self.identity.now()),
            login=holder.login,
            name=holder.name,
            handle=self._handle(holder),
            known=await second_factor.passkeys_of(tx, holder.account, here.name),
        )

    async def add(self, tx: Connection, holder: Holder, proof: Proof, where: From) -> tuple[str, ...]:
        """Keep a factor that works; answers the recovery codes where it is the account's first."""
        now = self.identity.now()
        before = await second_factor.hold(tx, holder.account)
        if proof.credential and proof.site is not None:
            kind, purpose = "passkey", f"add:{holder.account}"
            made = passkeys.made(proof.site, self.vault, purpose, proof.credential, self._handle(holder), now)
            await second_factor.add_passkey(tx, holder.account, proof.name, made, now)
        else:
            kind, secret = "totp", self._offered(holder, proof.sealed, now)
            step = totp.step(secret, proof.code, now)
            if step is None:
                raise BadFactor(
                    "The code is not the one of this moment; look at the telephone's clock.",
                    vi="Mã không đúng với thời điểm này; hãy xem lại giờ của điện thoại.",
                )
            sealed = self.vault.seal(secret, f"totp:{holder.account}")
            await second_factor.add_app(tx, holder.account, proof.name, sealed, step, now)
        told = Happening("second-factor-add", holder.login, reason=kind, address=where.address)
        await self.identity.witness.tell(tx, told)
        if before:
            return ()
        return await recovery.renew(tx, holder.account, now)

    def _offered(self, holder: Holder, sealed: str, now: datetime) -> bytes:
        """The secret that we offered to this account not long ago."""
        try:
            kept = self.vault.unseal(base64.urlsafe_b64decode(sealed), f"offer:{holder.account}")
        except (FactorUnreadable, binascii.Error, ValueError) as exc:
            raise BadFactor from exc
        if now.timestamp() - int.from_bytes(kept[:8], "big") > OFFERED.total_seconds():
            raise BadFactor
        return kept[8:]

    def _handle(self, holder: Holder) -> bytes:
        """What authenticators know the account by: it says nothing, and is the same for all its passkeys."""
        return self.vault.mark(str(holder.account).encode(), "handle")
