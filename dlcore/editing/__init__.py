"""Edits of a recipe: one setting, layer or point at a time, as people make them on the page, and what has to follow from each."""
