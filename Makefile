# Everything goes through the `visavis` command in .venv; make only puts it there.
PYTHON ?=
QUESTION ?=
AVATAR ?=
OUTPUT ?= answer.mp4
SERVE ?=
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run ui ask test check bench install

help: ## Print what can be made.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1	/'

install: .venv/.installed ## Create .venv and install Visavis in it.

.venv/.installed: pyproject.toml constraints.txt scripts/python.sh setup.py src/visavis/engines/animation/_warp.c
	@python=$$(PYTHON='$(PYTHON)' sh scripts/python.sh) && echo "using $$python" && "$$python" -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[services,webrtc]'
	@touch $@

.venv/.dev: .venv/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,kokoro,mcp,moonshine,piper,services,speecht5,ui,wav2lip,webrtc,whisper]'
	@touch $@

.venv/.ui: .venv/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[services,ui,webrtc]'
	@touch $@

run: install ## Talk with it in the browser (AVATAR=me.jpg; more in SERVE="--tls …").
	@$(BIN)/visavis serve $(if $(AVATAR),--avatar "$(AVATAR)") $(SERVE)

ui: .venv/.ui ## The same with a Gradio page (220 MB more): questions in, videos out.
	@$(BIN)/visavis ui $(if $(AVATAR),--avatar "$(AVATAR)") $(SERVE)

ask: install ## Answer a spoken question (or QUESTION="…" AVATAR=me.jpg) in a video.
	@$(BIN)/visavis ask "$${QUESTION:-$$($(BIN)/python -c 'from visavis.assets import question_path; print(question_path())')}" \
	  $(if $(AVATAR),--avatar "$(AVATAR)") --output "$(OUTPUT)"

test: check ## Run everything: format, lint, types, import direction, tests.
	@$(BIN)/visavis models pull
	$(BIN)/python -m pytest -m "not live" --numprocesses auto
	@# in real time: a host that takes the cores away for a moment is no mistake of ours; one that is comes again
	$(BIN)/python -m pytest -m live --reruns 2 --reruns-delay 10

check: .venv/.dev ## The fast half of the tests: format, lint, types, import direction.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install ## Measure speed and memory; results are kept in benchmarks/results.
	@$(BIN)/visavis models pull
	for each in benchmarks/[a-z]*.py; do $(BIN)/python -m "benchmarks.$$(basename "$$each" .py)" || exit 1; done
