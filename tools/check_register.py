"""Say in one sentence which registered segment has no file: dbt only says that a node was not found.

Usage: python tools/check_register.py dbt_project.yml
"""

import sys
from pathlib import Path

import yaml

SEGMENTS = Path("models/marts/segments")


def main() -> int:
    project_file = Path(sys.argv[1])
    for segment in yaml.safe_load(project_file.read_text())["vars"]["segments"]:
        file = SEGMENTS / f"seg_{segment['name']}.sql"
        if not (project_file.parent / file).exists():
            print(
                f"{project_file.name} registers the segment {segment['name']}, but there is no {file}: "
                "write that file, or remove the entry from the var `segments`.",
                file=sys.stderr,
            )
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
