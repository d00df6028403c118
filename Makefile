# Everything sets itself up: a virtual environment in .venv with the locked versions, made once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Two trials on two cores must not run four threads; the tests' numerics do not need more than one.
export OMP_NUM_THREADS ?= 1

.PHONY: help setup demo test test-slow test-cluster faults faults-pbt faults-machines fuzz lint docs format bench clean

help:
	@echo "make demo    set up, then train, collect, evaluate and report on generated stand-in data (minutes on 2 cores)"
	@echo "make test    set up, then run the tests (ten to eleven minutes on 2 cores); make test-slow runs the long ones"
	@echo "make test-cluster  run it under SSH, Slurm and a store of objects that the tests start themselves (needs these programs)"
	@echo "make faults  kill a sweep and a run 200 times and compare what comes out (an hour; KILLS=20 for less)"
	@echo "make faults-pbt  the same of a population, 50 times on one worker and on two (PBT_KILLS=10 for less)"
	@echo "make faults-machines  switch a cluster's machines off and on again 20 times (LOSSES=...), as root, on this machine"
	@echo "make fuzz    change good files of every kind and read them (a few minutes; FUZZ=2000 changes, SEED=0)"
	@echo "make lint    check format, style and types; make format mends the first two"
	@echo "make docs    build the documentation: docs/site/index.html"
	@echo "make bench   measure against the named baselines"
	@echo "make clean   remove the environment, the demo and caches"

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'raysp needs Python 3.11 or newer: make PYTHON=python3.11')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps nlb_tools==0.0.4
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

demo: $(READY)
	$(BIN)/raysp data standin --root demo/data --size small
	$(BIN)/python experiments/nlb_demo.py --root demo/data --runs demo/runs --test-phase
	@echo
	@echo "Results are in demo/runs/standin-nlb_demo:"
	@echo "  report/report.html                what came out; open it in a browser"
	@echo "  predictions/                      every rate, as Parquet: polars.scan_parquet('demo/runs/standin-nlb_demo/predictions', glob=False)"
	@echo "  standin-submission-val.h5, -test  what would be submitted, were the data real"
	@echo "  metrics.parquet                   every number"
	@echo "Compare the runs in MLflow:  $(BIN)/raysp ui demo/runs/standin-nlb_demo"

test: $(READY)
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

test-slow: $(READY)
	$(BIN)/python -m pytest -m slow --timeout 7200

# Needs Debian's slurm-wlm and munge, openssh-server, rsync, netcat and util-linux, and root for namespaces of its own;
# the test of clusters/setup.sh needs PyPI and 3 GB (7 GB with CUDA). What is not there is skipped, with the reason.
test-cluster: $(READY)
	$(BIN)/python -m pytest -m cluster --timeout 7200

KILLS ?= 200
faults: $(READY)
	rm -rf faults
	$(BIN)/python -m tests.faults.campaign --kills $(KILLS) --work faults

PBT_KILLS ?= 50
faults-pbt: $(READY)
	rm -rf faults-pbt
	$(BIN)/python -m tests.faults.populations --kills $(PBT_KILLS) --workers 1 --work faults-pbt
	$(BIN)/python -m tests.faults.populations --kills $(PBT_KILLS) --workers 2 --work faults-pbt

LOSSES ?= 20
faults-machines: $(READY)
	rm -rf faults-machines
	$(BIN)/python -m tests.faults.machines --losses $(LOSSES) --work faults-machines

FUZZ ?= 2000
SEED ?= 0
fuzz: $(READY)
	$(BIN)/python -m tests.fuzz.campaign --count $(FUZZ) --seed $(SEED)

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: $(READY)
	$(BIN)/python -m sphinx -W --keep-going -q -d docs/site/.trees docs docs/site

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)
	for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

clean:
	rm -rf $(VENV) demo docs/site faults faults-pbt faults-machines build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
