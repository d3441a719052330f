# make demo | test | lint | format | clean
# Everything runs in its own virtual environment; name another interpreter with make PYTHON=python3.12 ...
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO := runs/demo
DIG_CHOICES := --choice trowel --choice excavator --choice pickaxe --choice "toy shovel" --choice "post hole digger"

.DEFAULT_GOAL := help
.PHONY: help demo test lint format clean

help:
	@echo "make demo     set up, train on the everyday graph, evaluate, answer with evidence (some minutes)"
	@echo "make test     run the tests"
	@echo "make lint     check style and types"
	@echo "make format   rewrite the code in the project's style"
	@echo "make clean    remove the environment, caches and demo runs"

$(BIN)/activate:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: $(BIN)/activate pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[cpu,offline]"
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[cpu,offline,dev]"
	@touch $@

demo: $(VENV)/.ready
	@rm -rf $(DEMO)
	@echo "== 1/4  the encoder alone"
	$(BIN)/kglm train experiment=everyday_text run_dir=$(DEMO)/text
	@echo "== 2/4  the encoder with KagNet on the everyday graph"
	$(BIN)/kglm train experiment=everyday_kagnet run_dir=$(DEMO)/kagnet
	@echo "== 3/4  both on the test questions"
	$(BIN)/kglm evaluate model=$(DEMO)/text
	$(BIN)/kglm evaluate model=$(DEMO)/kagnet
	@echo "== 4/4  the same choices, two questions, and the evidence"
	$(BIN)/kglm answer "I dug the ground to plant flowers. What did I dig with?" $(DIG_CHOICES) \
		--model $(DEMO)/kagnet --plot $(DEMO)/flowers.png
	$(BIN)/kglm answer "I dug the ground to build a house. What did I dig with?" $(DIG_CHOICES) \
		--model $(DEMO)/kagnet --plot $(DEMO)/house.png
	@echo "The evidence is drawn in $(DEMO)/flowers.png and $(DEMO)/house.png"

test: $(VENV)/.ready-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis $(DEMO)
