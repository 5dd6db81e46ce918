"""The limit for everything over HTTP: a Flask application with one route that says hello."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
def hello() -> str:
    return "<!doctype html><title>Hello</title><p>Hello"
