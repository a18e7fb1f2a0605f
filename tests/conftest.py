"""What was skipped for want of a package, in one line at the end; in CI it is a failure. And what is not measured."""

import os
from collections.abc import Generator

import coverage
import pytest

from tests.programs import missing_packages

SKIPPED = pytest.StashKey[list[str]]()
# What coverage reads where a process of Python begins.
CHILDREN_ARE_MEASURED = "COVERAGE_PROCESS_CONFIG"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Where hundreds of inputs, or whole processes, go ways that other tests cover: it takes half as long uncounted."""
    measuring = coverage.Coverage.current() if item.get_closest_marker("unmeasured") else None
    if measuring is None:
        return (yield)
    for_children = os.environ.pop(CHILDREN_ARE_MEASURED, None)
    measuring.stop()
    try:
        return (yield)
    finally:
        measuring.start()
        if for_children is not None:
            os.environ[CHILDREN_ARE_MEASURED] = for_children


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SKIPPED] = []


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:  # a worker; the main process has the reports of all
        return
    reports = reporter.stats.get("skipped", [])
    reasons = [report.longrepr[2] for report in reports if isinstance(report.longrepr, tuple)]
    missing = missing_packages(reasons)
    session.config.stash[SKIPPED] = [f"{package} ({number} tests)" for package, number in sorted(missing.items())]
    if missing and os.environ.get("CI") and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if skipped := terminalreporter.config.stash[SKIPPED]:
        terminalreporter.write_line(f"skipped for want of packages: {', '.join(skipped)}", yellow=True)
