"""The metrics of HTTP, for Prometheus; each process serves them at /metrics on its own port."""

from prometheus_client import Histogram

REQUEST_SECONDS = Histogram(
    "http_request_seconds",
    "Time to answer, by the route that answered.",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
