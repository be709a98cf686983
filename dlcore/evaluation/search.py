"""The search behind the job "flip": it asks the network only. Along rays from a row it finds where the answer turns, and goes on from
the best of them.

N points, C raw columns, R rays, T points on a ray.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlcore.evaluation import Judged
from dlcore.evaluation.whatif import Column, compute_outputs, predict
from dlcore.jobs import Progress

NEIGHBOURS = 12  # training rows of the wanted answer towards which rays go
RAYS = 192  # into random directions
POINTS_ON_A_RAY = 40  # on a ray, closer together near the row
FEW_PLACES = 12  # points on a ray that is no longer than the best way found so far
HALVINGS = 12  # how often the step in which the answer turns is halved
BASES = 4  # rows that differ from x in categories alone, from which rays start
KEPT = 3  # of the shortest ways, each of which is shortened further
ROUNDS = 8  # of shortening
TRIES = 32  # rays of one round
MOST_WORK = 4e10  # multiplications: some seconds
STEP = 0.02  # of a difference quotient, in deviations
FINEST = 0.02  # the answer is tight if no number of the change can be smaller by this share


@dataclass(frozen=True)
class Goal:
    """What the network should say: one of these classes, or a value beyond a limit."""

    classes: tuple[int, ...] = ()
    limit: float = 0.0
    upwards: bool = True

    def is_reached(self, claims: np.ndarray) -> np.ndarray:
        """(N,) whether the network says what is wanted."""
        if claims.ndim == 2:
            return np.isin(claims.argmax(axis=1), self.classes)
        return claims >= self.limit if self.upwards else claims <= self.limit

    def margin(self, outputs_NK: np.ndarray, claims: np.ndarray) -> np.ndarray:
        """(N,) distance to the goal, below 0 until it is reached; in sums of the output layer, which do not saturate like probabilities."""
        if claims.ndim == 1:
            return (claims - self.limit) * (1 if self.upwards else -1)
        if outputs_NK.shape[1] == 1:
            return outputs_NK[:, 0] * (1 if self.classes == (1,) else -1)
        others = np.setdiff1d(np.arange(outputs_NK.shape[1]), self.classes)
        return outputs_NK[:, self.classes].max(axis=1) - outputs_NK[:, others].max(axis=1)


class Search:
    """Looks for the cheapest point that reaches the goal; counts the points for which it asks the network."""

    def __init__(self, judged: Judged, columns: tuple[Column, ...], row_C: np.ndarray, goal: Goal) -> None:
        self.judged = judged
        self.columns = columns
        self.row_C = row_C
        self.goal = goal
        self.named_C = np.array([bool(column.values) for column in columns])
        self.deviation_C = np.array([0.0 if column.values else column.deviation for column in columns])
        self.free_C = self.deviation_C > 0  # A number that never varies stays.
        self.low_C = np.fmin([column.low for column in columns], row_C)
        self.high_C = np.fmax([column.high for column in columns], row_C)
        self.whole_C = np.array([column.whole for column in columns]) & (row_C == np.round(row_C)) & ~self.named_C
        self.tried = 0
        self._most = int(MOST_WORK / max(1, judged.experiment.num_parameters))
        self._generator = np.random.default_rng(0)  # The same row gives the same answer.

    def run(self, progress: Progress) -> np.ndarray | None:
        """(C,) the cheapest point found, or None."""
        found = self._find_first_points()
        if not len(found):
            return None
        settled = [self._round_away(point_C) for point_C in found[: 3 * KEPT]]
        for number, point_C in enumerate(found[:KEPT]):
            progress((number + 1) / (KEPT + 1), {})
            settled.append(self._round_away(self._shorten(point_C)))
        best_C = self._choose_cheapest_that_holds(settled)
        return (
            None
            if best_C is None
            else self._choose_cheapest_that_holds([self._round_away(self._revert(best_C)), best_C])
        )

    # Points

    def differs(self, points: np.ndarray) -> np.ndarray:
        """Where a point is not the row; a category missing in both is the same."""
        return (points != self.row_C) & ~(np.isnan(points) & np.isnan(self.row_C))

    def cost(self, points_NC: np.ndarray) -> np.ndarray:
        """(N,) deviations of the numbers, and 1 for each other category."""
        differs_NC = self.differs(points_NC)
        divisor_C = np.where(self.free_C, self.deviation_C, 1.0)
        numbers = np.abs(np.where(self.free_C & differs_NC, points_NC - self.row_C, 0.0)) / divisor_C
        return numbers.sum(axis=1) + (differs_NC & self.named_C).sum(axis=1)

    def is_reached(self, points_NC: np.ndarray) -> np.ndarray:
        """(N,) whether the network says what is wanted of each."""
        return self._ask(points_NC)[0]

    def _ask(self, points_NC: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.tried += len(points_NC)
        outputs_NK = compute_outputs(self.judged, points_NC)
        predicted = predict(self.judged, outputs_NK)
        return self.goal.is_reached(predicted), self.goal.margin(outputs_NK.double().numpy(), predicted)

    def _choose_cheapest(self, points_NC: np.ndarray) -> np.ndarray:
        return points_NC[np.argmin(self.cost(points_NC))]

    def _choose_cheapest_that_holds(self, points: list[np.ndarray]) -> np.ndarray | None:
        """The cheapest point that reaches the goal when the network is asked about it alone, as readers of the answer will ask.

        In a batch with others a row's sums can differ in the last digit, which decides for a point on the border.
        """
        order = np.argsort(self.cost(np.stack(points)), kind="stable").tolist()
        return next((points[index] for index in order if self.is_reached(points[index][None])[0]), None)

    # Where the search begins

    def _find_first_points(self) -> np.ndarray:
        """(N, C) points that reach the goal, the cheapest first: other categories, and turning points of rays from there."""
        bases_NC = self._list_bases()
        reached_N = self.is_reached(bases_NC)
        rows_NC = self._find_neighbours()
        points = [bases_NC[reached_N], rows_NC]
        for base_C in bases_NC[~reached_N][:BASES]:
            rays_RC = np.concatenate([self._rays_along_axes(), self._rays_downhill(base_C), self._rays_at_random(RAYS)])
            points.append(self._find_turns(base_C, rays_RC))
        for row_C in rows_NC:  # Take over its categories, and go towards its numbers.
            base_C = np.where(self.named_C, row_C, self.row_C)
            points.append(self._find_turns(base_C, self._ray_toward(base_C, row_C)))
        found = np.concatenate(points)
        return found[np.argsort(self.cost(found), kind="stable")]

    def _list_bases(self) -> np.ndarray:
        """The row, and the row with one other category, and with two of them; those nearest to the goal come first."""
        singles = []
        for index in np.flatnonzero(self.named_C).tolist():
            for code in range(len(self.columns[index].values)):
                if code != self.row_C[index]:
                    singles.append(self._with(self.row_C, index, code))
        if not singles:
            return self.row_C[None]
        singles_NC = np.stack(singles)
        order = np.argsort(-self._ask(singles_NC)[1], kind="stable")
        best = singles_NC[order]
        doubles = [np.where(self.differs(other), other, best[0]) for other in best[1 : 2 * BASES]]
        return np.concatenate([self.row_C[None], best, *[double[None] for double in doubles]])

    def _find_neighbours(self) -> np.ndarray:
        """Training rows of which the network says what is wanted, the nearest ones."""
        raw_NC = self.judged.data.scaling.fill_missing(self.judged.train.split.raw)
        wanted = raw_NC[self.goal.is_reached(self.judged.train.predicted)]
        wanted = np.where(self.free_C | self.named_C, wanted, self.row_C)
        nearest = wanted[np.argsort(self.cost(wanted), kind="stable")[:NEIGHBOURS]]
        return nearest[self.is_reached(nearest)] if len(nearest) else nearest

    # Rays: directions in deviations, size 1 in sum

    def _rays_along_axes(self) -> np.ndarray:
        """One number at a time, up and down."""
        axes = np.eye(len(self.columns))[self.free_C]
        return np.concatenate([axes, -axes])

    def _rays_downhill(self, point_C: np.ndarray) -> np.ndarray:
        """Rays along the one, two, four ... numbers that change the answer most here (as SparseFool does; Modas et al., 2019)."""
        slope_C = self._measure_slope(point_C)
        order = np.argsort(-np.abs(slope_C), kind="stable")
        rays = [slope_C]
        count = 1
        while count <= self.free_C.sum():
            chosen = np.isin(np.arange(len(slope_C)), order[:count])
            rays += [np.where(chosen, np.sign(slope_C), 0.0), np.where(chosen, slope_C, 0.0)]
            count *= 2
        return _scale_to_size_1(np.stack(rays))

    def _measure_slope(self, point_C: np.ndarray) -> np.ndarray:
        """(C,) how the margin rises for a deviation of each number: central differences."""
        indices = np.flatnonzero(self.free_C)
        slope_C = np.zeros(len(point_C))
        if not len(indices) or not self._may_ask(2 * len(indices)):
            return slope_C
        step_NC = np.eye(len(point_C))[indices] * self.deviation_C * STEP
        _, margin = self._ask(np.concatenate([point_C + step_NC, point_C - step_NC]))
        slope_C[indices] = (margin[: len(indices)] - margin[len(indices) :]) / (2 * STEP)
        return slope_C

    def _rays_at_random(self, count: int) -> np.ndarray:
        """Rays that change two or three numbers at once, evenly over the signs (as growing spheres do; Laugel et al., 2018)."""
        free = np.flatnonzero(self.free_C)
        rays_RC = np.zeros((count if len(free) > 1 else 0, len(self.columns)))
        for ray_C in rays_RC:
            chosen = self._generator.permutation(free)[: self._generator.integers(2, 4)]
            ray_C[chosen] = self._generator.exponential(size=len(chosen)) * self._generator.choice([-1, 1], len(chosen))
        return _scale_to_size_1(rays_RC)

    def _ray_toward(self, base_C: np.ndarray, goal_C: np.ndarray) -> np.ndarray:
        """One ray to these numbers; none where they are the same."""
        step_C = np.where(self.free_C, goal_C - base_C, 0.0) / np.where(self.free_C, self.deviation_C, 1.0)
        return _scale_to_size_1(step_C[None])

    def _find_turns(
        self, base_C: np.ndarray, rays_RC: np.ndarray, indices: int = POINTS_ON_A_RAY, longest: float = np.inf
    ) -> np.ndarray:
        """(N, C) where the answer first turns on each ray, those on which it does. A number that reaches its bound stays there."""
        if not len(rays_RC) or not self._may_ask(len(rays_RC) * indices):
            return np.empty((0, len(base_C)))
        along_T = np.linspace(0, 1, indices + 1)[1:] ** 2
        far_R = np.minimum(self._measure_reach(base_C, rays_RC), longest)
        points_RTC = self._on(base_C, rays_RC[:, None], along_T[:, None] * far_R[:, None, None])
        reached_RT = self.is_reached(points_RTC.reshape(-1, len(base_C))).reshape(len(rays_RC), indices)
        turning = reached_RT.any(axis=1)
        rays_RC, far_R, first_R = rays_RC[turning], far_R[turning], reached_RT[turning].argmax(axis=1)
        if not len(rays_RC):
            return np.empty((0, len(base_C)))
        high_R, low_R = along_T[first_R] * far_R, np.concatenate([[0.0], along_T])[first_R] * far_R
        for _ in range(HALVINGS):
            middle_R = (low_R + high_R) / 2
            reached_R = self.is_reached(self._on(base_C, rays_RC, middle_R[:, None]))
            low_R, high_R = np.where(reached_R, low_R, middle_R), np.where(reached_R, middle_R, high_R)
        return self._on(base_C, rays_RC, high_R[:, None])

    def _measure_reach(self, base_C: np.ndarray, rays_RC: np.ndarray) -> np.ndarray:
        """(R,) the length at which the last number of each ray comes to its bound."""
        room_RC = np.where(rays_RC > 0, self.high_C - base_C, base_C - self.low_C)
        speed_RC = np.abs(rays_RC) * self.deviation_C
        return np.divide(room_RC, speed_RC, out=np.zeros_like(room_RC), where=speed_RC > 0).max(axis=1)

    def _on(self, base_C: np.ndarray, rays: np.ndarray, length: np.ndarray) -> np.ndarray:
        numbers = np.clip(base_C + rays * length * self.deviation_C, self.low_C, self.high_C)
        return np.where(self.free_C & (rays != 0), numbers, base_C)

    def _may_ask(self, points: int) -> bool:
        return self.tried + points <= self._most

    # Shortening

    def _shorten(self, point_C: np.ndarray) -> np.ndarray:
        """A cheaper point, found round by round: changes that are not needed are dropped, and rays near the best one are tried."""
        point_C = self._revert(point_C)
        spread = 1.0
        for _ in range(ROUNDS):
            base_C = np.where(self.named_C, point_C, self.row_C)
            if self.is_reached(base_C[None])[0]:
                return self._revert(base_C)
            rays_RC = np.concatenate(
                [self._rays_around(base_C, point_C, spread), self._rays_downhill(point_C), self._tilt(base_C, point_C)]
            )
            turns_NC = self._find_turns(
                base_C, rays_RC, FEW_PLACES, self.cost(point_C[None])[0] - self.cost(base_C[None])[0]
            )
            if not len(turns_NC):
                break
            shorter_C = self._revert(self._choose_cheapest(turns_NC))
            better = self.cost(shorter_C[None])[0] < self.cost(point_C[None])[0] * 0.999
            spread = spread if better else spread / 3
            point_C = self._choose_cheapest(np.stack([shorter_C, point_C]))
        return point_C

    def _rays_around(self, base_C: np.ndarray, point_C: np.ndarray, spread: float) -> np.ndarray:
        """Rays near the one to this point: its numbers in other proportions, and one or two others with them."""
        ray_C = self._ray_toward(base_C, point_C)
        if not len(ray_C):
            return self._rays_at_random(TRIES)
        rays_RC = np.repeat(ray_C, TRIES, axis=0) * np.exp(spread * self._generator.normal(size=(TRIES, len(base_C))))
        free = np.flatnonzero(self.free_C)
        for ray_R in rays_RC[: TRIES // 2]:
            chosen = self._generator.choice(free, min(len(free), 2), replace=False)
            ray_R[chosen] += spread * 0.3 * self._generator.normal(size=len(chosen))
        return _scale_to_size_1(rays_RC)

    def _tilt(self, base_C: np.ndarray, point_C: np.ndarray) -> np.ndarray:
        """Rays between the one to this point and the steepest ones at it, on which a curved border may be nearer."""
        ray_C = self._ray_toward(base_C, point_C)
        if not len(ray_C):
            return ray_C
        steep_RC = self._rays_downhill(point_C)
        return _scale_to_size_1(np.concatenate([share * steep_RC + (1 - share) * ray_C for share in (0.1, 0.3, 0.6)]))

    def _revert(self, point_C: np.ndarray) -> np.ndarray:
        """The point without the changes that it does not need, and with the others as small as they can be alone."""
        for _ in range(3):
            before = self.cost(point_C[None])[0]
            point_C = self._drop_needless(point_C)
            point_C = self._narrow(point_C)
            if self.cost(point_C[None])[0] > 0.99 * before:
                break
        return point_C

    def _drop_needless(self, point_C: np.ndarray) -> np.ndarray:
        """Take back changes, those first that buy the least for what they cost, as many at once as the goal allows."""
        while len(indices := np.flatnonzero(self.differs(point_C))) and self._may_ask(2 * len(indices)):
            alone_NC = np.stack([self._with(point_C, index, self.row_C[index]) for index in indices.tolist()])
            reached_N, margin_N = self._ask(alone_NC)
            if not reached_N.any():
                break
            saved_N = self.cost(point_C[None])[0] - self.cost(alone_NC)
            order = indices[np.lexsort((-margin_N, -(reached_N * saved_N)))]
            together = np.stack(
                [
                    np.where(np.isin(np.arange(len(point_C)), order[:count]), self.row_C, point_C)
                    for count in range(1, len(order) + 1)
                ]
            )
            still = np.flatnonzero(self.is_reached(together))
            if not len(
                still
            ):  # The point lies on the border; in a batch of other rows, rounding has put it on the other side.
                break
            point_C = together[still[-1]]
        return point_C

    def _narrow(self, point_C: np.ndarray) -> np.ndarray:
        """Move each number back towards the row, the others held, as far as the goal allows."""
        for index in np.flatnonzero(self.differs(point_C) & self.free_C).tolist():
            low, high = 0.0, 1.0  # Shares of the change that are tried.
            for _ in range(3):
                shares = np.linspace(low, high, 12)[1:-1]
                if not self._may_ask(len(shares)):
                    break
                values = self.row_C[index] + shares * (point_C[index] - self.row_C[index])
                tried_NC = np.repeat(point_C[None], len(shares), axis=0)
                tried_NC[:, index] = values
                reached_N = self.is_reached(tried_NC)
                if reached_N.any():
                    high = shares[reached_N.argmax()]
                    low = shares[reached_N.argmax() - 1] if reached_N.argmax() else low
                else:
                    low = shares[-1]
            point_C = self._with(point_C, index, self.row_C[index] + high * (point_C[index] - self.row_C[index]))
        return point_C

    def _with(self, point_C: np.ndarray, index: int, value: float) -> np.ndarray:
        other_C = point_C.copy()
        other_C[index] = value
        return other_C

    # The answer

    def _round_away(self, point_C: np.ndarray) -> np.ndarray:
        """The point in short numbers, each rounded away from the row; what is whole in all training rows stays whole.

        Where rounding up makes one of them larger than it must be, it goes back step by step.
        """
        change_C = np.where(self.differs(point_C) & self.free_C, point_C - self.row_C, 0.0)
        step_C = 10.0 ** (np.floor(np.log10(np.maximum(np.abs(change_C), 1e-300))) - 2)
        step_C = np.where(self.whole_C, 1.0, step_C)
        rounded_C = np.where(change_C > 0, np.ceil(point_C / step_C), np.floor(point_C / step_C)) * step_C
        decimals = np.maximum(0, -np.floor(np.log10(step_C))).astype(int)
        rounded_C = np.array(
            [round(value, index) for value, index in zip(rounded_C.tolist(), decimals.tolist(), strict=True)]
        )
        settled_C = np.where(change_C != 0, np.clip(rounded_C, self.low_C, self.high_C), point_C)
        if not self.is_reached(settled_C[None])[0]:
            return point_C
        for index in np.flatnonzero(self.whole_C & (change_C != 0)).tolist():
            one = np.sign(change_C[index])
            while settled_C[index] != self.row_C[index]:
                back_C = self._with(settled_C, index, settled_C[index] - one)
                if not self._may_ask(1) or not self.is_reached(back_C[None])[0]:
                    break
                settled_C = back_C
        return settled_C

    def is_tight(self, point_C: np.ndarray) -> bool:
        """Whether no single change of it can be taken back, and no number of it made smaller (by 2%, or by 1 if it is whole)."""
        tried = []
        for index in np.flatnonzero(self.differs(point_C)).tolist():
            tried.append(self._with(point_C, index, self.row_C[index]))
            if self.free_C[index]:
                change = point_C[index] - self.row_C[index]
                less = np.sign(change) if self.whole_C[index] else FINEST * change
                tried.append(self._with(point_C, index, point_C[index] - less))
        return not self.is_reached(np.stack(tried)).any()


def _scale_to_size_1(rays_RC: np.ndarray) -> np.ndarray:
    """Rays of size 1 in sum; those of size 0 are left out."""
    size_R = np.abs(rays_RC).sum(axis=1)
    return rays_RC[size_R > 0] / size_R[size_R > 0][:, None]
