"""Data sets that come with the program: a folder each, with the rows, their licence and the script that made them (`make.py`)."""
