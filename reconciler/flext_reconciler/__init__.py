"""flext: plan, apply and watch the declared state of a FLEXT data platform."""

__version__ = "0.1.0"
