"""Finds people in a picture: ONNX models by onnxruntime, or OpenCV's HOG, which needs no file."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnxruntime.capi import (  # type: ignore[import-untyped]
    onnxruntime_pybind11_state as runtime,
)

from edge_counter import nanodet, yolox
from edge_counter.assets import assets, find
from edge_counter.detections import Detections, Floats, Image, Shape
from edge_counter.errors import BadClasses, BadModel
from edge_counter.labels import PERSON, labels_of
from edge_counter.letterbox import Letterbox
from edge_counter.onnx_file import with_input_size

DEFAULT_MODEL: Final = "yolox-nano"

# More threads gain little and spin: on two cores a fifth faster for three times the work.
cv2.setNumThreads(1)
onnxruntime.set_default_logger_severity(3)


class Detector(Protocol):
    """Anything that finds people.

    Args:
        min_confidence: score from which a box is somebody new. Boxes of less only help to follow
            who is known already, so that no crossing has a confidence under it.
    """

    min_confidence: float

    def detect(self, frame_bgr: Image) -> Detections:
        """Find the people in a picture of any size; it is left as it is."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the exports of a family of models are fed and read.

    Args:
        name: of the family.
        shapes: its inputs and outputs, for a person to compare with.
        fits: tells by the shapes of inputs and outputs whether a model is of it.
        classes_of: tells by the shapes of outputs how many classes a model tells apart.
        letterbox: makes what puts pictures into the input, from the first one and the input.
        step_px: an input may be narrowed to any multiple of it; None: it is what it is.
        read: makes boxes from the outputs, the input's height and width, in its pixels, and the
            indices of the wanted classes.
        min_confidence: recommended; see `Detector`.
    """

    name: str
    shapes: str
    fits: Callable[[Sequence[Shape], Sequence[Shape]], bool]
    classes_of: Callable[[Sequence[Shape]], int]
    letterbox: Callable[[Image, Floats], Letterbox]
    step_px: int | None
    read: Callable[[Sequence[Floats], tuple[int, int], NDArray[np.intp]], Detections]
    min_confidence: float


LAYOUTS: Final = (
    # Older exports have the same shapes, but want RGB with mean and deviation: fed this way
    # they miss half of the people. Nothing in the file tells them apart.
    Layout(
        name="YOLOX of 0.1.1 or later",
        shapes="1x3xHxW to 1xNx(5 + classes), people first, N the cells of strides 8, 16 and 32",
        fits=yolox.fits,
        classes_of=yolox.classes_of,
        letterbox=partial(Letterbox, blank=114),
        step_px=yolox.COARSEST_PX,
        read=yolox.read,
        min_confidence=0.6,
    ),
    Layout(
        name="NanoDet of the first series",
        shapes="1x3xHxW to 1xNx(classes) at strides 8, 16 and 32, then 1xNx(4 x steps), likewise",
        fits=nanodet.fits,
        classes_of=nanodet.classes_of,
        letterbox=partial(
            Letterbox, blank=0, mean_bgr=nanodet.MEAN_BGR, deviation_bgr=nanodet.DEVIATION_BGR
        ),
        step_px=None,  # its channels are shuffled by reshapes that have the size written in
        read=nanodet.read,
        min_confidence=0.6,
    ),
)

_HOG_CONFIDENCE: Final = 0.6

_REFUSED: Final = (
    runtime.InvalidProtobuf,
    runtime.InvalidArgument,
    runtime.InvalidGraph,
    runtime.NotImplemented,
    runtime.RuntimeException,
    runtime.Fail,
)


def load_detector(
    model: str | None = None, classes: str = PERSON, min_confidence: float | None = None
) -> tuple[str, Detector]:
    """Load a detector and return the name of what was loaded.

    Args:
        model: `hog`, an asset's name, or a path to an ONNX file; None takes the default model
            when it is on this machine, else HOG.
        classes: what is looked for, names with commas between them.
        min_confidence: of somebody new, 0.2 to 1; None takes what is recommended for the model.

    Raises:
        BadModel: unknown, not on this machine, or not to be used.
        BadClasses: the model does not know one of them.
    """
    names = [name.strip() for name in classes.split(",")]
    path = locate(model)
    if path is None:
        return "hog", HogDetector(names, min_confidence)
    return model or DEFAULT_MODEL, OnnxDetector(path, names, min_confidence)


def locate(model: str | None) -> Path | None:
    """Return the file of a model that `load_detector` takes; None for HOG, which has none.

    Raises:
        BadModel: an asset that is not on this machine.
    """
    if model == "hog":
        return None
    asset = assets().get(model or DEFAULT_MODEL)
    if asset is None or asset.kind != "model":
        return Path(f"{model}")
    path = find(asset)
    if path is not None or model is None:
        return path
    raise BadModel(
        f"the model {model} is not on this machine: `edge-counter assets pull` fetches it,"
        " `hog` needs no file"
    )


class OnnxDetector:
    """A model of one of the known layouts.

    Args:
        model: the file.
        classes: the names of what is looked for.
        min_confidence: see `Detector`; None takes what is recommended for the layout.

    Raises:
        BadModel: no such file, no ONNX model, or of an unknown layout.
        BadClasses: the model does not know one of them.
    """

    def __init__(
        self,
        model: Path,
        classes: Sequence[str] = (PERSON,),
        min_confidence: float | None = None,
    ) -> None:
        self._model = _read(model)
        self._session = _session(model, self._model)
        inputs = [node.shape for node in self._session.get_inputs()]
        outputs = [node.shape for node in self._session.get_outputs()]
        self._layout = _recognise(model, inputs, outputs)
        self._classes = _indices(classes, labels_of(self._layout.classes_of(outputs)), model)
        self.min_confidence = min_confidence or self._layout.min_confidence
        self._input = self._session.get_inputs()[0].name
        self._declared_px: tuple[int, int] = (inputs[0][2], inputs[0][3])
        self._tensor = np.empty((1, 3, *self._declared_px), np.float32)
        self._fed: tuple[int, ...] = ()
        self._letterbox: Letterbox

    def detect(self, frame_bgr: Image) -> Detections:
        if self._fed != frame_bgr.shape:
            self._fit_to(frame_bgr)
        self._letterbox.fill(frame_bgr)
        outputs = self._session.run(None, {self._input: self._tensor})
        found = self._layout.read(outputs, self.input_px, self._classes)
        scale = np.float32(self._letterbox.scale)
        return _in_picture(found.boxes_px / scale, found.scores, frame_bgr)

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
        self._letterbox = self._layout.letterbox(frame_bgr, self._tensor)


class HogDetector:
    """OpenCV's HOG people detector: no file, no network, and over ten times a model's work.

    Its window holds a person of about 96 px, so that a small picture is enlarged: without that
    everybody under about 100 px is missed. A big one is made smaller, because it would take
    seconds.

    Raises:
        BadClasses: something else than people is looked for.
    """

    def __init__(
        self, classes: Sequence[str] = (PERSON,), min_confidence: float | None = None
    ) -> None:
        _indices(classes, (PERSON,), "hog")
        self.min_confidence = min_confidence or _HOG_CONFIDENCE
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


def _indices(classes: Sequence[str], labels: Sequence[str], model: Path | str) -> NDArray[np.intp]:
    unknown = [name for name in classes if name not in labels]
    if not unknown:
        return np.array([labels.index(name) for name in classes], np.intp)
    if len(labels) == 1:
        raise BadClasses(
            f"{unknown[0] or 'an empty name'}: the model {model} finds only {labels[0]};"
            " yolox-nano and nanodet-m find 80 classes"
        )
    raise BadClasses(f"no class {unknown[0] or 'without a name'}; there are: {', '.join(labels)}")


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
