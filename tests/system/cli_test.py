#!/usr/bin/env python3
"""The command line as people and scripts use it, with real processes."""
import contextlib
import json
import os
import pathlib
import pty
import select
import signal
import subprocess
import time
import unittest

import harness
from harness import Cluster, alive, local_pool, poll, yaml


class Detached(unittest.TestCase):
    """up --detach, status, down: each with a state folder of its own."""

    def setUp(self):
        self.cluster = Cluster(yaml(local_pool(max=2)), name="detached")
        # Only its folder, file and environment: this test starts the head itself.
        self.addCleanup(self.cluster.__exit__, None)
        self.cluster.log = open(os.devnull, "wb")

    def troupe(self, *arguments, within=60, **more):
        environment = {k: v for k, v in self.cluster.environment.items() if k != "TROUPE_ADDRESS"}
        environment.update(more)
        return harness.Outcome([str(a) for a in arguments], subprocess.run(
            [harness.PROGRAM, *map(str, arguments)], env=environment, text=True,
            capture_output=True, timeout=within, stdin=subprocess.DEVNULL))

    def test_a_detached_cluster_is_found_and_stopped_without_an_address(self):
        up = self.troupe("up", "-f", self.cluster.file, "--detach", "-o", "json")
        self.assertEqual(up.code, 0, up)
        ready = up.json()
        self.assertEqual(ready["address"], self.cluster.address)
        pid = int((self.cluster.state / "head.pid").read_text())
        self.assertEqual(pid, ready["pid"])
        self.assertTrue(alive(pid))
        self.assertIn("is up", pathlib.Path(ready["log"]).read_text())

        status = self.troupe("status", "-o", "json")
        self.assertEqual(status.code, 0, status)
        self.assertEqual(status.json()["cluster"]["name"], "detached")

        again = self.troupe("up", "-f", self.cluster.file, "--detach")
        self.assertEqual(again.code, 1, again)
        self.assertIn(str(pid), again.err)

        down = self.troupe("down")
        self.assertEqual(down.code, 0, down)
        poll(lambda: not alive(pid), 5, "the head's process is gone")
        self.assertFalse((self.cluster.state / "head.pid").exists())
        gone = self.troupe("status")
        self.assertEqual(gone.code, 3, gone)
        self.assertIn("no cluster reached", gone.err)

    def test_down_now_does_not_wait_for_tasks(self):
        self.assertEqual(self.troupe("up", "-f", self.cluster.file, "-d").code, 0)
        job = self.troupe("submit", "-o", "quiet", "--", "sleep", "1000")
        self.assertEqual(job.code, 0, job)
        poll(lambda: self.troupe("status", "-o", "json").json()["tasks"]["running"] == 1, 15,
             "the task runs")
        started = time.monotonic()
        self.assertEqual(self.troupe("down", "--now").code, 0)
        harness.measured(f"down --now took {time.monotonic() - started:.2f} s")
        poll(lambda: not harness.marked_processes(self.cluster.mark), 10, "nothing is left")

    def test_bench_measures_and_judges(self):
        done = self.troupe("bench", "memory", "--scale", "0.01", "--rounds", "1", "-o", "json")
        self.assertEqual(done.code, 0, done)
        measured = done.json()["metrics"]["memory.bytes_per_task"]
        self.assertGreater(measured["median"], 0)
        self.assertEqual([b["at_most"] for b in measured["budgets"]], [200])
        self.assertEqual(self.troupe("bench", "nothing").code, 2)

    def test_bench_runs_published_graphs_and_writes_them_down(self):
        listed = {g["name"]: g for g in self.troupe("bench", "--list-graphs", "-o", "json").json()}
        self.assertEqual(listed["tree-15"]["tasks"], 32767)
        shown = self.troupe("bench", "--show-graph", "tree-15", "--scale", "0.01").json()
        self.assertEqual(shown["tasks"], len(shown["inputs"]))
        self.assertEqual(shown["published"]["tasks"], 32767)
        for of in (("--graph", "tree-15"), ("--graph", "xarray-5"), ("--graph", "merge-10K", "--commands")):
            done = self.troupe("bench", "graph", *of, "--scale", "0.01", "--rounds", "1", "--workers", "2",
                               "-o", "json", within=60)
            self.assertEqual(done.code, 0, done)
            self.assertEqual([f"graph.{of[1]}.tasks_per_s"], list(done.json()["metrics"]))
        self.assertEqual(self.troupe("bench", "--show-graph", "tree-16").code, 2)

    def test_a_bad_file_is_reported_at_once_and_starts_nothing(self):
        self.cluster.file.write_text("cluster: {nmae: x}\npools: [{name: a, min: 3, max: 1}]\n")
        up = self.troupe("up", "-f", self.cluster.file, "--detach")
        self.assertEqual(up.code, 2, up)
        self.assertIn(f"{self.cluster.file}:1:11", up.err)
        self.assertIn("name", up.err)
        self.assertEqual(harness.marked_processes(self.cluster.mark), [])

    def test_a_temporary_cluster_comes_and_goes_with_its_command(self):
        arguments = self.cluster.folder / "arguments.jsonl"
        arguments.write_text("".join(f"[0.01, {i}]\n" for i in range(20)))
        graph = self.cluster.folder / "graph.yaml"
        out = self.cluster.folder / "out"
        graph.write_text("tasks:\n"
                         f"  - {{id: a, exec: [sh, -c, 'echo a >> {out}']}}\n"
                         f"  - {{id: b, exec: [sh, -c, 'echo b >> {out}'], after: [a]}}\n")
        run = self.troupe("run", graph, "--cluster", self.cluster.file)
        self.assertEqual(run.code, 0, run)
        self.assertEqual(out.read_text(), "a\nb\n")
        poll(lambda: not harness.marked_processes(self.cluster.mark), 10, "nothing is left")


