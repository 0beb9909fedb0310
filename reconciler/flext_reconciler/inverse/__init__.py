"""What takes a plan back, as far as anything can: every plan carries it, and a rollback plans from it. Pure."""

from .invert import inverse
from .undo import Undo, undo_of, undo_plan

__all__ = ["Undo", "inverse", "undo_of", "undo_plan"]
