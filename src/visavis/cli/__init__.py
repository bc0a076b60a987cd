"""The `visavis` command: `main` is its entry point, and each module holds the commands of one subject."""

import sys


def main() -> None:
    """Run the command with this process's arguments."""
    try:
        from visavis.cli.app import main as command  # here, so that an interrupt while it loads is caught, too
    except KeyboardInterrupt:
        sys.exit(130)
    command()
