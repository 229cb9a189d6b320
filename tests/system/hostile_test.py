#!/usr/bin/env python3
"""Hostile, broken and sleepy peers at the head's port, during a run: each loses its own connection,
nobody else anything."""
import contextlib
import json
import os
import random
import socket
import ssl
import threading
import time
import unittest

import harness
import wire
from harness import Cluster, cpu_seconds, local_pool, measured, poll, rss_kib, yaml
from scaling_test import results_in, write_lines

TASKS = 3000


def closed_after(sock, within):
    """Seconds until the peer closes; None if it does not."""
    started = time.monotonic()
    sock.settimeout(within)
    try:
        wire.read_until_closed(sock)
        return time.monotonic() - started
    except (TimeoutError, socket.timeout):
        return None
    finally:
        sock.close()


class Hostile(unittest.TestCase):
    def setUp(self):
        pool = local_pool(min=2, max=2, slots=2)
        self.cluster = self.enterContext_(Cluster(yaml(pool)))
        self.port = self.cluster.port
        self.certs = self.cluster.state / "certs"
        self.cluster.wait_workers(2)
        self.random = random.Random(11)

    def enterContext_(self, context):  # enterContext came with Python 3.11 under its own name
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def map(self, count, trace, **options):
        arguments = self.cluster.folder / f"{trace}.jsonl"
        write_lines(arguments, [[str(self.cluster.folder / trace), i, 0.01] for i in range(count)])
        return self.cluster.start_troupe("map", "test.traced", "--args", arguments, "--wait", "-o", "json",
                                         stdout_file=self.cluster.folder / f"{trace}.out", **options)

    def finish(self, mapping, count, trace):
        self.assertEqual(mapping.wait(120), 0, mapping.stderr.read())
        mapping.stderr.close()
        results = results_in((self.cluster.folder / f"{trace}.out").read_text())
        self.assertEqual(results, list(range(count)))
        self.assertEqual(harness.executions(self.cluster.folder / trace), {i: 1 for i in range(count)})

    # ---- what is thrown at it

    def random_bytes(self):
        """1,000 connections that send noise."""
        sockets = []
        for _ in range(1000):
            with contextlib.suppress(OSError):
                sock = wire.connect(self.port)
                sockets.append(sock)
                sock.sendall(self.random.randbytes(self.random.randrange(1, 2000)))
        for sock in sockets:
            sock.close()

    def plain_http(self):
        sock = wire.connect(self.port)
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertIsNotNone(closed_after(sock, 6), "plain HTTP at the TLS port stays open")

    def no_certificate(self):
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            sock = wire.tls_context(self.certs, None).wrap_socket(wire.connect(self.port))
            self.assertNotIn("101", wire.upgrade(sock))

    def expect_refusal(self, role, first, word):
        sock = wire.link(self.port, self.certs, role, first)
        sock.settimeout(6)
        said = wire.read_until_closed(sock)
        self.assertIn(word, said, f"{role}: {said!r}")
        sock.close()

    def wrong_role(self):
        self.expect_refusal("client", wire.hello(wire.WORKER), b"role")
        self.expect_refusal("worker", wire.hello(wire.CLIENT), b"role")
        self.expect_refusal("client", wire.hello(wire.HEAD), b"role")

    def wrong_version(self):
        self.expect_refusal("client", wire.hello(wire.CLIENT, version=999), b"version")

    def no_message(self):
        self.expect_refusal("client", b"\xc1\xff\x00", b"")
        self.expect_refusal("client", wire.pack([4711, 1, 2]), b"")
        self.expect_refusal("client", wire.request(1, "status"), b"")  # before any hello

    def oversized_frame(self):
        for payload, announced in ((b"", 1 << 40), (b"", (1 << 20) + 1), (b"x" * (2 << 20), None)):
            sock = wire.link(self.port, self.certs, "client", wire.hello(wire.CLIENT))
            with contextlib.suppress(OSError):
                sock.sendall(wire.frame(payload, announced))
            self.assertIsNotNone(closed_after(sock, 6), "an oversized frame is accepted")

    def replayed_token(self):
        tokens = set()
        for worker in self.cluster.workers():
            with open(f"/proc/{worker['pid']}/environ", "rb") as file:
                for entry in file.read().split(b"\0"):
                    name, _, value = entry.partition(b"=")
                    if b"TOKEN" in name and name.startswith(b"TROUPE_"):
                        tokens.add(value.decode())
        self.assertTrue(tokens, "no launch token in the workers' environments")
        for token in tokens:
            hello = wire.hello(wire.WORKER, token=token)
            register = wire.pack([16, "fake", "here", "host", 1, 12345, 1, [["cpus", 1000]], 0, [], "", []])
            sock = wire.link(self.port, self.certs, "worker", hello + register)
            self.assertIsNotNone(closed_after(sock, 6), "a replayed launch token is accepted")

    def silent(self, sleepers):
        """25 say nothing at all, 25 nothing after the TLS handshake."""
        for i in range(50):
            sock = wire.connect(self.port)
            if i % 2:
                sock = wire.tls_context(self.certs, "client").wrap_socket(sock)
            sleepers.append((time.monotonic(), sock))

    def never_reading(self, deaf):
        """Ask for much, a thousand times, and read none of it."""
        for i in range(50):
            sock = wire.link(self.port, self.certs, "client", wire.hello(wire.CLIENT, incarnation=1000 + i))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.settimeout(0.2)
            deaf.append(sock)
            with contextlib.suppress(OSError):
                sock.sendall(b"".join(wire.frame(wire.request(n, "tasks", {"limit": 1000}))
                                      for n in range(1000)))

    # ---- what must come of it

    def test_no_task_and_no_good_peer_is_lost(self):
        warm_up = self.map(500, "warm-up")
        self.finish(warm_up, 500, "warm-up")
        before, workers = rss_kib(self.cluster.head.pid), {w["id"] for w in self.cluster.workers()}
        mapping = self.map(TASKS, "run")
        poll(lambda: self.cluster.status()["tasks"]["finished"] > 500, 10, "the run has begun")

        sleepers, deaf = [], []
        self.addCleanup(lambda: [sock.close() for sock in [s for _, s in sleepers] + deaf])
        self.silent(sleepers)
        silent_for = []
        watch = threading.Thread(target=lambda: silent_for.extend(
            (closed_after(sock, 20), time.monotonic() - since) for since, sock in sleepers))
        watch.start()
        for attack in (self.random_bytes, self.plain_http, self.no_certificate, self.wrong_role,
                       self.wrong_version, self.no_message, self.oversized_frame, self.replayed_token):
            with self.subTest(attack.__name__):
                started = time.monotonic()
                attack()
                measured(f"{attack.__name__}: {time.monotonic() - started:.2f} s")
        self.never_reading(deaf)
        self.assertEqual(self.cluster.troupe("status", within=10).code, 0, "a good client is served")
        watch.join(60)

        with self.subTest("silent peers"):
            self.assertNotIn(None, [took for took, _ in silent_for], "a silent peer stays connected")
            measured(f"silent peers closed after {max(total for _, total in silent_for):.2f} s at most")
            self.assertLess(max(total for _, total in silent_for), 5.5)
        self.finish(mapping, TASKS, "run")
        self.assertEqual({w["id"] for w in self.cluster.workers()}, workers, "a good worker was dropped")
        self.check_rest(before)

    def check_rest(self, before):
        head = self.cluster.head.pid

        def share():
            cpu, started = cpu_seconds(head), time.monotonic()
            time.sleep(2)
            return (cpu_seconds(head) - cpu) / (time.monotonic() - started)

        last = []
        poll(lambda: last.append(share()) or last[-1] <= 0.01, 20, f"the head rests: {last}")
        after = rss_kib(head)
        measured(f"head: {last[-1] * 100:.1f} % of a core, {before} KiB before and {after} KiB after")
        self.assertLess(after, before + 64 * 1024)


if __name__ == "__main__":
    harness.main()
