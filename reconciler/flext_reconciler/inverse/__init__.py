"""What takes a plan back, as far as anything can: every plan carries it, and a rollback plans from it. Pure."""

from .invert import inverse
from .since import Touched, touched_by
from .undo import Later, Undo, undo_of, undo_plan

__all__ = ["Later", "Touched", "Undo", "inverse", "touched_by", "undo_of", "undo_plan"]
