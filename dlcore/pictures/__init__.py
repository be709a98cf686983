"""Pictures of a network for the canvas, and looks: further questions to one moment of it."""
