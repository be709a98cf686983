"""The page Evaluate: a run's scores, their uncertainty, and baselines to compare with."""
