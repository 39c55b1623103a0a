# make run     starts the daemon here                   make run ARGS='--listen native=tcp:8890:interface=127.0.0.1'
# make test    runs the tests and counts them           make test TESTS='tests.core tests.net.test_proxy'
# make check   all that must be clean before a commit: style, types, generated files, tests
#
# Each of them sets itself up in .venv first; a fresh Debian 12 with python3.11, git and make is enough.

VENV := .venv
PYTHON := $(VENV)/bin/python
SETUP_FILES := setup.cfg pyproject.toml

# A plain editable install would hide `twistd imserver` outside this folder.
INSTALL := $(PYTHON) -m pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat --editable

PROTO_OUT := .

.NOTPARALLEL:
.PHONY: run test check lint types generated format proto bench bench-backup bench-peers bench-presence fuzz coverage install clean

run: $(VENV)/.run
	@$(VENV)/bin/twistd --nodaemon --pidfile= imserver $(ARGS)

test: $(VENV)/.test
	@$(PYTHON) -m tests.run $(TESTS)

check: lint types generated test

lint: $(VENV)/.dev
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check

types: $(VENV)/.dev
	@$(VENV)/bin/mypy

# The generated modules are committed; this fails when they are not what `make proto` makes.
generated: $(VENV)/.dev
	@out=$$(mktemp -d) && trap 'rm -r "$$out"' EXIT \
	&& $(MAKE) --no-print-directory proto PROTO_OUT="$$out" \
	&& cd "$$out" && for file in imserver/proto/*; do cmp "$$file" "$(CURDIR)/$$file" || exit 1; done

format: $(VENV)/.dev
	@$(VENV)/bin/ruff check --fix
	@$(VENV)/bin/ruff format

proto: $(VENV)/.dev
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(PYTHON) -m grpc_tools.protoc --proto_path=. \
	    --python_out=$(PROTO_OUT) --mypy_out=quiet:$(PROTO_OUT) imserver/proto/*.proto

bench: $(VENV)/.test
	@$(PYTHON) -m bench $(ARGS)

# The same work for ejabberd and Prosody, which it installs from Debian; five minutes, and nothing else should run.
bench-peers: $(VENV)/.test
	@$(PYTHON) -m bench.peers $(ARGS)

bench-backup: $(VENV)/.test
	@$(PYTHON) -m bench.backup $(ARGS)

bench-presence: $(VENV)/.test
	@$(PYTHON) -m bench.presence $(ARGS)

fuzz: $(VENV)/.test
	@$(PYTHON) -m tests.fuzz $(ARGS)

coverage: $(VENV)/.test
	@$(PYTHON) -m coverage erase
	@$(PYTHON) -m coverage run -m tests.run $(TESTS)
	@$(PYTHON) -m coverage combine --quiet
	@$(PYTHON) -m coverage report

install: $(VENV)/.run

clean:
	@rm -rf $(VENV) build dist *.egg-info _trial_temp* .coverage* .hypothesis .mypy_cache .ruff_cache

# What is installed is remembered in these files, so that a second call is instant.

$(VENV)/.run: $(SETUP_FILES) .ci/setup
	@.ci/setup $(VENV)
	@$(INSTALL) '.[screen]'
	@touch $@

$(VENV)/.test: $(SETUP_FILES) .ci/setup
	@.ci/setup $(VENV) openssl strace ps mount systemd-analyze tmux
	@$(INSTALL) '.[screen,test]'
	@touch $@ $(VENV)/.run

$(VENV)/.dev: $(SETUP_FILES) .ci/setup
	@.ci/setup $(VENV)
	@$(INSTALL) '.[screen,test,dev]'
	@touch $@ $(VENV)/.run
