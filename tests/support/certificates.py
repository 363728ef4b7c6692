"""Certificates for tests of TLS: good ones, and each kind of bad one."""

from datetime import datetime
from pathlib import Path

import grpc
import trustme

from detector.config import Tls

_HERE = ("localhost", "127.0.0.1")


class Certificates:
    """Files NAME.pem and NAME.key below a folder, of the authority `authority` or of another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        ours, others = trustme.CA(), trustme.CA()
        self.authority = folder / "authority.pem"
        ours.cert_pem.write_to_path(self.authority)
        for name, certificate in {
            "good": ours.issue_cert(*_HERE),
            "expired": ours.issue_cert(
                *_HERE, not_before=datetime(2020, 1, 1), not_after=datetime(2021, 1, 1)
            ),
            "not yet valid": ours.issue_cert(
                *_HERE, not_before=datetime(2040, 1, 1), not_after=datetime(2041, 1, 1)
            ),
            "other name": ours.issue_cert("models.example"),
            "other authority": others.issue_cert(*_HERE),
        }.items():
            certificate.private_key_pem.write_to_path(folder / f"{name}.key")
            for pem in certificate.cert_chain_pems:
                pem.write_to_path(folder / f"{name}.pem", append=True)

    def server(self, name: str, asks_clients: bool = False) -> grpc.ServerCredentials:
        """A server's credentials with this certificate."""
        pair = (
            (self._folder / f"{name}.key").read_bytes(),
            (self._folder / f"{name}.pem").read_bytes(),
        )
        authority = self.authority.read_bytes() if asks_clients else None
        return grpc.ssl_server_credentials([pair], authority, asks_clients)

    def client(
        self, name: str | None = None, key: str | None = None, server_name: str | None = None
    ) -> Tls:
        """A client's settings that trust the authority, with this certificate of its own."""
        if name is None:
            return Tls(ca=self.authority, server_name=server_name)
        cert, key_file = self._folder / f"{name}.pem", self._folder / f"{key or name}.key"
        return Tls(ca=self.authority, cert=cert, key=key_file, server_name=server_name)
