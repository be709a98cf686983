"""The serving process's side of runs: which worker has which, checks that workers are alive, moves runs, shelves and restores them."""
