"""The settings: which server, model and tensors, and the limits on images.

Each setting is taken from the environment (`COMMODITY_LENS_` and the name in capitals), else from
the table `[serving]` of the secrets file (the name as it is), else from its default here. An empty
value counts as not set; a name that is none of these is refused, so that a typo is never silent.
"""

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    BeforeValidator,
    Field,
    FilePath,
    SecretStr,
    SkipValidation,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from detector.errors import ConfigError
from detector.images import ImageLimits
from detector.labels import COMMODITY_LABELS, Label, name_in, parsed
from detector.paths import ROOT
from detector.translation import LANGUAGES, _, noted

PREFIX = "COMMODITY_LENS_"
SECTION = "serving"
LOGIN = "auth"  # the table of the secrets that turns the dashboard's login on
SECRETS = ROOT / ".streamlit" / "secrets.toml"


@dataclass(frozen=True)
class Tls:
    """How to trust the server, and how to be trusted by it. Each file as its path or its PEM bytes.

    Without `ca` the certificate authorities that come with gRPC are trusted. `server_name` is the
    name in the server's certificate, where that is not the name in its address.
    """

    ca: Path | bytes | None = None
    cert: Path | bytes | None = None
    key: Path | bytes | None = None
    server_name: str | None = None

    def __post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):
            given, missing = ("cert", "key") if self.key is None else ("key", "cert")
            raise ConfigError(
                _("TLS has a client {given} but no client {missing}", given=given, missing=missing),
                _("Give both files, or neither: the client's certificate and its private key."),
            )


@dataclass(frozen=True)
class NamedServer:
    """A further model server, by the name that visitors choose it by."""

    name: str
    address: str


def checked_address(value: object) -> str:
    """A gRPC address, as it is given, once its form is checked. Nothing is looked up or connected.

    HOST:PORT, [IPv6]:PORT, dns:///HOST:PORT, ipv4:A:PORT,B:PORT, ipv6:[A]:PORT,[B]:PORT, unix:PATH.

    Raises:
        ConfigError: anything else; `http://…` and a missing port with a hint of their own.
    """
    address = _text(value)
    scheme, rest = address.partition(":")[::2]
    if "://" in address and scheme != "dns" and not scheme.startswith("unix"):
        raise ConfigError(
            _("{address!r} is a URL, expected HOST:PORT", address=address),
            _(
                "Leave {scheme}:// and any path away, and give the gRPC port, which is 8500 "
                "unless the server was told otherwise (8501 is its REST port). TLS has "
                "settings of its own.",
                scheme=scheme,
            ),
        )
    if scheme in ("unix", "unix-abstract"):
        if not rest.strip("/"):
            raise ConfigError(_("{address!r} names no socket", address=address), _ADDRESS_HINT)
        return address
    if scheme in ("ipv4", "ipv6"):
        for endpoint in rest.split(","):
            host = _host_and_port(endpoint, address)[0]
            _checked_ip(host, version=int(scheme[3:]), address=address)
        return address
    if scheme == "dns" and not rest.isdecimal():
        rest = rest[2:].partition("/")[2] if rest.startswith("//") else rest
        _host_and_port(rest, address)
        return address
    _host_and_port(address, address)
    return address


_ADDRESS_HINT = noted(
    "Give the model server's gRPC address, for example 127.0.0.1:8500, [::1]:8500,"
    " dns:///models.example:8500 or ipv4:10.0.0.1:8500,10.0.0.2:8500."
)
_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?")


def _host_and_port(endpoint: str, address: str) -> tuple[str, int]:
    host, colon, port = endpoint.rpartition(":")
    if not colon or (endpoint.startswith("[") and endpoint.endswith("]")):
        raise ConfigError(
            _("{address!r} has no port, expected HOST:PORT", address=address),
            _("Add the gRPC port, 8500 unless the server was told otherwise."),
        )
    if not (port.isascii() and port.isdecimal() and 1 <= int(port) <= 65535):
        raise ConfigError(
            _(
                "{address!r} has the port {port!r}, expected a number from 1 to 65535",
                address=address,
                port=port,
            ),
            _ADDRESS_HINT,
        )
    if host.startswith("[") and host.endswith("]"):
        _checked_ip(host, version=6, address=address)
    elif ":" in host:
        raise ConfigError(
            _("{address!r} has more than one colon, expected HOST:PORT", address=address),
            _("Write an IPv6 address in brackets: [::1]:8500."),
        )
    elif not _HOST_NAME.fullmatch(host):
        raise ConfigError(
            _(
                "{address!r} has the host {host!r}, expected a name or an IP address",
                address=address,
                host=host,
            ),
            _ADDRESS_HINT,
        )
    return host, int(port)


