"""Traces from the gateway through Kafka, by OpenTelemetry; off unless an exporter is named."""

import os

from opentelemetry import trace


def set_up_tracing(service: str) -> None:
    """Send spans to OTEL_EXPORTER_OTLP_ENDPOINT; without it, every span is a no-op.

    Raises:
        ImportError: an exporter is named but the package's extra `tracing` is not installed.
    """
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": f"atrium-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def is_tracing() -> bool:
    """Tell whether spans go anywhere; to make the others takes as long as a small answer does."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
