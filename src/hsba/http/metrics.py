"""Figures for Prometheus: requests by interaction, type and status, how long they took, and the process's state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.platform_collector import PlatformCollector

if TYPE_CHECKING:
    from collections.abc import Callable

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The figures of one process; each worker answers for itself."""

    def __init__(self) -> None:
        """Start at zero, in a registry of our own, so that tests do not share one."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._seconds = Histogram(
            "hsba_http_request_seconds",
            "Time from the request's last byte to the answer's first, by FHIR interaction, resource type and status.",
            ("interaction", "type", "status"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._observers: dict[tuple[str, str, int], Callable[[float], None]] = {}

    def observe(self, interaction: str, type_: str, status: int, seconds: float) -> None:
        """Count one request."""
        key = (interaction, type_, status)
        observer = self._observers.get(key)
        if observer is None:
            observer = self._observers[key] = self._seconds.labels(interaction, type_, str(status)).observe
        observer(seconds)

    def gauge(self, name: str, text: str, ask: Callable[[], float]) -> None:
        """A figure that is asked for when somebody looks."""
        Gauge(name, text, registry=self.registry).set_function(ask)

    def page(self) -> tuple[str, bytes]:
        """The media type and the text for Prometheus."""
        return CONTENT_TYPE_LATEST, generate_latest(self.registry)
