"""Counts people crossing a line, beside the camera."""

import os

# Since 1.29 onnxruntime reports to its makers, from the moment of its import; its own function to
# stop that comes too late. Only numbers leave this machine, and only to Atrium (ADR 0019).
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
