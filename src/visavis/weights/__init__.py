"""Data files that engines need: which there are, where they lie, how they are fetched."""

from visavis.weights.catalogue import DataFile, catalogue, find
from visavis.weights.fetch import Progress, fetch
from visavis.weights.store import copies, fault, folder, missing, present, require, verify

__all__ = [
    "DataFile",
    "Progress",
    "catalogue",
    "copies",
    "fault",
    "fetch",
    "find",
    "folder",
    "missing",
    "present",
    "require",
    "verify",
]
