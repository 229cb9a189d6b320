"""dask.distributed: scheduler and two workers with one thread each are processes of their own, as its
manual starts them; no dashboard, no nannies, TCP without TLS (its default).
"""

import sys

import dask
import distributed
from dask.task_spec import Task, TaskRef

import driver


class Dask(driver.Driver):
    def start(self):
        self.graphs = 0
        self.processes = driver.Processes()
        port = driver.free_port()
        address = f"tcp://127.0.0.1:{port}"
        scheduler = self.processes.start(
            sys.executable,
            "-m",
            "dask",
            "scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            port,
            "--no-dashboard",
            cwd=self.folder,
        )
        driver.wait_for_port(port, scheduler)
        for _ in range(self.slots):
            self.processes.start(
                sys.executable,
                "-m",
                "dask",
                "worker",
                address,
                "--nthreads",
                1,
                "--no-nanny",
                "--no-dashboard",
                "--host",
                "127.0.0.1",
                "--local-directory",
                self.folder,
                cwd=self.folder,
            )
        self.client = distributed.Client(address)
        self.client.wait_for_workers(self.slots, timeout=60)

    def stop(self):
        self.client.shutdown()
        self.processes.end()

    def version(self):
        return f"distributed {distributed.__version__}, dask {dask.__version__}"

    def map(self, function, n):
        self.client.gather(self.client.map(function, range(n), pure=False))

    def calls(self, n):
        if n == 1:
            self.client.submit(driver.noop, pure=False).result()
        else:
            self.map(driver.noop, n)

    def commands(self, n):
        self.map(driver.run_true, n)

    def prepare_graph(self, graph, commands):
        if commands:
            raise driver.Unsupported("runs functions, not commands")
        self.graphs += 1
        keys = [f"graph{self.graphs}-{i}" for i in range(graph["tasks"])]
        us = graph["task_us"]
        tasks = {
            keys[i]: Task(keys[i], driver.graph_task, us, *(TaskRef(keys[j]) for j in inputs))
            for i, inputs in enumerate(graph["inputs"])
        }
        return tasks, keys[-1]

    def run_graph(self, prepared):
        self.client.get(*prepared)


if __name__ == "__main__":
    driver.main(Dask())
