# Makes ~/venv with the locked versions, on a machine of a cluster; again after a change of them.
set -eu
export PATH="$HOME/.local/bin:$PATH"
# uv brings a Python of its own where the machine's is older than 3.11.
command -v uv > /dev/null || curl -LsSf https://astral.sh/uv/install.sh | sh
[ -d ~/venv ] || uv venv --quiet --python '>=3.11' ~/venv
uv pip install --quiet --python ~/venv -r ~/project/requirements.lock
# A step of its own: its pandas pin excludes every pandas for this Python (README, "The benchmark's judge").
uv pip install --quiet --python ~/venv --no-deps nlb_tools==0.0.4
