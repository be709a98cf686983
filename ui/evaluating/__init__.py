"""The page Evaluate: how good is it, how sure is that, compared with what."""
