# Makes ~/venv with the locked versions, on a machine of a cluster; again after a change of them.
set -eu
export PATH="$HOME/.local/bin:$PATH"
fail() { echo "clusters/setup.sh: $1" >&2; exit 1; }

# Machines that share a home take turns.
mkdir -p ~/.local/bin
exec 9> ~/.local/raysp-setup.lock
flock 9

# uv comes from PyPI, as all else does, into an environment of its own; the machine's Python may be as old as 3.8.
if ! command -v uv > /dev/null; then
    python3 -m venv ~/.local/raysp-uv ||
        fail "python3 -m venv failed; on Debian and Ubuntu: sudo apt-get install python3-venv"
    ~/.local/raysp-uv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1' ||
        fail "uv could not be installed: needs Python 3.8 or newer (here $(python3 --version 2>&1)) and a way to PyPI"
    ln -sf ~/.local/raysp-uv/bin/uv ~/.local/bin/uv
fi

# Where the machine has no Python that fits, uv fetches the one that raysp is tested with.
[ -e ~/venv ] || uv venv --quiet --no-python-downloads --python '>=3.11,<3.15' ~/venv 2> /dev/null ||
    uv venv --quiet --python 3.11 ~/venv ||
    fail "needs Python 3.11 to 3.14, found $(python3 --version 2>&1), and uv could fetch none; install one, then again"
~/venv/bin/python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' ||
    fail "$HOME/venv must have Python 3.11 to 3.14, has $(~/venv/bin/python --version 2>&1); move it away, then again"

uv pip install --quiet --python ~/venv -r ~/project/requirements.lock
# A step of its own: its pandas pin excludes every pandas for this Python (docs/honest-numbers.md, "The benchmark's judge").
uv pip install --quiet --python ~/venv --no-deps nlb_tools==0.0.4
