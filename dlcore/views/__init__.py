"""Views: each module has TITLE (a message key) and a pure function draw(numbers, words) -> figure.

A module's docstring says which numbers it draws. A new view is one file.
"""
