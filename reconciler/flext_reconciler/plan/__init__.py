"""From what is declared, what was read and what was applied before, to a plan."""

from .case import PlanOptions
from .make import make_plan

__all__ = ["PlanOptions", "make_plan"]
