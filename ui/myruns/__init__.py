"""My runs: the list of one person's runs, on every page, and what one does with them. The pool lists them (runs/server/listing.py)."""
