"""Many seeds of one recipe: training.py trains them, summary.py says what they say together, disagreement.py where they differ."""
