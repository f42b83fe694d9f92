"""Finds people in a picture: ONNX models by onnxruntime, or OpenCV's HOG, which needs no file."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from onnxruntime.capi import (  # type: ignore[import-untyped]
    onnxruntime_pybind11_state as runtime,
)

from edge_counter import yolox
from edge_counter.assets import assets, find
from edge_counter.detections import Detections, Floats, Image
from edge_counter.errors import BadModel
from edge_counter.onnx_file import with_input_size
from edge_counter.yolox import Shape

DEFAULT_MODEL: Final = "yolox-nano"

# More threads gain little and spin: on two cores a fifth faster for three times the work.
cv2.setNumThreads(1)
onnxruntime.set_default_logger_severity(3)


class Detector(Protocol):
    """Anything that finds people."""

    def detect(self, frame_bgr: Image) -> Detections:
        """Find the people in a picture of any size; it is left as it is."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the exports of a family of models are fed and read.

    Args:
        name: of the family.
        shapes: its inputs and outputs, for a person to compare with.
        fits: tells by the shapes of inputs and outputs whether a model is of it.
        blank: what stands in the input beside the picture.
        step_px: an input may be narrowed to any multiple of it; None: it is what it is.
        feed: puts a picture into the input and returns the scale from the picture to it.
        read: makes boxes from the outputs and the input's height and width, in its pixels.
    """

    name: str
    shapes: str
    fits: Callable[[Sequence[Shape], Sequence[Shape]], bool]
    blank: float
    step_px: int | None
    feed: Callable[[Image, Floats], float]
    read: Callable[[Sequence[Floats], tuple[int, int]], Detections]


LAYOUTS: Final = (
    # Older exports have the same shapes, but want RGB with mean and deviation: fed this way
    # they miss half of the people. Nothing in the file tells them apart.
    Layout(
        name="YOLOX of 0.1.1 or later",
        shapes="1x3xHxW to 1xNx(5 + classes), people first, N the cells of strides 8, 16 and 32",
        fits=yolox.fits,
        blank=114,
        step_px=yolox.COARSEST_PX,
        feed=yolox.letterbox,
        read=yolox.read,
    ),
)

_REFUSED: Final = (
    runtime.InvalidProtobuf,
    runtime.InvalidArgument,
    runtime.InvalidGraph,
    runtime.NotImplemented,
    runtime.RuntimeException,
    runtime.Fail,
)


def load_detector(model: str | None = None) -> tuple[str, Detector]:
    """Load a detector and return the name of what was loaded.

    Args:
        model: `hog`, an asset's name, or a path to an ONNX file; None takes the default model
            when it is on this machine, else HOG.

    Raises:
        BadModel: unknown, not on this machine, or not to be used.
    """
    if model == "hog":
        return model, HogDetector()
    asset = assets().get(model or DEFAULT_MODEL)
    if asset is None or asset.kind != "model":
        return f"{model}", OnnxDetector(Path(f"{model}"))
    path = find(asset)
    if path is not None:
        return asset.name, OnnxDetector(path)
    if model is None:
        return "hog", HogDetector()
    raise BadModel(
        f"the model {model} is not on this machine: `edge-counter assets pull` fetches it,"
        " `hog` needs no file"
    )


class OnnxDetector:
    """A model of one of the known layouts.

    Raises:
        BadModel: no such file, no ONNX model, or of an unknown layout.
    """

    def __init__(self, model: Path) -> None:
        self._model = _read(model)
        self._session = _session(model, self._model)
        inputs = [node.shape for node in self._session.get_inputs()]
        outputs = [node.shape for node in self._session.get_outputs()]
        self._layout = _recognise(model, inputs, outputs)
        self._input = self._session.get_inputs()[0].name
        self._declared_px: tuple[int, int] = (inputs[0][2], inputs[0][3])
        self._tensor = np.empty((1, 3, *self._declared_px), np.float32)
        self._fed: tuple[int, ...] = ()

    def detect(self, frame_bgr: Image) -> Detections:
        if self._fed != frame_bgr.shape:
            self._fit_to(frame_bgr)
        scale = self._layout.feed(frame_bgr, self._tensor)
        outputs = self._session.run(None, {self._input: self._tensor})
        found = self._layout.read(outputs, self.input_px)
        return _in_picture(found.boxes_px / np.float32(scale), found.scores, frame_bgr)

    @property
    def input_px(self) -> tuple[int, int]:
        """Height and width of what the model is given now."""
        return self._tensor.shape[2], self._tensor.shape[3]

    def _fit_to(self, frame_bgr: Image) -> None:
        """Narrow the input to what pictures of this size fill, where the file allows it."""
        self._fed = frame_bgr.shape
        wanted_px = _narrowed(self._declared_px, frame_bgr, self._layout.step_px)
        if wanted_px != self.input_px:
            declared, wanted = (1, 3, *self._declared_px), (1, 3, *wanted_px)
            resized = with_input_size(self._model, declared, wanted)
            if resized is not None:
                self._session = _session(Path("narrowed"), resized)
                self._tensor = np.empty(wanted, np.float32)
        self._tensor.fill(self._layout.blank)


class HogDetector:
    """OpenCV's HOG people detector: no file, no network, and over ten times a model's work.

    Its window holds a person of about 96 px, so that a small picture is enlarged: without that
    everybody under about 100 px is missed. A big one is made smaller, because it would take
    seconds.
    """

    def __init__(self) -> None:
        self._hog = cv2.HOGDescriptor()
        self._hog.setSVMDetector(np.asarray(cv2.HOGDescriptor.getDefaultPeopleDetector()))

    def detect(self, frame_bgr: Image) -> Detections:
        scale = min(1.5, 864 / frame_bgr.shape[0])
        picture = cv2.resize(frame_bgr, None, fx=scale, fy=scale)
        found, margins = self._hog.detectMultiScale(picture, winStride=(8, 8), scale=1.05)
        boxes = np.asarray(found, np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        # A logistic curve turns distances from the SVM's border into scores: 0.5 at 0.5.
        scores = 1 / (1 + np.exp(1 - 2 * np.asarray(margins).ravel()))
        return _in_picture(boxes / np.float32(scale), scores.astype(np.float32), frame_bgr)


def _narrowed(
    declared_px: tuple[int, int], frame_bgr: Image, step_px: int | None
) -> tuple[int, int]:
    """Return the least height and width that hold a picture as large as the whole would."""
    if step_px is None:
        return declared_px
    sides_px = frame_bgr.shape[:2]
    scale = min(declared / side for declared, side in zip(declared_px, sides_px, strict=True))
    rows, columns = (
        min(declared, math.ceil(side * scale / step_px) * step_px)
        for declared, side in zip(declared_px, sides_px, strict=True)
    )
    return rows, columns


def _read(model: Path) -> bytes:
    if not model.is_file():
        known = ", ".join(["hog", *(a.name for a in assets().values() if a.kind == "model")])
        raise BadModel(f"{model}: no such file, and no model of that name (there are: {known})")
    return model.read_bytes()


def _session(name: Path, model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except _REFUSED as error:
        raise BadModel(f"{name}: not a model that onnxruntime can load ({error})") from error


def _recognise(model: Path, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> Layout:
    for layout in LAYOUTS:
        if layout.fits(inputs, outputs):
            return layout
    known = "; ".join(f"{layout.name}, {layout.shapes}" for layout in LAYOUTS)
    found = f"{_shown(inputs)} to {_shown(outputs)}"
    raise BadModel(f"{model}: a model of unknown layout, {found}. Supported: {known}")


def _shown(shapes: Sequence[Shape]) -> str:
    return ", ".join("x".join(str(size) for size in shape) for shape in shapes)


def _in_picture(boxes_px: Floats, scores: Floats, frame_bgr: Image) -> Detections:
    """Cut boxes at the picture's edges and drop what lies beyond them."""
    height_px, width_px = frame_bgr.shape[:2]
    edges_px = np.array((width_px, height_px, width_px, height_px), np.float32)
    cut_px = np.clip(boxes_px, 0, edges_px)
    is_inside = (cut_px[:, 2:] > cut_px[:, :2]).all(axis=1)
    return Detections(cut_px[is_inside], scores[is_inside])
