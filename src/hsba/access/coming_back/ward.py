"""Everything that a shared PC and its people need, on one identity: what a door keeps of this room beside the log-in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.access.coming_back.pins import Pins
from hsba.access.coming_back.returning import Returning
from hsba.access.coming_back.step_up import StepUp
from hsba.access.coming_back.unsent import Unsent
from hsba.access.coming_in.workstations import Workstations

if TYPE_CHECKING:
    from hsba.access.coming_in.login import LogIn
    from hsba.access.identity import Identity


@dataclass(frozen=True, slots=True)
class Ward:
    """One for each process."""

    stations: Workstations
    pins: Pins
    returning: Returning
    step_up: StepUp
    unsent: Unsent


def opened(identity: Identity, doors: LogIn) -> Ward:
    """The ward of a house."""
    pins = Pins(identity, doors)
    return Ward(
        stations=Workstations(identity),
        pins=pins,
        returning=Returning(identity, doors, pins),
        step_up=StepUp(identity, doors, pins),
        unsent=Unsent(identity),
    )
