"""Licences of what `pip install alciato` brings: prints them, and fails where one is copyleft.

    python tools/licences.py

Looks at the packages that the base dependencies need, and theirs in turn, as installed here. The licence is what a
package declares; what its wheel bundles is a second matter: libraries under the GPL that are found inside are printed.
MPL-2.0 binds the changes to its own files only; the packages under it are listed here by name, so that a new one is
seen.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata

from packaging.requirements import Requirement

COPYLEFT = re.compile(
    r"\b(?:A|L)?GPL|GNU (?:Lesser |Affero |Library )?General Public|EUPL|CDDL|\bEPL|\bOSL|CC[- ]BY[- ]SA", re.I
)
FILE_COPYLEFT = {"certifi", "tqdm"}
"""Packages under MPL-2.0: roots of trust that httpx needs, and the progress bars of lancedb and rapidocr."""
BUNDLED = re.compile(r"lib(?:x264|x265|xvid|postproc)")


def closure(name: str) -> dict[str, metadata.Distribution]:
    """Distributions that a package needs without extras, by name."""
    found: dict[str, metadata.Distribution] = {}
    waiting = [name]
    while waiting:
        try:
            distribution = metadata.distribution(waiting.pop())
        except metadata.PackageNotFoundError:
            continue  # for another system or Python
        key = distribution.name.lower().replace("_", "-")
        if key in found:
            continue
        found[key] = distribution
        needed = [Requirement(line) for line in distribution.requires or ()]
        waiting += [each.name for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})]
    return found


def declared(distribution: metadata.Distribution) -> str:
    """Licence as a package declares it: its expression, else its field, else its classifiers."""
    about = distribution.metadata
    classifiers = [
        line.rpartition("::")[2].strip() for line in about.get_all("Classifier") or () if "License ::" in line
    ]
    field = (about.get("License") or "").strip().splitlines()
    return about.get("License-Expression") or "; ".join(classifiers) or (field[0][:60] if field else "not declared")


def bundled(distribution: metadata.Distribution) -> list[str]:
    """Libraries under the GPL inside a wheel."""
    return sorted({match[0] for file in distribution.files or () if (match := BUNDLED.search(file.name))})


def main() -> None:
    """Print a line for each package; exit with 1 where one is copyleft."""
    wrong = []
    for name, distribution in sorted(closure("alciato").items()):
        licence, inside = declared(distribution), bundled(distribution)
        note = f"  (its wheel bundles {', '.join(inside)}, GPL-2.0 or later)" if inside else ""
        print(f"{name:32} {licence}{note}")
        if COPYLEFT.search(licence) or (("MPL" in licence or "Mozilla" in licence) and name not in FILE_COPYLEFT):
            wrong.append(name)
    if wrong:
        sys.exit(f"Under a copyleft licence: {', '.join(wrong)}.")


if __name__ == "__main__":
    main()
