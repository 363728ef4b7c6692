"""What can go wrong with a cluster and its storage, and the packages that they need."""

from importlib import import_module

from detector.errors import ConfigError, LensError
from detector.translation import _, noted

_PACKAGES = ("distributed", "fsspec", "pyarrow")


class ClusterError(LensError):
    """The cluster, or a storage that it reads from or writes to, failed."""

    hint = noted("Start the same command again: parts that are finished are not done again.")


def check_installed() -> None:
    """Raises ConfigError where a package is missing that only a cluster needs."""
    for name in _PACKAGES:
        try:
            import_module(name)
        except ImportError as error:
            raise ConfigError(
                _("--cluster needs a package that is missing: {error}", error=error),
                _("pip install -r requirements-cluster.txt"),
            ) from error
