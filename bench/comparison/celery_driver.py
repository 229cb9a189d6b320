"""Celery with Redis as broker and result store: one worker of two processes (prefork, its default). Redis
listens on loopback, without TLS or password (its default).
"""

import os
import shutil
import sys

import celery

import driver


class Celery(driver.Driver):
    def start(self):
        self.processes = driver.Processes()
        port = driver.free_port()
        redis = self.processes.start(
            shutil.which("redis-server"),
            "--port",
            port,
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            self.folder,
        )
        driver.wait_for_port(port, redis)
        os.environ["BENCH_REDIS"] = f"redis://127.0.0.1:{port}/0"
        self.processes.start(
            sys.executable,
            "-m",
            "celery",
            "-A",
            "celery_tasks",
            "worker",
            "--concurrency",
            self.slots,
            "--loglevel",
            "ERROR",
            "--without-gossip",
            "--without-mingle",
            cwd=driver.HERE,
        )
        import celery_tasks  # it wants the address of Redis

        self.tasks = celery_tasks
        celery_tasks.noop.delay().get(timeout=60)

    def stop(self):
        self.processes.end()

    def version(self):
        import redis

        server = redis.Redis.from_url(os.environ["BENCH_REDIS"]).info()
        return f"celery {celery.__version__}, redis {server['redis_version']}"

    def run(self, task, n):
        celery.group(task.s() for _ in range(n)).apply_async().join_native()

    def calls(self, n):
        if n == 1:
            self.tasks.noop.delay().get()
        else:
            self.run(self.tasks.noop, n)

    def commands(self, n):
        self.run(self.tasks.run_true, n)

    def prepare_graph(self, graph, commands):
        raise driver.Unsupported("has chains and chords, no graphs")


if __name__ == "__main__":
    driver.main(Celery())
