"""Where settings come from, and what is refused."""

import re

import pytest

from detector.config import (
    Config,
    NamedServer,
    Tls,
    checked_address,
    settings_table,
)
from detector.errors import ConfigError
from detector.labels import COMMODITY_LABELS
from tests.support.paths import ROOT


def test_with_nothing_set_the_embedded_server_serves_the_commodity_model():
    config = Config.load({}, {})
    assert config.server is None
    assert config.model_name == "commodity"
    assert config.signature_name == "serving_default"
    assert config.input_name == "images"
    assert config.output_name == "concat_3:0"
    assert config.model_version is None
    assert config.model_base_path == ROOT / "models" / "commodity"
    assert config.labels == COMMODITY_LABELS
    assert config.tls_settings is None
    assert config.timeout_s == 10.0


def test_a_missing_secrets_file_is_no_error():
    assert Config.load(None, {}) == Config()


def test_the_environment_wins_over_the_secrets_and_these_over_the_defaults():
    config = Config.load(
        {"serving": {"server": "secret:8500", "model_name": "secret", "timeout_s": 3}},
        {"COMMODITY_LENS_SERVER": "environment:8500", "HOME": "/root"},
    )
    assert (config.server, config.model_name, config.timeout_s) == ("environment:8500", "secret", 3)
    assert config.signature_name == "serving_default"


def test_other_tables_of_the_secrets_are_left_alone():
    assert Config.load({"auth": {"cookie_secret": "x"}, "password": "y"}, {}) == Config()


def test_an_empty_value_counts_as_not_set():
    environ = {"COMMODITY_LENS_SERVER": "", "COMMODITY_LENS_MODEL_VERSION": " "}
    config = Config.load({"serving": {"server": "secret:8500", "labels": ""}}, environ)
    assert (config.server, config.model_version) == ("secret:8500", None)


def test_every_setting_can_come_from_the_environment(tmp_path):
    file = tmp_path / "a.pem"
    file.write_text("PEM")
    config = Config.load(
        {"auth": {"client_id": "lens"}},
        {
            "COMMODITY_LENS_SERVER": "[::1]:8500",
            "COMMODITY_LENS_MODEL_NAME": "voc",
            "COMMODITY_LENS_SIGNATURE_NAME": "detect",
            "COMMODITY_LENS_INPUT_NAME": "input_1",
            "COMMODITY_LENS_OUTPUT_NAME": "predictions",
            "COMMODITY_LENS_MODEL_VERSION": "7",
            "COMMODITY_LENS_LABELS": "background, cat ,dog",
            "COMMODITY_LENS_MODEL_BASE_PATH": str(tmp_path),
            "COMMODITY_LENS_TIMEOUT_S": "2.5",
            "COMMODITY_LENS_TLS": "on",
            "COMMODITY_LENS_TLS_CA": str(file),
            "COMMODITY_LENS_TLS_CERT": str(file),
            "COMMODITY_LENS_TLS_KEY": str(file),
            "COMMODITY_LENS_TLS_SERVER_NAME": "models.example",
            "COMMODITY_LENS_MAX_UPLOAD_MB": "64",
            "COMMODITY_LENS_MAX_PIXELS": "1000000",
            "COMMODITY_LENS_MAX_IMAGE_MEMORY_MB": "900",
            "COMMODITY_LENS_SERVERS": "old=10.0.0.7:8500",
            "COMMODITY_LENS_SAMPLES_PATH": str(tmp_path),
            "COMMODITY_LENS_ALLOWED_USERS": "ann@example.com",
        },
    )
    assert config == Config(
        server="[::1]:8500",
        model_name="voc",
        signature_name="detect",
        input_name="input_1",
        output_name="predictions",
        model_version=7,
        labels=("background", "cat", "dog"),
        model_base_path=tmp_path,
        timeout_s=2.5,
        tls=True,
        tls_ca=file,
        tls_cert=file,
        tls_key=file,
        tls_server_name="models.example",
        max_upload_mb=64,
        max_pixels=1_000_000,
        max_image_memory_mb=900,
        servers=(NamedServer("old", "10.0.0.7:8500"),),
        samples_path=tmp_path,
        allowed_users=("ann@example.com",),
    )
    assert config.tls_settings == Tls(file, file, file, "models.example")


