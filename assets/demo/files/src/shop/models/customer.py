"""Who buys."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Customer:
    name: str
    email: str
    city: str
