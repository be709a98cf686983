"""Coaching: what goes wrong in a run, in one sentence, and what helps.

`evidence` is what is read of a run, `causes` what follows from it, `fixes` what helps: recipes in, recipes out. `coach` looks now and
then, and remembers what it found last.
"""