def test_an_unknown_variable_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigError, match="COMMODITY_LENS_SEVER of the environment") as caught:
        Config.load({}, {"COMMODITY_LENS_SEVER": "host:8500"})
    assert caught.value.hint == "Did you mean COMMODITY_LENS_SERVER?"


def test_an_unknown_name_in_the_secrets_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigError, match="model of \\[serving\\] in the secrets") as caught:
        Config.load({"serving": {"model": "commodity"}}, {})
    assert caught.value.hint == "Did you mean model_name?"


def test_a_serving_entry_that_is_no_table_is_refused():
    with pytest.raises(ConfigError, match="expected a table"):
        Config.load({"serving": "host:8500"}, {})


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1:8500",
        "localhost:8500",
        "tf_serving:8500",
        "models.example.:1",
        "dns:8500",  # a host that is called dns
        "[::1]:65535",
        "[fe80::1%eth0]:8500",
        "dns:///models.example:8500",
        "dns://10.0.0.53/models.example:8500",
        "ipv4:10.0.0.1:8500,10.0.0.2:8501",
        "ipv6:[::1]:8500,[::2]:8500",
        "unix:/run/serving.sock",
        "unix:///run/serving.sock",
    ],
)
def test_grpc_addresses_are_taken_as_they_are(address):
    assert checked_address(address) == address


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("", "is not a text"),
        ("localhost", "has no port"),
        ("[::1]", "has no port"),
        ("dns:///models.example", "has no port"),
        ("http://localhost:8501", "is a URL"),
        ("grpc://localhost:8500", "is a URL"),
        ("localhost:8500/v1", "has the port '8500/v1'"),
        ("localhost:0", "has the port '0'"),
        ("localhost:65536", "has the port '65536'"),
        ("localhost:grpc", "has the port 'grpc'"),
        (":8500", "has the host ''"),
        ("my host:8500", "has the host 'my host'"),
        ("::1:8500", "more than one colon"),
        ("[10.0.0.1]:8500", "expected an IPv6 address"),
        ("ipv4:models.example:8500", "expected an IPv4 address"),
        ("ipv4:10.0.0.1:8500,", "has no port"),
        ("ipv6:[10.0.0.1]:8500", "expected an IPv6 address"),
        ("unix:", "names no socket"),
        (8500, "is not a text"),
    ],
)
def test_other_addresses_are_refused(address, message):
    with pytest.raises(ConfigError) as caught:
        checked_address(address)
    assert message in str(caught.value)
    assert caught.value.hint


def test_a_url_is_refused_with_the_port_of_grpc_as_the_hint():
    with pytest.raises(ConfigError, match="COMMODITY_LENS_SERVER: 'http://h:8501'") as caught:
        Config.load({}, {"COMMODITY_LENS_SERVER": "http://h:8501"})
    assert "8500" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIMEOUT_S", "0"),
        ("TIMEOUT_S", "-1"),
        ("TIMEOUT_S", "nan"),
        ("TIMEOUT_S", "soon"),
        ("MODEL_VERSION", "0"),
        ("MODEL_VERSION", "1.5"),
        ("MODEL_VERSION", "latest"),
        ("TLS", "maybe"),
        ("TLS_CA", "/no/such/file.pem"),
        ("MAX_UPLOAD_MB", "0"),
        ("LABELS", "/no/such/labels.txt"),
        ("LABELS", "cat,dog"),
        ("LABELS", "background,cat,"),
        ("LABELS", "background,cat,cat"),
    ],
)
def test_a_bad_value_is_refused_and_its_variable_named(name, value):
    with pytest.raises(ConfigError, match=f"^COMMODITY_LENS_{name}: ") as caught:
        Config.load({}, {f"COMMODITY_LENS_{name}": value, "COMMODITY_LENS_SERVER": "h:8500"})
    assert caught.value.hint


def test_the_message_names_variable_value_and_what_is_expected():
    with pytest.raises(ConfigError) as caught:
        Config.load({}, {"COMMODITY_LENS_TIMEOUT_S": "soon"})
    assert str(caught.value) == "COMMODITY_LENS_TIMEOUT_S: 'soon' should be a valid number"
    with pytest.raises(ConfigError) as caught:
        Config.load({"serving": {"tls_ca": "/no/such.pem"}}, {})
    assert str(caught.value) == (
        "tls_ca of [serving] in the secrets: '/no/such.pem': Path does not point to a file"
    )


