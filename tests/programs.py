"""Programs of the machine that tests drive, and the Debian packages that have them.

`python -m tests.programs` installs what is missing where it may: as root, with apt. Elsewhere the tests that need one
are skipped, and the last line of pytest's summary says for want of which package. In CI that fails.
"""

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable

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
_WANTED = re.compile(r"apt-get install ([\w+.-]+)")


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


def missing_packages(reasons: Iterable[str]) -> Counter[str]:
    """For want of which packages tests were skipped, and how many for each."""
    return Counter(name[1] for reason in reasons if (name := _WANTED.search(reason)))


def main() -> None:
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
