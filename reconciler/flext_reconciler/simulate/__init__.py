"""Simulation: the real apply on embedded services that hold what was read, in no time and without any harm."""

from .rehearse import Rehearsal, rehearse
from .watch import KILLED, FailAt, Request

__all__ = ["KILLED", "FailAt", "Rehearsal", "Request", "rehearse"]
