#!/usr/bin/env python3
"""Signals of a Prometheus scale a pool; one that fails in any way follows its rule, is visible, stops
no worker and keeps the queue's scaling from nothing."""
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.request

import harness
from harness import Cluster, local_pool, measured, poll, yaml
from prometheus import Exporter, FakePrometheus, RealPrometheus, make_certificates, needs_prometheus

SIGNAL = ("{name: demand, query: 'max(demand)', type: average_value, target: 1, interval: 200ms, "
          "timeout: 200ms, freshness: 1s, hold_for: 1s%s}")


def following(prometheus, more_signal="", more="", max=4):
    """A cluster of one pool that follows the signal `demand`."""
    options = (f"{{interval: 100ms, target_duration: 1s, scale_down: {{idle_timeout: 1s}}, "
               f"prometheus: {{{prometheus}}}, signals: [{SIGNAL % more_signal}{more}]}}")
    return yaml(local_pool(max=max), options)


def explained(cluster, pool="here"):
    return cluster.ok("autoscaler", "explain", pool, "-o", "json").json()


def signal_of(cluster, name="demand"):
    signals = explained(cluster)["decision"]["inputs"]["signals"]
    return next(s for s in signals if s["name"] == name)


def metric(cluster, line):
    """The number of the exposition's line that begins so; None: there is none."""
    url = f"http://127.0.0.1:{cluster.http_port}/metrics"
    with urllib.request.urlopen(url, timeout=5) as answer:
        for row in answer.read().decode().splitlines():
            if row.startswith(line + " "):
                return float(row.rpartition(" ")[2])
    return None


