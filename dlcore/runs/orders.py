"""Orders: what a worker was asked to do and has not done yet, in one queue for each owner. It knows nothing of runs."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from dlcore.wire import Header


@dataclass(frozen=True)
class Order:
    """A request, as it came."""

    header: Header
    payload: bytes

    @property
    def token(self) -> str:
        """The run that it is about."""
        return self.header.get("token", "")


class Orders:
    """What is to be done for each owner, in the order of its coming. Owners without anything to do are not in it."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[Order]] = {}

    @property
    def owners(self) -> list[str]:
        """Those for whom there is something to do."""
        return list(self._queues)

    def add(self, owner: str, order: Order) -> None:
        self._queues.setdefault(owner, deque()).append(order)

    def take(self, owner: str) -> Order:
        """Remove and give what is to be done next for this owner."""
        queue = self._queues[owner]
        order = queue.popleft()
        if not queue:
            del self._queues[owner]
        return order

    def has_order_for(self, owner: str, token: str) -> bool:
        """Whether there is something to do for this run of the owner."""
        return any(order.token == token for order in self._queues.get(owner, ()))

    def drop(self, owner: str, token: str) -> list[Order]:
        """Remove and give what was still to be done for a run that goes."""
        queue = self._queues.get(owner, deque())
        dropped = [order for order in queue if order.token == token]
        self._keep(owner, [order for order in queue if order.token != token])
        return dropped

    def forget(self, identifier: int) -> bool:
        """Remove a request that nobody waits for any more; whether it was here."""
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
