# What every shell on a cluster's machine finds, and so Ray, the trials, and a command that is submitted.
export PATH="$HOME/venv/bin:$HOME/.local/bin:$PATH"
# The code is used where it was copied to, and `ray submit` copies one script to the home folder: one that builds on
# another experiment finds that here.
export PYTHONPATH="$HOME/project:$HOME/project/experiments"
raysp() { python -m raysp "$@"; }
# An experiment joins the cluster of this machine instead of starting Ray for itself.
export RAY_ADDRESS=auto
# Ray's servers answer only who has the password in ~/.ray/auth_token.
export RAY_AUTH_MODE=token
export RAY_USAGE_STATS_ENABLED=0
# Tasks that ask for no GPU leave the device's visibility as it is, without a warning.
export RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO=0
