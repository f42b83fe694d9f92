"""Apache Kafka on one node (KRaft), from the jars that the POM pins."""

import os
import secrets
import shutil
import subprocess
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path

from local_stack import installation
from local_stack.errors import CannotStart

_LOGGING = Path(__file__).with_name("kafka-log4j2.xml")


@dataclass(frozen=True, slots=True)
class Kafka:
    """A broker that is also its own controller.

    Args:
        servers: where the jars are.
        data: where it keeps its log; made on first use.
        port: of the broker on 127.0.0.1.
        controller_port: the next one, unless given.
        heap_mb: at most; a third of it is in use at rest.
    """

    servers: Path
    data: Path
    port: int
    controller_port: int | None = None
    heap_mb: int = 512

    @property
    def address(self) -> str:
        """What clients are given to start from."""
        return f"127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """Write the configuration; format the data folder on first use."""
        self.data.mkdir(parents=True, exist_ok=True)
        self._configuration.write_text(self._properties())
        if not (self.data / "log/meta.properties").exists():
            # An interrupted format leaves half a folder that the broker refuses.
            shutil.rmtree(self.data / "log", ignore_errors=True)
            self._format()

    def command(self) -> list[str]:
        """The broker's command line; stays in the foreground, ends cleanly on SIGTERM."""
        return [
            *self._java(),
            f"-Xmx{self.heap_mb}m",
            "-Xms64m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:+ExitOnOutOfMemoryError",
            f"-Dlog4j2.configurationFile={_LOGGING}",
            "kafka.Kafka",
            str(self._configuration),
        ]

    @property
    def _configuration(self) -> Path:
        return self.data / "server.properties"

    def _java(self) -> list[str]:
        classpath = installation.jars(self.servers) / "*"
        return [str(installation.java(self.servers)), "-cp", str(classpath)]

    def _format(self) -> None:
        cluster_id = urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        tool = [f"-Dlog4j2.configurationFile={_LOGGING}", "kafka.tools.StorageTool", "format"]
        formatted = subprocess.run(
            [
                *self._java(),
                *tool,
                "--standalone",
                f"--cluster-id={cluster_id}",  # one argument: an id may begin with "-"
                f"--config={self._configuration}",
            ],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "LC_ALL": "C"},
        )
        if formatted.returncode != 0:
            raise CannotStart(f"Kafka could not format {self.data}: {formatted.stderr.strip()}")

    def _properties(self) -> str:
        controller = f"127.0.0.1:{self.controller_port or self.port + 1}"
        values = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.bootstrap.servers": controller,
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": self.data / "log",
            # Topics are made by the service that owns them, with the partitions they need.
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            # After a kill -9 the broker waits for its old registration to end:
            # 12 s at the defaults, 4 s with these.
            "broker.session.timeout.ms": 2000,
            "broker.heartbeat.interval.ms": 500,
        }
        return "".join(f"{key}={value}\n" for key, value in values.items())
