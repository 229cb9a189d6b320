#include "bench/cluster_process.hpp"

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <thread>

#include <nlohmann/json.hpp>

#include "bench/bench.hpp"
#include "bench/functions.hpp"

namespace troupe::bench {

using namespace std::chrono_literals;

cluster_shape fixed_cluster(const options& o, std::uint32_t workers, std::uint32_t slots) {
  auto n = o.workers > 0 ? o.workers : workers;
  return {n, n, o.slots > 0 ? o.slots : slots};
}

cluster_process::cluster_process(const cluster_shape& shape) {
  std::ofstream{folder_.path() / "cluster.yaml"}
      << "cluster: {name: bench}\n"
      << "scheduler: {listen: \"127.0.0.1:0\", http: \"127.0.0.1:0\"}\n"
      << "pools:\n  - name: bench\n    provider: {type: local}\n"
      << "    min: " << shape.min << "\n    max: " << shape.max << "\n"
      << "    worker: {slots: " << shape.slots << "}\n";
  auto log = folder_.path() / "head.log";
  auto line = process_.start(
      {"troupe", "up", "-f", (folder_.path() / "cluster.yaml").string(), "--ready-descriptor=3"},
      {"XDG_STATE_HOME=" + folder_.path().string(), std::string{functions_variable} + "=1"}, log);
  auto ready = nlohmann::json::parse(line, nullptr, false);
  if (!ready.is_object()) {
    std::ifstream in{log};
    std::string words{std::istreambuf_iterator<char>{in}, {}};
    throw std::runtime_error("the cluster to measure did not start: " + words);
  }
  address_ = ready.value("address", "");
  http_ = ready.value("http", "");
  wait_for_workers(shape.min);
}

client cluster_process::connect() const {
  connect_options o;
  o.address = address_;
  o.certificates = folder_.path() / "troupe" / "bench" / "certs";
  o.name = "bench";
  return client::connect(o);
}

int cluster_process::command(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), "troupe");
  return run_program(std::move(arguments),
                     {"XDG_STATE_HOME=" + folder_.path().string(), "TROUPE_ADDRESS=" + address_},
                     folder_.path() / "command.log");
}

void cluster_process::wait_for_workers(std::uint32_t n) const {
  auto c = connect();
  for (int i = 0; i < 400; ++i) {
    auto answer = value_or_throw(c.request("status"));
    auto bytes = answer.data();
    auto status = nlohmann::json::from_msgpack(bytes.begin(), bytes.end());
    if (status.value("workers", 0u) >= n) return;
    std::this_thread::sleep_for(50ms);
  }
  throw std::runtime_error("no worker came within 20 s");
}

}  // namespace troupe::bench
