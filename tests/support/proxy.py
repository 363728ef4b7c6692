"""What stands between two programs: a reverse proxy that takes a prefix away, as JupyterHub's,
code-server's and nginx's do, and a network that ends connections."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer


@contextmanager
def stripping(prefix: str, port: int) -> Iterator[str]:
    """The address that shows what is on the port under /prefix/. HTTP and WebSocket."""

    class Passing(BaseRequestHandler):
        def handle(self) -> None:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (part := self.request.recv(65536)):
                    return
                head += part
            line, _, rest = head.partition(b"\r\n")
            method, path, version = line.split(b" ")
            if not path.startswith(f"/{prefix}/".encode()):
                self.request.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                return
            path = path.removeprefix(f"/{prefix}".encode())
            if b"upgrade: websocket" not in rest.lower():
                rest = rest.replace(b"Connection: keep-alive", b"Connection: close")
            with socket.create_connection(("127.0.0.1", port)) as behind:
                behind.sendall(b" ".join([method, path, version]) + b"\r\n" + rest)
                back = threading.Thread(target=_pass, args=(behind, self.request), daemon=True)
                back.start()
                _pass(self.request, behind)
                back.join()

    class Server(ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Passing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/{prefix}"
        server.shutdown()


@contextmanager
def resetting(address: str, after_bytes: int, times: int = 1) -> Iterator[str]:
    """The address of a network that resets so many connections after so much of an answer."""
    left = [times]

    class Passing(BaseRequestHandler):
        def handle(self) -> None:
            host, _, port = address.rpartition(":")
            with socket.create_connection((host, int(port))) as behind:
                there = threading.Thread(target=_pass, args=(self.request, behind), daemon=True)
                there.start()
                count = 0
                with suppress(OSError):
                    while part := behind.recv(65536):
                        count += len(part)
                        if count > after_bytes and left[0] > 0:
                            left[0] -= 1
                            self.request.shutdown(socket.SHUT_RD)  # ends the other thread
                            there.join()
                            linger = struct.pack("ii", 1, 0)  # close() is a reset then
                            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                            self.request.close()
                            return
                        self.request.sendall(part)

    class Server(ThreadingTCPServer):
        daemon_threads = True

        def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
            self.close_request(request)

    with Server(("127.0.0.1", 0), Passing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def _pass(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
