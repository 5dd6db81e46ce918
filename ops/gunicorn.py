"""How gunicorn serves the portal on full services: the same numbers as the local stack, from the environment where they differ."""

import os

bind = os.environ.get("BIND", "0.0.0.0:8000")
worker_class = "gthread"
workers = int(os.environ.get("WEB_PROCESSES", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
preload_app = True  # loaded once and then forked: a process that was killed is back at once
timeout = 60
graceful_timeout = 20
max_requests = 20_000
max_requests_jitter = 4_000
control_socket_disable = True
