"""HyperQueue through its Python package, which brings server and worker: one worker with two cores. Its
tasks are commands. Its connections are encrypted with a key of its own (its default).
"""

import importlib.metadata

from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig

import driver


class HyperQueue(driver.Driver):
    def start(self):
        self.cluster = LocalCluster(self.folder, WorkerConfig(cores=self.slots))
        self.client = self.cluster.client()

    def stop(self):
        self.cluster.stop()

    def version(self):
        return f"hyperqueue {importlib.metadata.version('hyperqueue')}"

    def job(self, tasks):
        """A job of (command, [positions of the tasks it waits for])."""
        job, all_tasks = Job(default_workdir=self.folder), []
        for command, inputs in tasks:
            all_tasks.append(
                job.program(command, stdout=None, stderr=None, deps=[all_tasks[i] for i in inputs])
            )
        return job

    def run_graph(self, prepared):
        self.client.wait_for_jobs([self.client.submit(prepared)])

    def commands(self, n):
        self.run_graph(self.job([(["/bin/true"], [])] * n))

    def prepare_graph(self, graph, commands):
        if not commands:
            raise driver.Unsupported("runs commands, not functions")
        us = graph["task_us"]
        command = ["/bin/sleep", str(us / 1e6)] if us else ["/bin/true"]
        return self.job([(command, inputs) for inputs in graph["inputs"]])


if __name__ == "__main__":
    driver.main(HyperQueue())
