"""Providers to Actuals: everything that is known of the services, and what is not."""

from .actuals import read_actuals, told
from .mask import Models, understand

__all__ = ["Models", "read_actuals", "told", "understand"]
