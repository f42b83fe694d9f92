"""Reads the Dockerfile: its stages, each with what it inherits."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

DOCKERFILE: Final = Path(__file__).parents[1] / "images/Dockerfile"


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage as it stands at its end.

    Args:
        base: the image that it comes from in the end.
    """

    base: str
    environment: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    ports: frozenset[int] = frozenset()
    user: str = "root"
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    healthcheck: tuple[str, ...] = ()


def stages() -> dict[str, Stage]:
    """Return all stages by name."""
    found: dict[str, Stage] = {}
    name = ""
    for word, rest in _instructions(DOCKERFILE.read_text()):
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found[name] = found.get(base) or Stage(base)
        else:
            found[name] = _after(found[name], word, rest)
    return found


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word, " ".join(rest.split())


def _after(stage: Stage, word: str, rest: str) -> Stage:
    match word:
        case "ENV":
            stage = replace(stage, environment=stage.environment | _pairs(rest))
        case "LABEL":
            stage = replace(stage, labels=stage.labels | _pairs(rest))
        case "ARG":
            stage = replace(stage, arguments=stage.arguments | _pairs(rest))
        case "EXPOSE":
            stage = replace(stage, ports=frozenset(int(port) for port in rest.split()))
        case "USER":
            stage = replace(stage, user=rest)
        case "ENTRYPOINT":
            stage = replace(stage, entrypoint=tuple(json.loads(rest)), command=())
        case "CMD":
            stage = replace(stage, command=tuple(json.loads(rest)))
        case "HEALTHCHECK":
            check = json.loads(rest.partition(" CMD ")[2])
            stage = replace(stage, healthcheck=tuple(check))
    return stage


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in shlex.split(text))
