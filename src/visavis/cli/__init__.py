"""The `visavis` command: `main` is its entry point, and each module holds the commands of one subject."""

from visavis.cli.app import main

__all__ = ["main"]