def _checked_ip(host: str, version: int, address: str) -> None:
    text = host.removeprefix("[").removesuffix("]") if version == 6 else host
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        parsed = None
    if parsed is None or parsed.version != version:
        raise ConfigError(
            _(
                "{address!r} has the host {host!r}, expected an IPv{version} address",
                address=address,
                host=host,
                version=version,
            ),
            _ADDRESS_HINT,
        )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(_("{value!r} is not a text", value=value))
    return value.strip()


def _not_a_flag(value: object) -> object:
    """Python's True is the number 1, and nobody means that."""
    if isinstance(value, bool):
        raise ConfigError(_("{value!r} is not a number", value=value))
    return value


def _path(value: object) -> Path:
    return value if isinstance(value, Path) else Path(_text(value)).expanduser()


def _label(value: object) -> str:
    _text(value)
    try:
        return value if isinstance(value, Label) else parsed(str(value))
    except ValueError as error:
        raise ConfigError(
            _("{part!r} behind a tab is no name of a label", part=str(error)),
            _("A name in another language is LANGUAGE=NAME: zh=衣服. Labels have no tabs."),
        ) from error


def _labels(value: object) -> tuple[str, ...]:
    """From a list, from "background, a, b", or from the path of a file with one label a line."""
    if isinstance(value, str) and "," in value:
        value = value.split(",")
    if isinstance(value, str | Path):
        path = _path(value)
        try:
            value = path.read_text(encoding="utf-8-sig").rstrip().splitlines()
        except FileNotFoundError:
            raise ConfigError(_("there is no file {path!r}", path=str(path))) from None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                _("{path!r} can't be read as text: {error}", path=str(path), error=error)
            ) from error
    if not isinstance(value, Iterable):
        raise ConfigError(_("{value!r} is not a list of labels", value=value))
    labels = tuple(map(_label, value))
    if not labels or labels[0] != "background":
        raise ConfigError(
            _("the first label is {label!r}, expected 'background'", label=labels[0])
            if labels
            else _("there is no label, expected 'background' and one label for each class"),
            _("A label's position is its class id, and class 0 is the background."),
        )
    if len(labels) < 2:
        raise ConfigError(_("'background' is the only label, expected one for each class after it"))
    in_each = [labels, *([name_in(each, label) for label in labels] for each in LANGUAGES)]
    twice = sorted({name for names in in_each for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(_("labels are given twice: {twice}", twice=", ".join(twice)))
    return labels


def _servers(value: object) -> tuple[NamedServer, ...]:
    """From a table, or from "name=HOST:PORT, name=HOST:PORT"."""
    pairs: list[tuple[object, object]] = []
    if isinstance(value, str):
        for part in value.split(","):
            name, equals, address = part.partition("=")
            if equals and not re.search(r"[:/]", name):
                pairs.append((name, address))
            elif pairs:  # a comma inside an address: ipv4:A:PORT,B:PORT
                pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]},{part.strip()}")
            else:
                raise ConfigError(_("{part!r} has no name", part=part.strip()), _SERVERS_HINT)
    elif isinstance(value, Mapping):
        pairs = list(value.items())
    elif isinstance(value, tuple) and all(isinstance(entry, NamedServer) for entry in value):
        pairs = [(entry.name, entry.address) for entry in value]
    else:
        raise ConfigError(
            _("{value!r} is not a table of names and addresses", value=value), _SERVERS_HINT
        )
    servers = tuple(NamedServer(_text(name), checked_address(address)) for name, address in pairs)
    names = [server.name for server in servers]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(
            _("servers are named twice: {twice}", twice=", ".join(twice)), _SERVERS_HINT
        )
    return servers


