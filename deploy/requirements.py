"""Print what an installation with some of the package's extras needs, a line each, for `pip install -r`.

    python requirements.py EXTRAS [WITHOUT …]

EXTRAS have commas between them; `all` is every one but `dev`. WITHOUT are packages that the base image brings: Gaudi's
torch is one of its own. So the layer of dependencies is made of pyproject.toml alone, and lasts while the code changes.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path


def wanted(project: Path, extras: str, without: set[str]) -> list[str]:
    """The requirements' lines. Ends with a sentence for an extra that does not exist."""
    with project.open("rb") as file:
        about = tomllib.load(file)["project"]
    offered: dict[str, list[str]] = {name: of for name, of in about["optional-dependencies"].items() if name != "dev"}
    names = list(offered) if extras == "all" else [name.strip() for name in extras.split(",") if name.strip()]
    if unknown := sorted(set(names) - set(offered)):
        sys.exit(f"there is no extra '{unknown[0]}': there are {', '.join(offered)}")
    lines = [*about["dependencies"]]
    for name in names:  # which grows: an extra may bring another one along, as in visavis[services]
        for line in offered[name]:
            if inner := re.fullmatch(rf"{about['name']}\[(.+)\]", line):
                names += [each.strip() for each in inner[1].split(",") if each.strip() not in names]
            elif line not in lines:
                lines.append(line)
    return [line for line in lines if re.split(r"[^\w.-]", line)[0].lower() not in without]


if __name__ == "__main__":
    print("\n".join(wanted(Path("pyproject.toml"), sys.argv[1], set(sys.argv[2:]))))