def stays(cluster, workers, seconds):
    """Fails if the pool has ever less than so many workers, or asks for less."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pool = cluster.pool()
        if pool["registered"] < workers or pool["target"] < workers:
            raise AssertionError(f"an outage stopped workers: {pool}")
        time.sleep(0.1)


class Signals(unittest.TestCase):
    def test_each_failure_of_a_server_is_named_and_stops_no_worker(self):
        with FakePrometheus(value=3) as server, \
                Cluster(following(f"url: 'http://127.0.0.1:{server.port}'")) as cluster:
            cluster.wait_workers(3)
            for mode, trouble in FakePrometheus.FAILURES.items():
                with self.subTest(mode):
                    server.mode = mode
                    poll(lambda: signal_of(cluster)["trouble"] == trouble, 5,
                         f"{mode} is called {trouble}: {signal_of(cluster)}")
                    stays(cluster, 3, 1.5)  # beyond hold_for
                    found = signal_of(cluster)
                    self.assertEqual((found["state"], found["wanted"]), ("failed", 3))
                    self.assertEqual(metric(cluster, 'troupe_autoscaler_signal_up{name="demand"}'), 0)
                    self.assertGreater(metric(
                        cluster, 'troupe_autoscaler_signal_failures_total'
                                 f'{{name="demand",reason="{trouble}"}}'), 0)
                    server.mode = "value"
                    poll(lambda: signal_of(cluster)["trouble"] is None, 5, "it is read again")
            self.assertEqual(metric(cluster, 'troupe_autoscaler_signal{name="demand"}'), 3)
            self.assertIn("signal demand is unavailable (timeout)", cluster.log_text())
            self.assertIn("signal demand is read again", cluster.log_text())
            log = cluster.ok("autoscaler", "log", "--limit", "1000").out
            self.assertIn("demand unavailable: timeout", log)
            server.value = 1
            cluster.wait_workers(1)

    def test_a_dead_server_does_not_slow_the_scaling_of_the_queue(self):
        with FakePrometheus() as server, \
                Cluster(following(f"url: 'http://127.0.0.1:{server.port}'")) as cluster:
            server.mode = "hang"
            poll(lambda: signal_of(cluster)["trouble"] == "timeout", 5, "the server hangs")
            started = time.monotonic()
            job = cluster.job_of(cluster.ok("submit", "--array", "1-4", "-o", "quiet", "--", "sleep", "5"))
            cluster.wait_workers(4, within=5)
            measured(f"four workers {time.monotonic() - started:.2f} s after the submission")
            cluster.ok("cancel", job)
            cluster.wait_workers(0)

    def test_at_least_asks_for_its_number_and_ignore_for_none(self):
        for rule, workers in (("at_least, at_least: 2", 2), ("ignore", 0)):
            with self.subTest(rule), \
                    Cluster(following("url: 'http://127.0.0.1:1'", f", on_failure: {rule}")) as cluster:
                poll(lambda: signal_of(cluster)["state"] == "failed", 5, "hold_for is over")
                cluster.wait_workers(workers)
                self.assertEqual(signal_of(cluster)["trouble"], "unreachable")

    @unittest.skipUnless(shutil.which("openssl"), "there is no openssl to make certificates with")
    def test_tls_is_checked_and_passwords_are_sent(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="troupe-test-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        ca, certificate, key = make_certificates(folder)
        (folder / "password").write_text("open sesame\n")
        with FakePrometheus(value=2, login="me:open sesame", tls=(certificate, key)) as server:
            url = f"url: 'https://127.0.0.1:{server.port}'"
            login = f"username: me, password_file: '{folder / 'password'}'"
            with self.subTest("both"), Cluster(following(f"{url}, ca_file: '{ca}', {login}")) as cluster:
                cluster.wait_workers(2)
            with self.subTest("an authority nobody trusts"), Cluster(following(f"{url}, {login}")) as cluster:
                poll(lambda: signal_of(cluster)["trouble"] == "unauthorized", 5, "not trusted")
                self.assertIn("certificate", signal_of(cluster)["detail"])
            with self.subTest("no password"), Cluster(following(f"{url}, ca_file: '{ca}'")) as cluster:
                poll(lambda: "401" in signal_of(cluster)["detail"], 5, "refused")
                self.assertEqual(signal_of(cluster)["trouble"], "unauthorized")

    def test_the_queues_depth_scales_without_any_prometheus(self):
        options = ("{interval: 100ms, target_duration: 1h, scale_down: {idle_timeout: 1s}, signals: "
                   "[{name: depth, source: queue_depth, target: 5}]}")
        with Cluster(yaml(local_pool(max=3), options)) as cluster:
            cluster.ok("submit", "--array", "1-40", "--", "sleep", "0.5")
            cluster.wait_workers(3)
            reasons = " ".join(d["reason"] for d in
                               cluster.ok("autoscaler", "log", "-o", "json").json())
            self.assertIn('for signal "depth"', reasons)

    def test_explain_says_why_and_what_would_change_it(self):
        with FakePrometheus(value=2) as server, \
                Cluster(following(f"url: 'http://127.0.0.1:{server.port}'")) as cluster:
            cluster.wait_workers(2)
            text = cluster.ok("autoscaler", "explain", "here").out
            self.assertIn("Pool here has 2 workers", text)
            self.assertIn("Signal demand is 2 (target 1", text)
            self.assertIn("What would change it", text)
            unknown = cluster.troupe("autoscaler", "explain", "nowhere")
            self.assertNotEqual(unknown.code, 0)
            self.assertIn("nowhere", unknown.err)


@needs_prometheus
class WithPrometheus(unittest.TestCase):
    def test_a_query_to_a_real_prometheus_scales_a_pool_up_and_down(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="troupe-test-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        more = ("".join(f", {{name: {name}, query: '{query}', target: 1, interval: 500ms, timeout: 500ms}}"
                        for name, query in (("nan", "max(demand) * NaN"), ("none", "no_such_metric"),
                                            ("two", "demand_by_queue"), ("wrong", "demand[1m]"),
                                            ("ours", "max(troupe_pool_target)"))))
        with Exporter({"demand": 3, 'demand_by_queue{queue="a"}': 1,
                       'demand_by_queue{queue="b"}': 2}) as exporter:
            port = harness.free_port()
            cluster = Cluster(following(f"url: 'http://127.0.0.1:{port}'",
                                        more=more.replace("target: 1", "target: 1000")))
            server = RealPrometheus(folder, {"foreign": exporter.port, "troupe": cluster.http_port}, port)
            server.start()
            self.addCleanup(server.stop)
            with cluster:
                # A new Prometheus has its first samples after some seconds.
                cluster.wait_workers(3, within=30)
                for name, trouble in (("nan", "nan"), ("none", "empty"), ("two", "several"),
                                      ("wrong", "bad_query")):
                    poll(lambda: signal_of(cluster, name)["trouble"] == trouble, 5, f"{name} is {trouble}")
                poll(lambda: signal_of(cluster, "ours")["value"] == 3, 10, "it scrapes the head")

                exporter.numbers["demand"] = 4
                cluster.wait_workers(4, within=15)
                exporter.numbers["demand"] = 1
                cluster.wait_workers(1, within=15)
                exporter.numbers["demand"] = 3
                cluster.wait_workers(3, within=15)

                server.process.send_signal(signal.SIGSTOP)
                poll(lambda: signal_of(cluster)["trouble"] == "timeout", 5, "it hangs")
                stays(cluster, 3, 2)
                server.stop()
                poll(lambda: signal_of(cluster)["trouble"] == "unreachable", 5, "it is gone")
                stays(cluster, 3, 2)
                exporter.numbers["demand"] = 2
                server.start()
                cluster.wait_workers(2, within=40)
                if shutil.which("promtool"):
                    self.lint(cluster)

    def lint(self, cluster):
        url = f"http://127.0.0.1:{cluster.http_port}/metrics"
        with urllib.request.urlopen(url, timeout=5) as answer:
            text = answer.read()
        checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True,
                                 timeout=30)
        ours = [line for line in checked.stderr.decode().splitlines()
                if "autoscaler_signal" in line or "pool_cost" in line or "pool_wanted" in line]
        self.assertEqual(ours, [])


if __name__ == "__main__":
    harness.main()
