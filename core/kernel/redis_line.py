"""A client of Redis that keeps a connection for each thread, for what is counted on the way of every payment and every call."""

from __future__ import annotations

import os
import threading
from select import POLLIN, poll
from typing import Any

from redis import Redis
from redis.connection import AbstractConnection
from redis.exceptions import ResponseError


class KeptLine(Redis):
    """Its commands go straight over the thread's own connection. By the library's way one is taken out of a pool for each command and put back,
    and all of it is measured, timed and wrapped for a second try: as much again as the command.

    A connection that was hung up on is made anew. What fails is raised at once: whoever counts knows what to do without Redis.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._mine = threading.local()

    def execute_command(self, *words: Any, **options: Any) -> Any:
        """The answer to one command. Raises RedisError."""
        line = getattr(self._mine, "line", None)
        if line is None or line.pid != os.getpid():  # made before this process was forked: it is another one's
            pool = self.connection_pool
            line = self._mine.line = pool.connection_class(**pool.connection_kwargs)
        try:
            if line.is_connected and _hung_up(line):
                line.disconnect()
            if not line.is_connected:
                line.connect()
            line.send_command(*words)
            return self.parse_response(line, words[0], **options)
        except ResponseError:
            raise  # it has answered; the script is not known there yet, for one
        except BaseException:
            line.disconnect()  # half an answer may be under way
            raise


def _hung_up(line: AbstractConnection) -> bool:
    """An idle line has nothing to read; one that has was hung up on. One system call: the library's way to look is to read, and to fail at it."""
    waiting = poll()
    waiting.register(line._sock, POLLIN)
    return bool(waiting.poll(0))
