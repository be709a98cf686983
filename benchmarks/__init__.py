"""What this costs and how well it learns, measured: `python -m benchmarks [NAME ...] [--quick]` prints Markdown tables."""
