"""Servers for tests of signals and dashboards: one that answers PromQL in every way a server can, an
exporter, which live in threads of the test, and a real Prometheus."""
import base64
import contextlib
import http.server
import json
import shutil
import signal
import ssl
import subprocess
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import harness


class Server:
    """An HTTP server on loopback whose handler is self.answer(request)."""

    def __init__(self, port=0, tls=None):
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                owner.answer(self)

            def log_message(self, *_):
                pass

        class Listener(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):  # a client that gave up
                pass

        self.listener = Listener(("127.0.0.1", port), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.listener.socket = context.wrap_socket(self.listener.socket, server_side=True)
        self.port = self.listener.server_address[1]
        threading.Thread(target=self.listener.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown()
        self.listener.server_close()

    @staticmethod
    def send(request, status, body, kind="application/json"):
        body = body.encode()
        with contextlib.suppress(OSError):
            request.send_response(status)
            request.send_header("Content-Type", kind)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)


def vector(*values, at=None):
    at = time.time() if at is None else at
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": [
        {"metric": {"n": str(i)}, "value": [at, str(value)]} for i, value in enumerate(values)]}})


class FakePrometheus(Server):
    """Answers as `mode` says, and `value` with a number; with `login` ("name:password") only to who
    gives it."""

    # How a server can fail, and what it is called.
    FAILURES = {"error": "http_error", "bad query": "bad_query", "garbage": "bad_answer",
                "empty": "empty", "several": "several", "NaN": "nan", "+Inf": "infinite",
                "old": "stale", "hang": "timeout", "close": "unreachable", "drip": "timeout"}

    def __init__(self, value=0, login=None, **more):
        self.mode, self.value, self.login = "value", value, login
        super().__init__(**more)

    def answer(self, request):
        if self.login:
            proof = "Basic " + base64.b64encode(self.login.encode()).decode()
            if request.headers.get("Authorization") != proof:
                return self.send(request, 401, "who are you?", "text/plain")
        mode = self.mode
        if mode == "value":
            return self.send(request, 200, vector(self.value))
        if mode == "error":
            return self.send(request, 500, "out of order", "text/plain")
        if mode == "bad query":
            return self.send(request, 400, json.dumps(
                {"status": "error", "errorType": "bad_data", "error": "parse error"}))
        if mode == "hang":
            return time.sleep(3)
        if mode == "close":
            return request.connection.close()
        if mode == "drip":  # a byte now and then, for as long as somebody reads
            with contextlib.suppress(OSError):
                request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                for _ in range(30):
                    request.wfile.write(b"x")
                    time.sleep(0.1)
            return None
        return self.send(request, 200, {
            "garbage": "<html>welcome</html>", "empty": vector(), "several": vector(1, 2),
            "old": vector(self.value, at=time.time() - 3600)}.get(mode) or vector(mode))


class Exporter(Server):
    """Metrics for a Prometheus to scrape: {name with labels: number}."""

    def __init__(self, numbers):
        self.numbers = dict(numbers)
        super().__init__()

    def answer(self, request):
        body = "".join(f"{name} {number}\n" for name, number in self.numbers.items())
        self.send(request, 200, body, "text/plain; version=0.0.4")


def make_certificates(folder):
    """An authority and a certificate of it for 127.0.0.1: (ca file, certificate file, key file)."""
    ca, ca_key, cert, key, request = (folder / name for name in (
        "ca.pem", "ca.key", "server.pem", "server.key", "server.csr"))
    extensions = folder / "extensions"
    extensions.write_text("subjectAltName=IP:127.0.0.1\n")

    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *new_key, "-keyout", ca_key, "-out", ca, "-days", "2", "-subj", "/CN=test ca")
    openssl("req", *new_key, "-keyout", key, "-out", request, "-subj", "/CN=127.0.0.1")
    openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial",
            "-out", cert, "-days", "2", "-extfile", extensions)
    return ca, cert, key


needs_prometheus = unittest.skipUnless(
    shutil.which("prometheus"), "there is no prometheus on this machine (scripts/get-prometheus)")


class RealPrometheus:
    """A Prometheus that scrapes ports of this machine, by job name."""

    def __init__(self, folder, targets, port=None):
        self.folder, self.port = folder, port or harness.free_port()
        jobs = "".join(f"  - job_name: {name}\n    static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"
                       for name, port in targets.items())
        (folder / "prometheus.yml").write_text(
            f"global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}\nscrape_configs:\n{jobs}")
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={self.folder / 'prometheus.yml'}",
             f"--storage.tsdb.path={self.folder / 'data'}", f"--web.listen-address=127.0.0.1:{self.port}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)

    def stop(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def query(self, text):
        """The result of an instant query; an AssertionError says what was wrong with it."""
        url = f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": text})
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{text}: {error.read().decode(errors='replace')}") from None
