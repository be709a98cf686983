"""The settings beside the network: what the browser has to know to draw them, read off the classes of the recipe."""
