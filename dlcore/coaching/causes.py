"""Causes: what goes wrong in a run, the one that matters most first. Each looks at the evidence and says nothing where it is not sure.

Thresholds are shares of the loss at the start, so that they mean the same for every loss. They were set where runs that have the cause
and runs that have not lie far apart (tests/test_coaching.py trains both).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlcore.coaching.evidence import Evidence
from dlcore.coaching.fixes import BENDLESS, FIXES, SQUEEZING, apply_fix
from dlcore.evaluation.shape import HIGH_BIAS
from dlcore.pictures.questions import ALWAYS_THE_SAME, NEVER_ACTIVE, SATURATED

FEWEST = 20  # epochs before anything is said of how the losses go
JUMPS = 0.5  # of the loss at the start: the training loss rises by so much in the last epochs, all rises together
RISEN = 0.1  # of the loss at the start: so much above the best epoch
VANISHED = 0.01  # the first layer's gradient as a share of the last one's
FEWEST_DEEP = 3  # hidden layers with which a gradient can vanish
HALF = 0.5  # of a layer's units
LEVEL = 0.01  # of the loss at the start: a smaller fall is none
LONG = 100  # epochs: whoever waited so long may know that it was in vain
SLOW = 50  # epochs after which a rate can be called too low
STEADY = 0.05  # rises as a share of falls: below, the loss falls all the time
RESTLESS = 0.15  # above, it no longer does: between, nobody can tell


#: What helps without a change of the recipe: for each the group of controls that it belongs to, with which a link hides it.
GROUPS = {"back": "timeline", "reset": "play", "try_sizes": "edit"}


@dataclass(frozen=True)
class Advice:
    """What goes wrong: the sentence with its values, which case of it this is, and what helps: names of FIXES or of GROUPS."""

    key: str
    fixes: tuple[str, ...]
    case: str
    values: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; each fix with the group of controls with which a link hides it."""
        groups = [[name, GROUPS.get(name) or FIXES[name].group] for name in self.fixes]
        return {"key": self.key, "case": f"{self.key} {self.case}", "values": self.values, "fixes": groups}


def find_advice(evidence: Evidence) -> Advice | None:
    """What matters most in this run; None where nothing goes wrong, or nobody can tell yet."""
    for cause in CAUSES:
        found = cause(evidence)
        if found is not None:
            fixes = tuple(name for name in found.fixes if name in GROUPS or apply_fix(name, evidence.experiment))
            return Advice(found.key, fixes, found.case, found.values)
    return None


def _name_case(evidence: Evidence) -> str:
    """The case: another one after each change of the run, as what was changed did not help. A browser shows each case once."""
    return str(evidence.epoch_of_change)


def find_dead_layer(evidence: Evidence) -> Advice | None:
    """All units of a layer answer 0 to every row: nothing goes through, and no gradient comes back."""
    for number, codes_K in enumerate(evidence.health, 1):
        if (codes_K == NEVER_ACTIVE).all() and not evidence.has_learned:
            return Advice("dead_layer", ("leak",), f"{number}", {"layer": number, "units": len(codes_K)})
    return None


def find_jumps(evidence: Evidence) -> Advice | None:
    """The training loss goes up and down by much of what it began with: the steps are too long (Goodfellow et al., 2016, 8.1)."""
    if len(evidence) < FEWEST or evidence.jumps < JUMPS:
        return None
    return Advice("rate_high", ("slower",), _name_case(evidence), {"rate": _write_rate(evidence)})


def find_vanishing_gradient(evidence: Evidence) -> Advice | None:
    """Nothing is learned, and next to nothing of the last layer's gradient comes to the first (Glorot and Bengio, 2010)."""
    deep = [kind for kind in _activations(evidence) if kind in SQUEEZING]
    if len(evidence) < FEWEST or len(deep) < FEWEST_DEEP or evidence.has_learned:
        return None
    first, last = evidence.gradients[0], evidence.gradients[-1]
    if not 0 <= first < VANISHED * last:
        return None
    return Advice(
        "vanishing", ("let_through",), _name_case(evidence), {"times": f"{last / first:,.0f}" if first else "∞"}
    )


def find_straight_border(evidence: Evidence) -> Advice | None:
    """No bend anywhere: however long it trains, the network is a straight line or plane (Minsky and Papert, 1969)."""
    if len(evidence) < FEWEST or evidence.has_learned or any(kind not in BENDLESS for kind in _activations(evidence)):
        return None
    if not _is_at_rest(evidence):
        return None
    if _activations(evidence):
        return Advice("only_linear", ("bend",), _name_case(evidence))
    return Advice("no_hidden", ("add_layer",), _name_case(evidence))