def test_only_load_looks_at_the_environment(monkeypatch):
    monkeypatch.setenv("COMMODITY_LENS_MODEL_NAME", "other")
    assert Config().model_name == "commodity"
    assert Config.load().model_name == "other"


def test_a_changed_copy_keeps_the_rest_and_what_it_is_made_of_cannot_be_changed():
    config = Config(server="h:8500", labels=("background", "cat"))
    changed = config.with_changes(model_version=3)
    assert (changed.server, changed.labels, changed.model_version) == ("h:8500", config.labels, 3)
    with pytest.raises(ValueError, match="frozen"):
        config.server = "other:8500"


def test_typed_values_of_a_secrets_file_are_taken():
    config = Config.load(
        {
            "serving": {
                "server": "h:8500",
                "model_version": 3,
                "timeout_s": 2,
                "tls": True,
                "labels": ["background", "cat"],
            }
        },
        {},
    )
    assert (config.model_version, config.timeout_s, config.tls) == (3, 2.0, True)
    assert config.labels == ("background", "cat")


@pytest.mark.parametrize(
    ("name", "value"), [("model_version", True), ("timeout_s", True), ("labels", 3)]
)
def test_a_value_of_the_wrong_type_in_the_secrets_is_refused(name, value):
    with pytest.raises(ConfigError, match=f"^{name} of \\[serving\\]"):
        Config.load({"serving": {name: value}}, {})


def test_no_further_servers_are_the_default():
    assert Config.load({}, {}).servers == ()


def test_further_servers_are_names_and_addresses_in_their_order():
    config = Config.load({}, {"COMMODITY_LENS_SERVERS": "new model = h:8501 , old=[::1]:8500"})
    assert config.servers == (NamedServer("new model", "h:8501"), NamedServer("old", "[::1]:8500"))


def test_an_address_of_a_further_server_may_have_commas():
    value = "all=ipv4:10.0.0.1:8500,10.0.0.2:8500,one=unix:/run/a=b.sock"
    config = Config.load({}, {"COMMODITY_LENS_SERVERS": value})
    assert config.servers == (
        NamedServer("all", "ipv4:10.0.0.1:8500,10.0.0.2:8500"),
        NamedServer("one", "unix:/run/a=b.sock"),
    )


def test_allowed_users_are_compared_in_small_letters():
    secrets = {"auth": {"client_id": "lens"}, "serving": {"allowed_users": ["Ann@Example.com"]}}
    assert Config.load(secrets, {}).allowed_users == ("ann@example.com",)
    environ = {"COMMODITY_LENS_ALLOWED_USERS": "bob@example.com, @Example.org"}
    assert Config.load(secrets, environ).allowed_users == ("bob@example.com", "@example.org")


@pytest.mark.parametrize("value", ["example.com", "ann@", "a@b@c", "@", "ann @example.com", [], 3])
def test_what_is_no_address_and_no_domain_allows_nobody(value):
    with pytest.raises(ConfigError, match="allowed_users of \\[serving\\]"):
        Config.load({"auth": {"x": "y"}, "serving": {"allowed_users": value}}, {})


def test_a_list_of_users_without_a_login_is_refused():
    with pytest.raises(ConfigError, match="nobody has to sign in"):
        Config.load({"serving": {"allowed_users": ["ann@example.com"]}}, {})


def test_further_servers_are_a_table_in_the_secrets():
    config = Config.load({"serving": {"servers": {"old": "h:8500"}}}, {})
    assert config.servers == (NamedServer("old", "h:8500"),)
    assert hash(config) == hash(config.with_changes())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("h:8500", "'h:8500' has no name"),
        ("old=h", "'h' has no port"),
        ("old=http://h:8500", "is a URL"),
        ("=h:8500", "is not a text"),
        ("a=h:1,a=h:2", "named twice: a"),
        ("a=h:1,", "has the port '1,'"),
    ],
)
def test_further_servers_without_name_or_address_are_refused(value, message):
    with pytest.raises(ConfigError) as caught:
        Config.load({}, {"COMMODITY_LENS_SERVERS": value})
    assert str(caught.value).startswith("COMMODITY_LENS_SERVERS: ")
    assert message in str(caught.value)
    assert caught.value.hint


