"""Commands on whole runs: plan, launch, sweep, record, track, finish, report."""
