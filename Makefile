# One command for each habit, the same on a laptop and in CI. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: setup demo test conformance chaos-providers chaos-migrate bench-migrate bench-providers bench-plan bench-pricebook bench-waves bench-campaign bench-policy bench-discovery bypass mutate test-live lint types imports audit format lock pricebook news clean help

BIN := .venv/bin
PY := $(BIN)/python

setup:  ## system packages, .venv with the locked packages, Pulumi's CLI; quick when all is there
	@scripts/setup

demo: setup  ## the whole way on the lab: six servers to a verified migration (KEEP=1 leaves the lab running)
	@$(PY) -m examples.demo

test: setup  ## lint, types, import contracts, audit and the whole suite; ARGS="tests/cli -x" narrows the suite
	@$(PY) scripts/check.py $(ARGS)

conformance: setup  ## the table of adapters by behaviour, passed or not capable
	@$(BIN)/pytest -q -n 3 --dist loadfile $(ARGS) $$(find tests/providers -name 'test_*_conformance.py' | sort)

chaos-providers: setup  ## kill -9 of engine and plugin at random calls; KILLS=40 an adapter, ADAPTERS="lab aws", SEED=
	@$(PY) -m tests.chaos --kills "$(or $(KILLS),40)" --adapters "$(ADAPTERS)" --seed "$(SEED)"

chaos-migrate: setup  ## strikes at moves under writers: controllers, copiers, lines, servers, disks; KILLS=25 a kind, KINDS="files blocks postgresql mariadb", SEED=
	@$(PY) -m tests.migrate.chaos --kills "$(or $(KILLS),25)" --kinds "$(KINDS)" --seed "$(SEED)"

bench-providers: setup  ## our plugin beside a toy of one, and CPU of the adapters' calls; ROUNDS=5, ADAPTERS=, JSON=
	@$(PY) -m benchmarks.providers --rounds "$(or $(ROUNDS),5)" --adapters "$(ADAPTERS)" $(if $(JSON),--json "$(JSON)")

bench-migrate: setup  ## copies beside rsync and tar, and how long a cut-over stops writers; PARTS="blocks files cutover", MIB=4096, FILES=200000, ROUNDS=3
	@$(PY) -m benchmarks.migrate --parts $(or $(PARTS),blocks files cutover) --mib "$(or $(MIB),4096)" --files "$(or $(FILES),200000)" --rounds "$(or $(ROUNDS),3)"

bench-plan: setup  ## a whole estate planned, from its snapshot on disk to the plan on disk; SERVERS="10000 100000"
	@$(PY) -m benchmarks.plan --servers $(or $(SERVERS),10000 100000)

bench-pricebook: setup  ## 100,000 list prices read as a price book; ROUNDS=
	@$(PY) -m benchmarks.pricebook --rounds "$(or $(ROUNDS),3)"

bench-waves: setup  ## waves of many move groups: seconds, bounds and gap; GROUPS="1000 10000", SEED=6
	@$(PY) -m benchmarks.waves --groups $(or $(GROUPS),1000 10000) --seed "$(or $(SEED),6)"

bench-campaign: setup  ## 1,000 moves that take only time, by 8 workers on PostgreSQL: limits, throughput, memory; MOVES=, WORKERS=, KILLS=, MEAN=, JSON=
	@$(PY) -m benchmarks.campaign --moves "$(or $(MOVES),1000)" --workers "$(or $(WORKERS),8)" --kill "$(or $(KILLS),0)" --mean "$(or $(MEAN),30)" $(if $(JSON),--json "$(JSON)")

bench-policy: setup  ## verdicts for 100,000 workloads at 50 places, and a second opinion on 10,000 worlds; PLANS=, ROUNDS=
	@$(PY) -m benchmarks.policy --plans "$(or $(PLANS),10000)" --rounds "$(or $(ROUNDS),3)"

bypass: setup  ## attempts to get round the gates, and the rule by which each is refused
	@$(PY) -m tests.providers.bypass $(ARGS)

mutate: setup  ## which changes of gate, rules and register would policy's unit tests not see; MINUTES=60, SEED=, FRESH=1
	@$(PY) scripts/mutate.py --minutes "$(or $(MINUTES),60)" $(if $(SEED),--seed "$(SEED)") $(if $(FRESH),--fresh)

bench-discovery: setup  ## a hundred lab hosts asked by us, by Ansible and by pyinfra; HOSTS=100, ROUNDS=2
	@$(PY) -m benchmarks.discovery --hosts "$(or $(HOSTS),100)" --rounds "$(or $(ROUNDS),2)"

bench-import: setup  ## 100,000 VMs from a workbook, sheets that claim a million rows, a CSV of a million; ROUNDS=
	@$(PY) -m benchmarks.imports --rounds "$(or $(ROUNDS),1)"

fuzz-import: setup  ## damaged bytes and invented cells at every importer, in bounded memory; MINUTES=10
	@$(PY) -m tests.inventory.fuzz --minutes "$(or $(MINUTES),10)"

test-live: setup  ## the conformance suite on a real account, its cost said first: PROVIDER=aws YES=1; see CONTRIBUTING.md
	@$(PY) -m tests.live --provider "$(PROVIDER)" --endpoint "$(ENDPOINT)" --options "$(OPTIONS)" --image "$(IMAGE)" \
	    --shapes "$(SHAPES)" --storage "$(STORAGE)" $(if $(YES),--yes) -- $(ARGS)

lint: setup  ## ruff: rules and format
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: setup  ## mypy --strict on everything
	@$(BIN)/mypy

imports: setup  ## the import contracts of docs/architecture.md
	@$(BIN)/lint-imports

audit: setup  ## known vulnerabilities of the locked packages, where an advisory service answers
	@$(PY) scripts/audit.py

format: setup  ## rewrite what ruff can
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

lock: setup  ## resolve the dependencies again, with hashes and without any index address
	@$(BIN)/uv pip compile pyproject.toml --extra dev --extra postgres --extra aws --extra azure --extra google --extra openstack --universal --no-strip-extras --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet -o requirements-dev.lock
	@echo 'compliance-trestle>=5.2' | $(BIN)/uv pip compile - --universal --no-strip-extras --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet -o requirements-oscal.lock

pricebook: setup  ## a dated price book of EC2's list prices, out of packages that ship them; OUT=pricebook, REGIONS=
	@$(PY) scripts/pricebook.py "$(or $(OUT),pricebook)" $(REGIONS)

news: setup  ## fold changelog.d/ into CHANGELOG.md: make news VERSION=0.2.0
	@$(PY) scripts/news.py $(VERSION)

clean:  ## remove caches and what the demo left; .venv and the Pulumi cache stay
	@rm -rf .demo .mutate .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage htmlcov dist build
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

help:  ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24
