"""The playground: settings at the side, the network in the middle."""