_SERVERS_HINT = noted(
    "Give each server a name of its own: new=10.0.0.6:8500, old=10.0.0.7:8500; or a line"
    ' new = "10.0.0.6:8500" each in a table [serving.servers] of the secrets.'
)


def _labels_beside(settings: dict[str, Any]) -> tuple[str, ...]:
    file = settings["model_base_path"] / "labels.txt"
    if not file.is_file():
        return COMMODITY_LABELS
    try:
        return _labels(file)
    except ConfigError as error:
        raise ConfigError(_("{file}: {error}", file=file, error=error), error.hint) from error


def _metadata(value: object) -> tuple[tuple[str, SecretStr], ...]:
    """From a table. No message has a value in it: they are secrets."""
    if isinstance(value, Mapping):
        pairs = tuple(value.items())
    elif isinstance(value, tuple):
        pairs = value
    else:
        raise ConfigError(_("is not a table of names and texts"), _METADATA_HINT)
    metadata = []
    for name, text in pairs:
        plain = text.get_secret_value() if isinstance(text, SecretStr) else text
        if not re.fullmatch(r"[0-9a-z_.-]+", name) or name.startswith("grpc-"):
            raise ConfigError(_("{name!r} is no name of gRPC metadata", name=name), _METADATA_HINT)
        if not isinstance(plain, str) or not re.fullmatch(r"[ -~]+", plain):
            raise ConfigError(
                _("the value of {name} is no text of ASCII letters", name=name), _METADATA_HINT
            )
        metadata.append((name, SecretStr(plain)))
    return tuple(metadata)


_METADATA_HINT = noted(
    "Give each a line in a table [serving.metadata] of the secrets, its name in small letters:"
    ' authorization = "Bearer …".'
)


def _users(value: object) -> tuple[str, ...]:
    """From a list, or from "ann@example.com, @example.org"; in small letters."""
    if isinstance(value, tuple) and not value:
        return ()
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, Iterable):
        raise ConfigError(_("{value!r} is not a list of users", value=value), _USERS_HINT)
    users = tuple(_text(user).casefold() for user in value)
    if not users:  # would be everybody, and may be meant as nobody
        raise ConfigError(_("the list of users is empty"), _USERS_HINT)
    for user in users:
        if not re.fullmatch(r"[^@\s]*@[^@\s]+", user):
            raise ConfigError(_("{user!r} is no e-mail address", user=user), _USERS_HINT)
    return users


_USERS_HINT = noted(
    "Give e-mail addresses, or @ and a domain for all of its addresses: ann@example.com,"
    " @example.org."
)

_Text = Annotated[str, BeforeValidator(_text)]
_Count = Annotated[int, BeforeValidator(_not_a_flag), Field(ge=1)]
_Seconds = Annotated[float, BeforeValidator(_not_a_flag), Field(gt=0, le=3600)]
_Folder = Annotated[Path, BeforeValidator(_path)]
_File = Annotated[FilePath, BeforeValidator(_path)]


def _setting(default: Any, meaning: str, shown: str = "") -> Any:
    """A field of `Config`, with what its row of the README says.

    Args:
        default: the value, or a function that gives it from the fields before.
        shown: the default in words, where its value would say little.
    """
    if callable(default):
        return Field(default_factory=default, description=meaning, title=shown)
    return Field(default, description=meaning, title=shown)


