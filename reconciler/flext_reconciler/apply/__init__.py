"""Carrying a plan out: one state machine per change, in order, verified, journalled and finally proven."""

from .executor import apply_plan
from .session import Journal, Session, Stop, today

__all__ = ["Journal", "Session", "Stop", "apply_plan", "today"]
