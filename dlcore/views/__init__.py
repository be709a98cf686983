"""Pictures of numbers: each module has TITLE (a message key) and draw(numbers, words) -> figure, which touches nothing else.

A module's first lines say which numbers it draws. A new view is one file.
"""
