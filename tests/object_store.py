"""An object store on loopback, of moto; it can fail a share of what it is asked."""

from contextlib import contextmanager
from http.client import HTTPConnection
from threading import Lock, Thread

import s3fs
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from hlsmask.archive.patience import Patience

SECRET = "wJalrXUtnFEMIsecret"  # noqa: S105 - of nobody
BUSY = "503 Slow Down", b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
REFUSED = "403 Forbidden", b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


class Store:
    """Buckets in memory, and what was asked of them."""

    def __init__(self):
        self.url = ""
        self.fails_each = 0
        self.refuses = False
        self.asked = []
        self.failed = 0
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._lock = Lock()

    def __call__(self, environ, start_response):
        with self._lock:
            self.asked.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
            busy = self.fails_each and len(self.asked) % self.fails_each == 0
            self.failed += bool(busy)
        if busy or self.refuses:
            status, body = BUSY if busy else REFUSED
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
            return [body]
        return self._moto(environ, start_response)


class Quiet(WSGIRequestHandler):
    """Serve without a word."""

    def log(self, *_):
        pass


@contextmanager
def object_store():
    """Serve an empty store on loopback."""
    store = Store()
    server = make_server("127.0.0.1", 0, store, threaded=True, request_handler=Quiet)
    store.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        connection = HTTPConnection("127.0.0.1", server.server_port)
        connection.request("POST", "/moto-api/reset")  # what moto holds is the process's
        connection.getresponse().read()
        connection.close()
        yield store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def storing(monkeypatch):
    """Serve a store with the bucket `basin`, and say to all that ask where it is; no one waits between two tries."""
    with object_store() as served:
        monkeypatch.setenv("AWS_ENDPOINT_URL", served.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setattr(Patience, "rest", lambda *_: None)
        s3fs.S3FileSystem.clear_instance_cache()
        served.files = s3fs.S3FileSystem()
        served.files.mkdir("basin")
        served.asked.clear()
        yield served
        s3fs.S3FileSystem.clear_instance_cache()
