"""The page Data: bring a table, see what was found out, choose what is asked of it, train on it.

One module a part: `bring` (file, text, classic set), `asking` (jobs of a desk and what waits for them), `found` (format and findings),
`question` (target, task, classes), `columns` (types and treatment), `relations` (what goes together), `pictures`, `using` (the run),
`keeping` (what the server holds of it, and the way to take it off).
"""
