"""A connection to Redis that each thread keeps, for what is counted on the way of every payment and every call."""

from __future__ import annotations

import os
import threading
from typing import Any

from redis import Redis
from redis.connection import AbstractConnection
from redis.exceptions import RedisError, ResponseError


def keep_line(client: Redis) -> Redis:
    """The same client, whose commands go straight over the thread's own connection. By its own way it takes one out of a pool for each command
    and puts it back, measures and times that, and wraps all of it for a second try: as much again as the command.

    A connection that was hung up on is made anew. What fails is raised at once: whoever counts knows what to do without Redis.
    """
    mine, pool = threading.local(), client.connection_pool

    def execute(*words: Any, **options: Any) -> Any:
        line = getattr(mine, "line", None)
        if line is None or line.pid != os.getpid():  # made before this process was forked: it is another one's
            line = mine.line = pool.connection_class(**pool.connection_kwargs)
        try:
            if _hung_up(line):
                line.disconnect()
            line.connect()
            line.send_command(*words)
            return client.parse_response(line, words[0], **options)
        except ResponseError:
            raise  # it has answered; the script is not known there yet, for one
        except BaseException:
            line.disconnect()  # half an answer may be under way
            raise

    client.execute_command = execute  # type: ignore[method-assign]
    return client


def _hung_up(line: AbstractConnection) -> bool:
    """An idle line has nothing to read; one that has was hung up on."""
    try:
        return line.is_connected and bool(line.can_read())
    except (RedisError, OSError):
        return True
