"""Orders: requests to a worker that are not carried out yet, in a queue for each owner. This module knows nothing of runs."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from dlcore.wire import Header


@dataclass(frozen=True)
class Order:
    """A request as it arrived."""

    header: Header
    payload: bytes

    @property
    def token(self) -> str:
        """The token of the run that the request is for."""
        return self.header.get("token", "")


class Orders:
    """The queue of each owner, oldest request first; an owner without requests has none."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[Order]] = {}

    @property
    def owners(self) -> list[str]:
        """The owners with requests."""
        return list(self._queues)

    def add(self, owner: str, order: Order) -> None:
        self._queues.setdefault(owner, deque()).append(order)

    def take(self, owner: str) -> Order:
        """Remove and return the oldest request of this owner."""
        queue = self._queues[owner]
        order = queue.popleft()
        if not queue:
            del self._queues[owner]
        return order

    def has_order_for(self, owner: str, token: str) -> bool:
        """Whether the owner's queue has a request for this run."""
        return any(order.token == token for order in self._queues.get(owner, ()))

    def drop(self, owner: str, token: str) -> list[Order]:
        """Remove and return all requests for a run that leaves the worker."""
        queue = self._queues.get(owner, deque())
        dropped = [order for order in queue if order.token == token]
        self._keep(owner, [order for order in queue if order.token != token])
        return dropped

    def forget(self, identifier: int) -> bool:
        """Remove a request that was withdrawn; whether it was in a queue."""
        for owner, queue in list(self._queues.items()):
            left = [order for order in queue if order.header["id"] != identifier]
            if len(left) < len(queue):
                self._keep(owner, left)
                return True
        return False

    def _keep(self, owner: str, orders: list[Order]) -> None:
        if orders:
            self._queues[owner] = deque(orders)
        else:
            self._queues.pop(owner, None)
