"""Ray: a head with two CPUs on this machine, so up to two worker processes; no dashboard, gRPC without
TLS, a token that proves who may submit (its defaults).
"""

import os
import secrets

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing leaves this machine
os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)  # else it writes one into the user's home

import ray

import driver


class Ray(driver.Driver):
    def start(self):
        ray.init(
            address="local",
            num_cpus=self.slots,
            include_dashboard=False,
            log_to_driver=False,
            _node_ip_address="127.0.0.1",
            _temp_dir=self.folder,
        )
        self.noop = ray.remote(driver.noop)
        self.run_true = ray.remote(driver.run_true)
        self.graph_task = ray.remote(driver.graph_task)

    def stop(self):
        ray.shutdown()

    def version(self):
        return f"ray {ray.__version__}"

    def calls(self, n):
        ray.get([self.noop.remote() for _ in range(n)])

    def commands(self, n):
        ray.get([self.run_true.remote() for _ in range(n)])

    def prepare_graph(self, graph, commands):
        if commands:
            raise driver.Unsupported("runs functions, not commands")
        return graph

    def run_graph(self, prepared):
        us, done = prepared["task_us"], []
        for inputs in prepared["inputs"]:
            done.append(self.graph_task.remote(us, *(done[i] for i in inputs)))
        ray.get(done[-1])


if __name__ == "__main__":
    driver.main(Ray())
