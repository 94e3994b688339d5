# The words to learn: demo, test, check, gen, lab, verify, soak, bench, docs, clean.
# Every target sets up what it needs; a fresh Debian 12 machine with root, make and python3 is enough.

SHELL := /bin/bash
PYTHON := .venv/bin/python
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help setup helper check gen unit contract test verify soak bench bench-console bench-gateway demo demo-down console screenshots lab docs clean

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: ## Python environment with exactly the locked libraries (about 1 min, once)
	@tools/setup.sh

helper: setup ## build the static probe that machines run (about 20 s, once)
	@$(PYTHON) tools/build_helper.py

check: setup ## lint, format, types, import rules, spelling
	ruff check . && ruff format --check . && basedpyright && codespell && lint-imports
	@tools/console.sh --lint

gen: setup ## regenerate CRDs, schemas and reference docs from the models
	@$(PYTHON) tools/gen.py

unit: setup ## unit tests only (under a minute)
	pytest -n 2 --dist loadscope tests/unit

contract: helper ## unit and contract tests, without lab machines
	pytest -n 2 --dist loadscope --no-loadscope-reorder tests/unit tests/contract -m "not lab and not programs"

test: ## unit, contract and one happy story of each issue on lab machines (cold 47 min, warm 23 min)
	@tools/test.sh

verify: ## every other story on lab machines; resumable; writes dated results (1 to 2 h)
	@tools/verify.sh

soak: ## what takes hours
	@tools/verify.sh --soak

bench: ## measurements beside their peers, medians of interleaved runs (about 40 min)
	@tools/bench.sh

bench-gateway: ## what gateway and tunnel add, beside rancher/remotedialer, and 3,000 clusters (about 40 min)
	@tools/bench.sh --only gateway --only fleet

bench-console: setup ## what the console loads, paints and keeps up with, at 2,000 clusters (about 6 min)
	@tools/console.sh --browser
	@tools/bench.sh --only console

demo: ## three lab machines, roost, and a cluster of 1+2 on them (cold 13 min, warm 1 min)
	@tools/demo.sh

demo-down: ## end what `make demo` started
	@tools/demo.sh --down

console: setup ## build the web console (its own tests: cd console && npm test)
	@tools/console.sh --force

screenshots: helper ## pictures of each page of the console for the docs, from a platform with lab machines (about 6 min)
	@tools/console.sh --browser
	@$(PYTHON) -m lab build --kubernetes 1.31.4
	@$(PYTHON) tools/screenshots.py

lab: setup ## build the lab's programs and images for the newest Kubernetes (cold 15 min)
	@$(PYTHON) -m lab build

docs: setup ## build the documentation in both languages
	@tools/docs.sh

clean: ## remove lab machines and what the demo made; caches stay
	@tools/demo.sh --down || true
	@$(PYTHON) -m lab down --all || true
