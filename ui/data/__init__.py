"""The page Data: bring a table, see what was found in it, choose the target and the inputs, train on it.

One module a part: `bring` (file, text, classic set), `asking` (jobs of a desk and their progress), `found` (format and findings),
`answering` (answers to findings), `question` (target, task, classes), `columns` (types and treatment), `relations` (first rows,
correlations), `pictures` (images), `using` (train on the data), `keeping` (what the server holds of it, and how to remove that).
"""
