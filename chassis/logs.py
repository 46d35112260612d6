"""JSON logs: one event name a line (`event.decided`), values as keys, never a secret, a name or a date."""

import logging
import sys

import structlog
from opentelemetry import trace


def configure(service: str, replica_id: str, level: str = "INFO") -> None:
    """Send structlog and the standard library's logging to stdout as JSON lines of one schema."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        traced,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
        _named(service, replica_id),
    ]
    threshold = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(threshold, logging.WARNING))


def traced(
    _logger: structlog.typing.WrappedLogger, _method: str, line: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Add the id of the trace that the line belongs to, if it is recorded."""
    context = trace.get_current_span().get_span_context()
    if context.trace_flags.sampled:
        line["trace_id"] = trace.format_trace_id(context.trace_id)
    return line


def _named(service: str, replica_id: str) -> structlog.typing.Processor:
    def add(
        _logger: structlog.typing.WrappedLogger, _method: str, line: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        line["service"] = service
        line["replica"] = replica_id
        return line

    return add
