"""The playground: the page around the canvas, and what a press on the canvas asks of Python."""
