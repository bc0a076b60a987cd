#!/bin/sh
# Prints a Python that Visavis runs on: $PYTHON if given, else 3.11, 3.13, 3.12 (no speech recogniser there).
usable() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}
for candidate in ${PYTHON:-python3.11 python3.13 python3.12 python3 python}; do
    if command -v "$candidate" >/dev/null 2>&1 && usable "$candidate"; then
        command -v "$candidate"
        exit 0
    fi
done
echo "Visavis needs Python 3.11, 3.12 or 3.13 with its venv module (best 3.11), and found none." >&2
echo "Install one, as in 'apt-get install python3 python3-venv' or 'brew install python@3.13', or say PYTHON=/path." >&2
exit 1
