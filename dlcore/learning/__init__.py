"""How a network learns: the trainer, what it keeps, and what can be done to it on the way."""
