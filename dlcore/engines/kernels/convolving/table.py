"""The table of layers of such a stack: what its columns mean. One row a layer, the output layer last; flatten has none."""

from __future__ import annotations

CONVOLUTION, MAXIMUM, AVERAGE, DENSE, DROPOUT = range(5)

# Places in `work` are counted in vectors, those in `places` and in the parameters in numbers.
# The first four stand where the other kernels have them; of a convolution INPUTS are the weights of one map.
(
    INPUTS,
    OUTPUTS,
    WEIGHTS,
    BIASES,
    KIND,
    ACTIVATION,
    SOURCE,  # what comes in
    SUMS,  # before the activation; of a maximum which place of the window it came from
    OUT,  # what goes out
    SLOPES,  # by what goes out
    BELOW,  # by what comes in: the slopes of the layer below
    LEARNS_BELOW,  # whether anybody needs those
    CHANNELS,  # of what comes in
    PIXELS,  # of a channel that comes in
    POINTS,  # of a channel that goes out
    PADDED,  # what comes in with zeros around it; SOURCE where nothing is padded
    INSIDE,  # in `places`: where each pixel stands in a padded channel
    PADDED_PIXELS,
    TAPS,  # in `places`: what a window covers, counted from where it stands
    WINDOW,  # how many that are: of all channels for a convolution, of one for a pool
    STANDS,  # in `places`: where each window stands
    SPREAD,  # the slopes by the sums with zeros around and between them
    SPREAD_PIXELS,
    SPREAD_AT,  # in `places`: where each point stands there
    BACK_TAPS,  # in `places`: which of them one pixel below has to do with, counted from where that window stands
    BACK_STANDS,  # in `places`: where the window of each pixel below stands
    TURNED,  # the weights by what comes in: (C, K, window), in `turned`
    KEPT,  # in a row of `masks`
) = range(28)
COLUMNS = 28
