"""Providers to Actuals: everything that is known of the services, and what is not."""

from .actuals import read_actuals, told
from .mask import Models, holds_secret, understand

__all__ = ["Models", "holds_secret", "read_actuals", "told", "understand"]
