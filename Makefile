# Thin on purpose: each target is one line that can be typed by hand.
.PHONY: run test lint bench fuzz tools

run: ## Start the server on its embedded default; prints what to open
	cargo run --release -- serve

test: tools ## Install what the tests need, then run everything
	tests/run

lint: ## Format, clippy, tidy, docs, licences
	tests/lint

bench: ## Measure; writes bench/RESULTS.md
	cargo run --release -p bench -- all

tools: ## Install what the tests need, and say so
	tests/install
