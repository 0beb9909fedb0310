"""The one HTTP client: credentials bound to an origin, deadlines, retries of reads, and answers that can be believed.

Every failure is a `ServiceError`. Nothing that a service wrote is shown before secrets and control characters are out.
"""

from .client import ReadClient, WriteClient, open_reader, open_writer
from .connection import TRANSPORT
from .inside import AppTransport
from .normalise import normalise
from .redact import Redactor
from .reply import Reply

__all__ = [
    "TRANSPORT",
    "AppTransport",
    "ReadClient",
    "Redactor",
    "Reply",
    "WriteClient",
    "normalise",
    "open_reader",
    "open_writer",
]
