"""Pictures of a network as the canvas shows it, and what else may be asked of one moment of it."""