class Config(BaseSettings):
    """All settings, checked when made. Frozen and hashable; `with_changes` gives another one.

    `labels` is indexed by the class id, "background" first, so the model has `len(labels)` classes.

    Raises:
        ConfigError: a value that can't be, or two that can't be together.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    server: Annotated[str, BeforeValidator(checked_address)] | None = _setting(
        None,
        "gRPC address of TensorFlow Serving: `HOST:PORT`, `[IPv6]:PORT`, `dns:///HOST:PORT`,"
        " `ipv4:A:PORT,B:PORT` or `unix:PATH`",
        shown="none: the embedded server",
    )
    model_name: _Text = _setting("commodity", "name of the model on the server")
    signature_name: _Text = _setting("serving_default", "signature that is called")
    input_name: _Text = _setting("images", "input of the signature: the batch of images")
    output_name: _Text = _setting("concat_3:0", "output of the signature: the SSD's columns")
    model_version: _Count | None = _setting(None, "version to ask for", shown="the server's newest")
    version_label: _Text | None = _setting(
        None, "version label to ask for, in place of `model_version`", shown="none"
    )
    model_base_path: _Folder = _setting(
        ROOT / "models" / "commodity",
        "folder with the embedded server's model: one numbered folder a version",
        shown="`models/commodity`",
    )
    labels: Annotated[tuple[SkipValidation[str], ...], NoDecode, BeforeValidator(_labels)] = (
        _setting(
            _labels_beside,
            "file with one label a line, behind tabs its names in other languages (`zh=…`), or the"
            " labels with commas between them; class 0, `background`, first",
            shown="`labels.txt` in `model_base_path`, else commodity's nine",
        )
    )
    timeout_s: _Seconds = _setting(10.0, "seconds that one call may take")
    tls: bool = _setting(
        False, "call the server with TLS; any of the four settings below does so too"
    )
    tls_ca: _File | None = _setting(
        None, "PEM file with the authorities to trust", shown="the public ones"
    )
    tls_cert: _File | None = _setting(None, "PEM file with the client's certificate", shown="none")
    tls_key: _File | None = _setting(None, "PEM file with the client's private key", shown="none")
    tls_server_name: _Text | None = _setting(
        None, "name in the server's certificate", shown="that of the address"
    )
    max_upload_mb: _Count = _setting(32, "size of an image's file, in MiB, at most")
    max_pixels: _Count = _setting(89_000_000, "width × height of an image, at most")
    max_image_memory_mb: _Count = _setting(
        600, "memory that decoding an image may take, in MB; a WebP of 34 megapixels, a JPEG of 82"
    )
    servers: Annotated[tuple[NamedServer, ...], NoDecode, BeforeValidator(_servers)] = _setting(
        (),
        "further servers that Compare offers: `name=HOST:PORT, …`, in the secrets a table"
        " `[serving.servers]`; called as `server` is, with TLS where it has TLS",
        shown="none",
    )
    samples_path: _Folder = _setting(
        ROOT / "samples", "folder with the gallery's images", shown="`samples`"
    )
    calls_at_once: _Count = _setting(
        8, "calls to one model server at a time, of all visitors; the others wait their turn"
    )
    metrics_port: _Count | None = _setting(
        None, "port at which the dashboard tells Prometheus what it counts", shown="none"
    )
    metadata: Annotated[tuple[tuple[str, SecretStr], ...], NoDecode, BeforeValidator(_metadata)] = (
        _setting(
            (),
            "sent with each call to the configured servers, a token for instance: in the secrets a"
            " table `[serving.metadata]`, never in the environment",
            shown="none",
        )
    )
    allowed_users: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_users)] = _setting(
        (),
        "with a [login](docs/deploy.md#login), who may come in: e-mail addresses, and `@DOMAIN` for"
        " all of a domain",
        shown="everybody who can sign in",
    )

    def __init__(self, _places: Mapping[str, str] | None = None, **values: Any) -> None:
        """
        Args:
            _places: name of a setting -> where its value stands, for errors.
        """
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _refusal(error, _places or {}) from error

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.model_version is not None and self.version_label is not None:
            raise ConfigError(
                _(
                    "model_version is {model_version} and version_label is {version_label!r}, "
                    "expected at most one of them",
                    model_version=self.model_version,
                    version_label=self.version_label,
                ),
                _("Leave one of them away."),
            )
        if self.tls_settings is not None and self.server is None:
            raise ConfigError(
                _("TLS is set, but no server"),
                _(
                    "Set the server's address too: the embedded server, used without one, has no "
                    "TLS."
                ),
            )
        return self

    @property
    def tls_settings(self) -> Tls | None:
        """The five settings of TLS as one; None without TLS."""
        tls = Tls(self.tls_ca, self.tls_cert, self.tls_key, self.tls_server_name)
        return tls if self.tls or tls != Tls() else None

    @property
    def call_metadata(self) -> tuple[tuple[str, str], ...]:
        """What is sent with each call, in clear."""
        return tuple((name, value.get_secret_value()) for name, value in self.metadata)

    @property
    def image_limits(self) -> ImageLimits:
        """How large an image may be."""
        return ImageLimits(
            self.max_upload_mb * 2**20, self.max_pixels, max_memory_mb=self.max_image_memory_mb
        )

    def with_changes(self, **changes: Any) -> Self:
        """A copy with other values, checked as a new one is. Raises ConfigError."""
        return type(self)(**{**dict(self), **changes})

    @classmethod
    def load(
        cls,
        secrets: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> Self:
        """The settings of environment, secrets and defaults, in this order.

        Args:
            secrets: the whole secrets, as of `read_secrets`; only the table `[serving]` counts.
            environ: only names that begin with COMMODITY_LENS_ are looked at.

        Raises:
            ConfigError: says which variable or which name of the table.
        """
        table = (secrets or {}).get(SECTION, {})
        if not isinstance(table, Mapping):
            raise ConfigError(
                _(
                    "{section} in the secrets is {table!r}, expected a table",
                    section=SECTION,
                    table=table,
                ),
                _("Begin the table with a line [{section}].", section=SECTION),
            )
        variables = {name: PREFIX + name.upper() for name in cls.model_fields}
        given = [name for name in environ if name.startswith(PREFIX)]
        _refuse_unknown(table, list(variables), _("of [{section}] in the secrets", section=SECTION))
        _refuse_unknown(given, list(variables.values()), _("of the environment"))

        if variables["metadata"] in given:
            raise ConfigError(
                _("{name} is set in the environment", name=variables["metadata"]), _METADATA_HINT
            )
        source = EnvSettingsSource(cls)
        source.env_vars = {name.lower(): environ[name] for name in given if environ[name].strip()}
        from_environment = source()
        values = {name: value for name, value in table.items() if value != ""} | from_environment
        places = {
            name: _("{name} of [{section}] in the secrets", name=name, section=SECTION)
            for name in table
        }
        places |= {name: variables[name] for name in from_environment}
        loaded = cls(_places=places, **values)
        if loaded.allowed_users and not (secrets or {}).get(LOGIN):
            raise ConfigError(
                _("allowed_users is set, but nobody has to sign in"),
                _("Add the table [{table}] to the secrets, or leave the list away.", table=LOGIN),
            )
        return loaded

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Made from what it is given only: `load` is what looks at the environment."""
        return (init_settings,)


