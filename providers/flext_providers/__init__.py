"""The providers that ship with flext, one folder a system."""