class Commands(unittest.TestCase):
    """Everything that needs a cluster and little of it: one cluster for all."""

    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.cluster = cls.stack.enter_context(Cluster(yaml(local_pool(min=1, max=2))))

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def submit(self, *arguments, **options):
        return self.cluster.job_of(self.cluster.ok("submit", "-o", "quiet", *arguments, **options))

    def test_wait_gives_the_tasks_end_as_exit_code(self):
        good, bad = self.submit("--", "true"), self.submit("--", "sh", "-c", "exit 3")
        self.cluster.ok("wait", good)
        self.cluster.ok("wait", f"{good}.0")
        failed = self.cluster.troupe("wait", bad)
        self.assertEqual(failed.code, 1, failed)
        self.assertIn(f"{bad}.0", failed.err)
        self.assertIn("3", failed.err)
        self.assertEqual(self.cluster.troupe("submit", "--wait", "--", "false").code, 1)

    def test_logs_have_both_streams_and_every_byte(self):
        job = self.submit("--", "sh", "-c", "echo out; echo err >&2; seq 1 200000")
        self.cluster.ok("wait", job)
        logs = self.cluster.ok("logs", f"{job}.0")
        self.assertEqual(logs.err, "err\n")
        self.assertEqual(logs.out, "out\n" + "".join(f"{i}\n" for i in range(1, 200001)))

    def test_logs_follow_a_task_while_it_runs(self):
        job = self.submit("--", "sh", "-c", "echo first; sleep 2; echo second")
        follow = self.cluster.start_troupe("logs", "-f", job)
        ready, _, _ = select.select([follow.stdout], [], [], 10)
        self.assertTrue(ready, "nothing came")
        self.assertEqual(follow.stdout.readline(), "first\n")
        self.assertEqual(self.cluster.tasks(job)[0]["state"], "running")
        out, err = follow.communicate(timeout=20)
        self.assertEqual((out, follow.returncode), ("second\n", 0), err)

    def test_submit_follow_shows_the_output_of_an_array(self):
        outcome = self.cluster.ok("submit", "--array", "3-5", "--follow", "--",
                                  "sh", "-c", "echo index $TROUPE_TASK_INDEX")
        lines = [line for line in outcome.out.splitlines() if "| " in line]
        self.assertEqual(sorted(line.partition("| ")[2] for line in lines),
                         ["index 3", "index 4", "index 5"])

    def test_each_line_and_stdin_reach_the_command(self):
        job = self.submit("--each-line", "-", "--", "echo", "<{}>", stdin="a b\nc\n")
        self.cluster.ok("wait", job)
        self.assertEqual(self.cluster.ok("logs", job).out, f"{job}.0| <a b>\n{job}.1| <c>\n")
        data = self.cluster.folder / "data"
        data.write_text("hello\n")
        job = self.submit("--stdin", data, "--", "cat")
        self.cluster.ok("wait", job)
        self.assertEqual(self.cluster.ok("logs", job).out, "hello\n")

    def test_cwd_and_env_are_those_that_were_given(self):
        job = self.submit("--cwd", self.cluster.folder, "--env", "A=x y", "--", "sh", "-c",
                          'pwd; echo "$A"; echo "$TROUPE_TASK_ID"')
        self.cluster.ok("wait", job)
        self.assertEqual(self.cluster.ok("logs", job).out,
                         f"{self.cluster.folder.resolve()}\nx y\n{job}.0\n")

    def test_tasks_step_back_for_other_programs_of_their_machine(self):
        job = self.submit("--", "nice")  # says its own niceness
        self.cluster.ok("wait", job)
        self.assertEqual(int(self.cluster.ok("logs", job).out), min(os.nice(0) + 15, 19))

    def test_cancel_ends_a_job_and_retry_runs_it_again(self):
        job = self.submit("--", "sleep", "1000")
        poll(lambda: self.cluster.tasks(job)[0]["state"] == "running", 15, "it runs")
        self.cluster.ok("cancel", job, "--reason", "not needed")
        self.assertEqual(self.cluster.troupe("wait", job).code, 1)
        [task] = self.cluster.tasks(job)
        self.assertEqual(task["state"], "cancelled")
        flag = self.cluster.folder / "flag"
        job = self.submit("--", "test", "-e", flag)
        self.assertEqual(self.cluster.troupe("wait", job).code, 1)
        flag.touch()
        self.cluster.ok("retry", job)
        self.cluster.ok("wait", job)

    def test_wait_gives_up_after_its_timeout(self):
        job = self.submit("--", "sleep", "1000")
        waited = self.cluster.troupe("wait", job, "--timeout", "300ms")
        self.assertEqual(waited.code, 1, waited)
        self.assertIn("not over yet", waited.err)
        self.cluster.ok("cancel", job)

    def test_ctrl_c_cancels_the_job_that_a_submit_waits_for(self):
        submit = self.cluster.start_troupe("submit", "--wait", "-o", "json", "--", "sleep", "1000")
        before = time.monotonic()
        poll(lambda: self.cluster.status()["tasks"]["running"] == 1, 15, "it runs")
        submit.send_signal(signal.SIGINT)
        out, err = submit.communicate(timeout=20)
        self.assertEqual(submit.returncode, 1, err)
        self.assertIn("Cancelling job", err)
        self.assertEqual(json.loads(out)["state"], "cancelled")
        harness.measured(f"cancelled {time.monotonic() - before:.2f} s after its submission")

    def test_ctrl_c_leaves_a_job_that_wait_only_watches(self):
        job = self.submit("--", "sleep", "1000")
        wait = self.cluster.start_troupe("wait", job)
        poll(lambda: self.cluster.tasks(job)[0]["state"] == "running", 15, "it runs")
        poll(lambda: harness.handles(wait.pid, signal.SIGINT), 15, "its handler is in place")
        wait.send_signal(signal.SIGINT)
        _, err = wait.communicate(timeout=20)
        self.assertEqual(wait.returncode, 130, err)
        self.assertEqual(self.cluster.tasks(job)[0]["state"], "running")
        self.cluster.ok("cancel", job)

    def test_a_closed_pipe_ends_a_command_quietly(self):
        job = self.submit("--array", "1-3000", "--", "true")
        listing = subprocess.run(
            ["bash", "-o", "pipefail", "-c", f"'{harness.PROGRAM}' tasks {job} -o json | head -n1"],
            env=dict(self.cluster.environment, TROUPE_ADDRESS=self.cluster.address),
            capture_output=True, text=True, timeout=60)
        self.assertEqual((listing.returncode, listing.stderr), (141, ""), listing)
        self.cluster.ok("cancel", job)

    def test_progress_is_drawn_on_a_terminal_only(self):
        try:
            main, terminal = pty.openpty()
        except OSError:
            self.skipTest("this machine gives no pseudo-terminals (is /dev/pts mounted?)")
        environment = dict(self.cluster.environment, TROUPE_ADDRESS=self.cluster.address,
                           TERM="xterm")
        submit = subprocess.Popen(self.cluster.command("submit", "--wait", "--", "sleep", "1"),
                                  env=environment, stdout=subprocess.PIPE, stderr=terminal,
                                  text=True, start_new_session=True)
        os.close(terminal)
        out, _ = submit.communicate(timeout=30)
        drawn = b""
        with contextlib.suppress(OSError):  # EIO: the other side is closed
            while part := os.read(main, 4096):
                drawn += part
        os.close(main)
        self.assertEqual(submit.returncode, 0, out)
        self.assertIn(b"0/1", drawn)
        self.assertNotIn("\x1b", out)
        plain = self.cluster.ok("submit", "--wait", "--", "sleep", "0.2")
        self.assertNotIn("\r", plain.err)

    def test_map_and_call_give_results_as_json(self):
        outcome = self.cluster.ok("map", "test.nap", "--from-json", "-", stdin="[0.01, 0.02, 0.03]")
        self.assertEqual(len(outcome.out.splitlines()), 3)
        unknown = self.cluster.troupe("call", "test.nop")
        self.assertEqual(unknown.code, 1, unknown)
        self.assertIn("test.nop", unknown.err)
        wrong = self.cluster.troupe("call", "test.nap", "not json")
        self.assertEqual(wrong.code, 2, wrong)

    def test_results_can_be_fetched_later(self):
        job = self.cluster.job_of(self.cluster.ok("map", "test.nap", "--from-json", "-",
                                                  "--no-wait", "-o", "quiet", stdin="[0.01, 0.02]"))
        self.assertEqual(len(self.cluster.ok("result", job).out.splitlines()), 2)
        self.cluster.ok("result", f"{job}.1")

    def test_a_worker_started_by_hand_joins_and_leaves(self):
        worker = self.cluster.start_troupe("worker", "--name", "hand", "--slots", "2",
                                           "--resources", "licence=1")
        self.addCleanup(lambda: worker.poll() is None and worker.kill())
        poll(lambda: any(w["name"] == "hand" for w in self.cluster.workers()), 15, "it joins")
        self.cluster.ok("submit", "--resources", "licence=1", "--wait", "--", "true")
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=20)
        poll(lambda: not any(w["name"] == "hand" and w["state"] == "ready"
                             for w in self.cluster.workers()), 15, "it is gone")

    def test_lists_and_the_autoscaler_log_can_be_read(self):
        for command in (["status"], ["jobs"], ["tasks"], ["workers"], ["pools"],
                        ["autoscaler", "log"], ["version", "--cluster"], ["config", "show", "--cluster"]):
            with self.subTest(command=command):
                self.cluster.ok(*command)
                self.cluster.ok(*command, "-o", "json").json()
                self.cluster.ok(*command, "-o", "quiet")

    def test_a_paused_autoscaler_is_shown_by_pools_and_status(self):
        self.addCleanup(self.cluster.ok, "autoscaler", "resume")
        for direction, shown in (("down", "paused down"), ("up", "paused"), ("both", "paused")):
            self.cluster.ok("autoscaler", "resume")
            self.assertEqual(self.cluster.pool()["paused"], "none")
            self.cluster.ok("autoscaler", "pause", direction)
            self.assertEqual(self.cluster.pool()["paused"], direction)
            for command in ("pools", "status"):
                self.assertIn(shown, self.cluster.ok(command).out)
        self.cluster.ok("autoscaler", "resume")
        self.assertNotIn("paused", self.cluster.ok("pools").out)

    def test_logs_of_one_attempt_are_what_that_attempt_printed(self):
        job = self.submit("--retries", "1", "--", "sh", "-c",
                          "echo attempt $TROUPE_ATTEMPT; echo to stderr >&2; test $TROUPE_ATTEMPT = 2")
        self.cluster.ok("wait", job)
        task = f"{job}.0"
        self.assertEqual(self.cluster.ok("logs", task).out, "attempt 1\nattempt 2\n")
        for attempt in (1, 2):
            logs = self.cluster.ok("logs", task, "--attempt", attempt)
            self.assertEqual(logs.out, f"attempt {attempt}\n")
            self.assertEqual(logs.err, "to stderr\n")
        missing = self.cluster.troupe("logs", task, "--attempt", "3")
        self.assertEqual(missing.code, 1, missing)
        self.assertIn(f"task {task} has no attempt 3; its latest is 2", missing.err)

    def test_a_client_that_is_a_static_object_ends_with_its_process(self):
        program = pathlib.Path(harness.PROGRAM).parent / "static_client"
        ended = subprocess.run([program, self.cluster.address, "3"], env=self.cluster.environment,
                               timeout=20, start_new_session=True)
        self.assertEqual(ended.returncode, 0)
        jobs = [j for j in self.cluster.ok("jobs", "-o", "json").json() if j["name"] == "static"]
        self.assertEqual(len(jobs), 1)
        self.assertEqual(sum(jobs[0]["tasks"].values()), 3)
        self.cluster.ok("wait", jobs[0]["id"])


if __name__ == "__main__":
    harness.main()