def find_slowness(evidence: Evidence) -> Advice | None:
    """The loss falls all the time, and after many epochs is hardly lower."""
    if len(evidence) < SLOW or evidence.has_learned:
        return None
    fall = (evidence.recent_train[0] - evidence.recent_train[-1]) / evidence.scale
    if _measure_rises(evidence) > STEADY or fall >= LEVEL:
        return None
    return Advice("rate_low", ("faster",), _name_case(evidence), {"rate": _write_rate(evidence)})


def find_overfitting(evidence: Evidence) -> Advice | None:
    """The loss of the watched rows has risen since its best epoch, and is well above that of the training rows."""
    recent, best = evidence.recent_watched, float(evidence.watched_loss[evidence.best])
    if len(evidence) < FEWEST or not evidence.overfits:
        return None
    least = RISEN * evidence.scale
    if float(np.median(recent)) - best < least or float(recent.min()) - best < least / 2:
        return None
    epoch = int(evidence.epochs[evidence.best])
    return Advice("overfitting", ("add_l2", "fewer_units", "back"), _name_case(evidence), {"epoch": epoch})


def find_dead_units(evidence: Evidence) -> Advice | None:
    """Half of a layer's units or more answer 0 to every row and cannot come back by themselves (Maas et al., 2013)."""
    for number, codes_K in enumerate(evidence.health, 1):
        dead = int((codes_K == NEVER_ACTIVE).sum())
        if len(evidence) >= 1 and dead > 1 and dead >= HALF * len(codes_K):
            values = {"layer": number, "units": len(codes_K), "dead": dead}
            return Advice("dead_units", ("leak",), f"{number}", values)
    return None


def find_stuck_units(evidence: Evidence) -> Advice | None:
    """Half of a layer's units or more are at the flat ends of their activation, where there is no slope, and learning stands still."""
    if len(evidence) < FEWEST or not _is_unfinished(evidence):
        return None
    for number, codes_K in enumerate(evidence.health, 1):
        stuck = int(np.isin(codes_K, (SATURATED, ALWAYS_THE_SAME)).sum())
        if stuck > 1 and stuck >= HALF * len(codes_K):
            return Advice(
                "stuck_units", ("reset",), f"{number}", {"layer": number, "units": len(codes_K), "stuck": stuck}
            )
    return None


def find_small_network(evidence: Evidence) -> Advice | None:
    """The training loss stands still while much of it is left: the network is too small, or more cannot be known."""
    if len(evidence) < LONG or not _is_unfinished(evidence):
        return None
    values = {"left": f"{evidence.share_left:.0%}"}
    if not _activations(evidence):
        return Advice("straight", ("add_layer",), _name_case(evidence), values)
    return Advice("too_small", ("more_units", "add_layer"), _name_case(evidence), values)


def find_end(evidence: Evidence) -> Advice | None:
    """The loss of the watched rows has not become lower for half of the time, and little is left to learn."""
    if len(evidence) < LONG or evidence.share_left > HIGH_BIAS or not _stands_still(evidence.watched_loss, evidence):
        return None
    low = evidence.watched_loss.min() + LEVEL * evidence.scale
    epoch = int(evidence.epochs[np.argmax(evidence.watched_loss <= low)])
    return Advice("reached", ("try_sizes", "fewer_units"), _name_case(evidence), {"epoch": epoch})


def _is_unfinished(evidence: Evidence) -> bool:
    """The training loss stands still while much is left."""
    return evidence.share_left > HIGH_BIAS and _is_at_rest(evidence)


def _is_at_rest(evidence: Evidence) -> bool:
    """The training loss is hardly lower than before, and does not fall all the time, as on a plateau that it will leave."""
    return _stands_still(evidence.train_loss, evidence) and _measure_rises(evidence) > RESTLESS


def _measure_rises(evidence: Evidence) -> float:
    """All rises of the training loss in the last epochs, as a share of all falls."""
    moves = np.diff(evidence.recent_train)
    falls, rises = -moves[moves < 0].sum(), moves[moves > 0].sum()
    return float(rises / falls) if falls else np.inf


def _stands_still(loss: np.ndarray, evidence: Evidence) -> bool:
    return evidence.fall_of(loss, 0.5) < LEVEL


def _activations(evidence: Evidence) -> list[str]:
    return [kind for kind in (layer.activation_kind for layer in evidence.experiment.layers) if kind]


def _write_rate(evidence: Evidence) -> str:
    return f"{evidence.experiment.optimizer.learning_rate:g}"


#: The gravest first: what makes learning impossible, what spoils it, what ends it.
CAUSES: tuple[Callable[[Evidence], Advice | None], ...] = (
    find_dead_layer,
    find_jumps,
    find_vanishing_gradient,
    find_straight_border,
    find_slowness,
    find_overfitting,
    find_dead_units,
    find_stuck_units,
    find_small_network,
    find_end,
)
