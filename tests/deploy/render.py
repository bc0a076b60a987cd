"""Helm's own engine, in a process of its own: a Go program's threads and signal handlers are not for a test run's.

python render.py CHART < VALUES          both as JSON: {"manifests": {file: text}} or {"refused": why}
"""

from __future__ import annotations

import json
import sys

import helm_python

if __name__ == "__main__":
    try:
        problems = helm_python.lint(sys.argv[1])["errors"]
        with helm_python.Chart.load(sys.argv[1]) as chart:
            values = json.load(sys.stdin)
            chart.validate_schema(values)
            print(json.dumps({"problems": problems, "manifests": chart.render(values, name="demo", namespace="talk")}))
    except helm_python.HelmError as error:
        print(json.dumps({"refused": str(error)}))
