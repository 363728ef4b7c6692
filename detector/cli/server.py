"""The model server of a command: the configured one, or one that lives as long as the command."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager

from detector.batch.run import Done, Source, run
from detector.config import Config, read_secrets
from detector.embedded import EmbeddedServer
from detector.serving import ModelSpec, connect
from detector.tiling import Tiling

_started: list[EmbeddedServer] = []


def configured(options: argparse.Namespace) -> Config:
    """The settings of the program, those of the command line before all others.

    Raises:
        ConfigError
    """
    given = {
        "server": options.server,
        "model_name": options.model,
        "model_version": options.model_version,
        "timeout_s": options.timeout,
    }
    changed = {name: value for name, value in given.items() if value is not None}
    return Config.load(read_secrets()).with_changes(**changed)


@contextmanager
def detected(
    sources: Sequence[Source],
    config: Config,
    tiling: Tiling,
    *,
    began_with: int = 0,
    any_version: bool = False,
) -> Iterator[Iterator[Done]]:
    """The images' results, by the configured server, or by one that lives as long as this."""
    with ExitStack() as stack:
        if not sources:
            yield iter(())
            return
        address = None if config.server is not None else embedded_address(config, stack)
        client = stack.enter_context(connect(config, address)).model(ModelSpec.of(config))
        results = run(
            sources,
            client,
            config,
            began_with=began_with,
            any_version=any_version,
            tiling=tiling,
        )
        yield stack.enter_context(closing(results))


def embedded_address(config: Config, stack: ExitStack) -> str:
    """The address of an embedded server that lives as long as the stack."""
    embedded = EmbeddedServer(config.model_name, config.model_base_path)
    _started.append(embedded)
    return stack.enter_context(embedded).address


def kill_embedded() -> None:
    """End the servers that were started here at once: this process ends too."""
    for server in _started:
        server.kill()