def read_secrets(file: Path = SECRETS) -> dict[str, Any]:
    """The secrets file's tables; none where there is no file. Raises ConfigError."""
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(
            _("{file} cannot be read: {error}", file=file, error=error),
            _("Mend the file, or take it away."),
        ) from error


def settings_table() -> str:
    """All settings as a Markdown table, in the order of `Config`: the README's, checked by a test.

    Environment variable, name in the table `[serving]` of the secrets, default, meaning.
    """
    rows = ["| environment | secrets | default | meaning |", "|---|---|---|---|"]
    for name, field in Config.model_fields.items():
        default = field.title or f"`{str(field.default).lower()}`"
        rows.append(f"| `{PREFIX}{name.upper()}` | `{name}` | {default} | {field.description} |")
    return "\n".join(rows) + "\n"


def _refusal(error: ValidationError, places: Mapping[str, str]) -> ConfigError:
    """The first thing that is wrong, and where its value came from.

    Args:
        places: name of the setting -> where its value stands; else it has the name itself.
    """
    first = error.errors(include_url=False)[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, ConfigError):
        message, hint = str(cause), cause.hint
    else:
        # "Input should be a valid number, unable to parse string as a number"
        value, text = repr(str(first["input"])), first["msg"].partition(", unable")[0]
        rest = text.removeprefix("Input ")
        message, hint = (f"{value}: {text}" if rest == text else f"{value} {rest}"), ""
    if first["loc"]:
        name = str(first["loc"][0])
        message = f"{places.get(name, name)}: {message}"
    return ConfigError(message, hint)


def _refuse_unknown(given: Iterable[str], known: list[str], where: str) -> None:
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
            raise ConfigError(
                _("{name} {where} is not a setting", name=name, where=where),
                _("Did you mean {near}?", near=near),
            )