def test_further_servers_that_are_no_table_are_refused():
    with pytest.raises(ConfigError, match="not a table of names and addresses"):
        Config.load({"serving": {"servers": ["h:8500"]}}, {})


def test_labels_are_read_from_a_file_one_a_line(tmp_path):
    file = tmp_path / "labels.txt"
    file.write_text("\ufeffbackground\ncoffee cup\nétui\n\n", encoding="utf-8")
    config = Config.load({}, {"COMMODITY_LENS_LABELS": str(file)})
    assert config.labels == ("background", "coffee cup", "étui")


def test_a_blank_line_between_labels_is_refused_because_it_would_shift_the_classes(tmp_path):
    file = tmp_path / "labels.txt"
    file.write_text("background\n\ncat\n")
    with pytest.raises(ConfigError, match="not a text"):
        Config(labels=file)


def test_labels_beside_the_model_are_the_default(tmp_path):
    (tmp_path / "labels.txt").write_text("background\ncat\n")
    assert Config(model_base_path=tmp_path).labels == ("background", "cat")
    assert Config(model_base_path=tmp_path / "elsewhere").labels == COMMODITY_LABELS


def test_labels_without_background_first_are_refused_with_the_reason():
    with pytest.raises(ConfigError, match="the first label is 'cat', expected 'backgr") as caught:
        Config(labels=("cat", "background"))
    assert "class 0 is the background" in caught.value.hint


def test_a_version_and_a_label_together_are_refused():
    with pytest.raises(ConfigError, match="model_version is 1 and version_label is 'stable'"):
        Config(model_version=1, version_label="stable")


def test_a_client_certificate_without_its_key_is_refused(tmp_path):
    file = tmp_path / "client.pem"
    file.write_text("PEM")
    with pytest.raises(ConfigError, match="a client cert but no client key"):
        Config(server="h:8500", tls_cert=file)


def test_tls_for_the_embedded_server_is_refused():
    with pytest.raises(ConfigError, match="TLS is set, but no server"):
        Config(tls=True)


def test_a_changed_copy_is_checked_too():
    with pytest.raises(ConfigError, match=r"^server: 'localhost' has no port"):
        Config().with_changes(server="localhost")


def test_a_config_is_hashable_so_that_it_can_be_a_cache_key():
    assert hash(Config()) == hash(Config())


def test_the_readme_names_every_setting_and_its_default():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [row for row in settings_table().splitlines() if row not in readme]
    assert missing == []


TOKEN = "Bearer s3cret-of-the-server"


def test_metadata_comes_from_the_secrets_and_is_nowhere_in_clear():
    config = Config.load({"serving": {"metadata": {"authorization": TOKEN}}}, {})
    assert config.call_metadata == (("authorization", TOKEN),)
    assert TOKEN not in f"{config!r} {config} {config.model_dump()} {config.model_dump_json()}"
    assert config.with_changes(timeout_s=3).call_metadata == config.call_metadata


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({"Authorization": TOKEN}, "'Authorization'"),
        ({"grpc-timeout": TOKEN}, "'grpc-timeout'"),
        ({"": TOKEN}, "''"),
        ({"authorization": f"{TOKEN}\n"}, "value of authorization"),
        ({"authorization": ""}, "value of authorization"),
        ({"authorization": 7}, "value of authorization"),
        (TOKEN, "is not a table"),
    ],
)
def test_metadata_that_cannot_be_is_refused_without_a_word_of_it(metadata, told):
    with pytest.raises(ConfigError, match=re.escape(told)) as refused:
        Config.load({"serving": {"metadata": metadata}}, {})
    assert "s3cret" not in f"{refused.value} {refused.value.hint}"
    assert "metadata of [serving] in the secrets" in str(refused.value)


def test_metadata_in_the_environment_is_refused():
    with pytest.raises(ConfigError, match="COMMODITY_LENS_METADATA is set") as refused:
        Config.load({}, {"COMMODITY_LENS_METADATA": TOKEN})
    assert "s3cret" not in f"{refused.value} {refused.value.hint}"
