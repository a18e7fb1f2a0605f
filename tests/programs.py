"""Programs of the machine that tests drive, and the Debian packages that have them; and what browsers run, from npm.

`python -m tests.programs` installs what is missing where it may: with apt as root, with npm into this environment.
Elsewhere the tests that need one are skipped, and the last line of pytest's summary says for want of which package. In
CI that fails.
"""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

PACKAGES = {
    "chromium": "chromium",
    "curl": "curl",
    "nginx": "nginx-light",
    "node": "nodejs",
    "npm": "npm",
    "openssl": "openssl",
    "systemd-analyze": "systemd",
}
# What tells faults of a page to those who use no mouse or listen instead of looking.
AXE = "axe-core@4.14.1"
_AXE_FOLDER = Path(sys.prefix) / AXE
_AXE_SCRIPT = _AXE_FOLDER / "node_modules" / "axe-core" / "axe.min.js"
_WANTED = re.compile(r"(?:apt-get|npm) install ([\w+.@-]+)")


def find(program: str) -> str | None:
    """Where `program` is; daemons are not on everybody's PATH."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def wanted(program: str) -> str:
    """What is said where `program` is missing; `missing_packages` reads it."""
    return f"{program} is not installed: apt-get install {PACKAGES[program]}"


def need(program: str) -> str:
    """Where `program` is; the test is skipped if it is nowhere."""
    found = find(program)
    if found is None:
        pytest.skip(wanted(program))
    return found


def need_axe() -> str:
    """The script of axe-core; the test is skipped if it was not installed."""
    if not _AXE_SCRIPT.exists():
        pytest.skip(f"axe-core is not there: npm install {AXE}")
    return _AXE_SCRIPT.read_text()


def missing_packages(reasons: Iterable[str]) -> Counter[str]:
    """For want of which packages tests were skipped, and how many for each."""
    return Counter(name[1] for reason in reasons if (name := _WANTED.search(reason)))


def main() -> None:
    _install_programs()
    if not _AXE_SCRIPT.exists() and (npm := find("npm")):
        print("installing", AXE, flush=True)
        install = [npm, "install", "--prefix", str(_AXE_FOLDER), "--ignore-scripts", "--no-audit", "--no-fund", AXE]
        subprocess.run(install, stdout=subprocess.DEVNULL, check=False)


def _install_programs() -> None:
    missing = sorted({package for program, package in PACKAGES.items() if find(program) is None})
    if not missing or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    print("installing", *missing, flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-qq", "--yes", "--no-install-recommends", *missing]
    for command in (["apt-get", "update", "-qq"], install):
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)


if __name__ == "__main__":
    main()
