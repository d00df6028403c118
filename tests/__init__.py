"""The tests; a package, so that its scripts run as python -m tests.faults.campaign."""
