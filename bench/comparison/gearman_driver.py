"""Gearman: Debian's gearmand with two worker processes. No client library for Python works with today's
Python, so client and worker speak its protocol here: packets of \\0REQ or \\0RES, a type, a size and
arguments that are separated by zero bytes. Nothing is encrypted (its default).
"""

import shutil
import socket
import struct
import subprocess
import sys

import driver

CAN_DO, PRE_SLEEP, NOOP, SUBMIT_JOB, JOB_CREATED = 1, 4, 6, 7, 8
GRAB_JOB, NO_JOB, JOB_ASSIGN, WORK_COMPLETE = 9, 10, 11, 13
FUNCTIONS = {b"noop": driver.noop, b"run_true": driver.run_true}


class Connection:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.read = self.socket.makefile("rb", 1 << 16).read

    def send(self, *packets):
        """Each packet is (type, argument, ...)."""
        out = []
        for kind, *arguments in packets:
            body = b"\0".join(arguments)
            out.append(struct.pack(">4sII", b"\0REQ", kind, len(body)) + body)
        self.socket.sendall(b"".join(out))

    def receive(self):
        head = self.read(12)
        if len(head) < 12:
            raise EOFError("gearmand closed the connection")
        _, kind, size = struct.unpack(">4sII", head)
        return kind, self.read(size)


def work(port):
    """A worker: asks for jobs until the server is gone."""
    server = Connection(port)
    server.send(*((CAN_DO, name) for name in FUNCTIONS), (GRAB_JOB,))
    while True:
        kind, body = server.receive()
        if kind == JOB_ASSIGN:
            handle, name, _ = body.split(b"\0", 2)
            result = str(FUNCTIONS[name]()).encode()
            server.send((WORK_COMPLETE, handle, result), (GRAB_JOB,))
        elif kind == NO_JOB:
            server.send((PRE_SLEEP,))
        elif kind == NOOP:
            server.send((GRAB_JOB,))


class Gearman(driver.Driver):
    BATCH = 1000  # submissions in one write, and how many may be under way

    def start(self):
        self.processes = driver.Processes()
        port = driver.free_port()
        server = self.processes.start(
            shutil.which("gearmand") or "/usr/sbin/gearmand",
            "--listen",
            "127.0.0.1",
            "--port",
            port,
            "--log-file",
            "stderr",
        )
        driver.wait_for_port(port, server)
        for _ in range(self.slots):
            self.processes.start(sys.executable, __file__, "--work", port)
        self.server = Connection(port)

    def stop(self):
        self.processes.end()

    def version(self):
        return (
            subprocess.run(
                [shutil.which("gearmand") or "/usr/sbin/gearmand", "--version"],
                capture_output=True,
                text=True,
            )
            .stdout.split(" - ")[0]
            .strip()
        )

    def run(self, name, n):
        submitted = done = 0
        while done < n:
            if submitted < n and submitted - done < self.BATCH:
                more = min(self.BATCH, n - submitted)
                self.server.send(*[(SUBMIT_JOB, name, b"", b"")] * more)
                submitted += more
            if self.server.receive()[0] == WORK_COMPLETE:
                done += 1

    def calls(self, n):
        self.run(b"noop", n)

    def commands(self, n):
        self.run(b"run_true", n)


if __name__ == "__main__":
    if sys.argv[1] == "--work":
        try:
            work(int(sys.argv[2]))
        except (EOFError, OSError):
            pass  # the server ended
    else:
        driver.main(Gearman())
