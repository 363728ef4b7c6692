"""TLS by an SSLConfig, as TensorFlow Serving takes it."""

import json
import subprocess

import grpc
import numpy as np
import pytest

from detector.serving import ModelSpec, ServingClient
from tests.model_server.process import (
    DEADLINE_S,
    arguments,
    channel_to,
    refusal,
    serving,
    tensor,
)
from tests.support import savedmodels
from tests.support.paths import ROOT

pytestmark = pytest.mark.server

X = tensor(np.array([[1, 2]], np.float32))


@pytest.fixture
def pem(certificates):
    """The text of one of the certificates' files."""
    folder = certificates.authority.parent
    return lambda name: (folder / name).read_text()


@pytest.fixture
def base_path(tmp_path):
    savedmodels.write_affine(tmp_path / "m", 1)
    return tmp_path / "m"


@pytest.fixture
def ssl_config(tmp_path, pem):
    """Writes a file: the good key and certificate, and more."""

    def write(**more):
        fields = {"server_key": pem("good.key"), "server_cert": pem("good.pem")} | more
        path = tmp_path / "ssl.config"
        path.write_text("".join(f"{name}: {json.dumps(value)}\n" for name, value in fields.items()))
        return ["--ssl_config_file", str(path)]

    return write


def trusting(pem, client=None):
    """A client's credentials; its own certificate where it has one."""
    parts = [pem("authority.pem").encode()]
    if client:
        parts += [pem(f"{client}.key").encode(), pem(f"{client}.pem").encode()]
    return grpc.ssl_channel_credentials(*parts)


def test_a_client_that_trusts_the_certificate_is_answered(base_path, ssl_config, pem):
    with serving(base_path, *ssl_config(), credentials=trusting(pem)) as server:
        assert server.predict({"x": X}).model_spec.version.value == 1


def test_the_dashboards_client_is_answered(base_path, ssl_config, pem, certificates):
    with (
        serving(base_path, *ssl_config(), credentials=trusting(pem)) as server,
        ServingClient(server.address, tls=certificates.client()) as client,
    ):
        outputs = client.model(ModelSpec("m")).predict({"x": np.ones((1, 2), np.float32)}).outputs
        assert outputs["y:0"].tolist() == [[3, 3]]


def test_a_client_without_tls_or_without_trust_is_not_answered(base_path, ssl_config, pem):
    with serving(base_path, *ssl_config(), credentials=trusting(pem)) as server:
        for credentials in (None, grpc.ssl_channel_credentials()):
            with channel_to(server.address, credentials) as channel:
                ask = channel.unary_unary("/tensorflow.serving.ModelService/GetModelStatus")
                assert refusal(ask, b"", timeout=DEADLINE_S)[0] == grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(("client", "is_answered"), [(None, False), ("good", True)])
def test_with_client_verify_a_client_needs_a_certificate(
    base_path, ssl_config, pem, client, is_answered
):
    config = ssl_config(custom_ca=pem("authority.pem"), client_verify=True)
    with serving(base_path, *config, credentials=trusting(pem, client)) as server:
        if is_answered:
            assert server.predict({"x": X}).model_spec.version.value == 1
        else:
            assert refusal(server.predict, {"x": X})[0] == grpc.StatusCode.UNAVAILABLE


def test_a_certificate_of_another_authority_is_refused(base_path, ssl_config, pem):
    config = ssl_config(custom_ca=pem("authority.pem"), client_verify=True)
    with serving(base_path, *config, credentials=trusting(pem, "other authority")) as server:
        assert refusal(server.predict, {"x": X})[0] == grpc.StatusCode.UNAVAILABLE


def test_without_client_verify_a_certificate_is_not_asked_for(base_path, ssl_config, pem):
    config = ssl_config(custom_ca=pem("authority.pem"))
    with serving(base_path, *config, credentials=trusting(pem)) as server:
        assert server.predict({"x": X}).model_spec.version.value == 1


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"server_key": ""}, "no server_key or server_cert"),
        ({"server_key": "nonsense"}, "gRPC does not take what is in"),
        ({"client_verify": True}, "client_verify needs the custom_ca"),
        ({"password": "x"}, 'no field named "password"'),
    ],
)
def test_a_file_that_does_not_do_is_one_line_without_the_key_and_status_1(
    base_path, ssl_config, pem, more, message
):
    done = subprocess.run(
        arguments(base_path, *ssl_config(**more)),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=DEADLINE_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr.splitlines()[-1]
    assert pem("good.key").splitlines()[1] not in done.stderr
