// Helpers for tests of providers with real threads and processes: answers collected across threads,
// waiting with a deadline, a program that stands in for a worker.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <stdlib.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include "providers/provider.hpp"

namespace troupe::providers::test {

using namespace std::chrono_literals;

struct temporary_folder {
  temporary_folder() {
    auto name = (std::filesystem::temp_directory_path() / "troupe-providers-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
    path = name;
  }
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  temporary_folder(const temporary_folder&) = delete;
  std::filesystem::path path;
};

// Shared by its copies.
template <class T>
class collected {
 public:
  void add(T x) const {
    const std::lock_guard lock(s_->mutex);
    s_->items.push_back(std::move(x));
  }
  std::size_t size() const {
    const std::lock_guard lock(s_->mutex);
    return s_->items.size();
  }
  std::vector<T> all() const {
    const std::lock_guard lock(s_->mutex);
    return s_->items;
  }

 private:
  struct shared {
    std::mutex mutex;
    std::vector<T> items;
  };
  std::shared_ptr<shared> s_ = std::make_shared<shared>();
};

inline time_point deadline() {
  return clock::now() + 20s;
}

inline bool wait_for(
    const std::function<bool()>& condition,
    const std::function<void()>& pass_time = [] { std::this_thread::sleep_for(2ms); }) {
  const auto until = deadline();
  while (!condition()) {
    if (clock::now() >= until) return false;
    pass_time();
  }
  return true;
}

// Ends on SIGTERM, else never.
inline worker_command sleeping_program() {
  return {{"/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.02; done"}, {}, {}};
}
inline worker_command shell(std::string script) {
  return {{"/bin/sh", "-c", std::move(script)}, {}, {}};
}

// Of this process alone: tests run beside each other, and a local provider adopts what its cluster's
// earlier heads left.
inline std::string own_cluster() {
  return "fake-" + std::to_string(::getpid());
}

inline launch_request sleeper(std::vector<std::string> requests) {
  launch_request r;
  r.cluster = own_cluster();
  r.pool = "here";
  for (auto& id : requests) r.items.push_back({id, id + ":secret"});
  r.command = sleeping_program();
  return r;
}

// Waits until nothing is left of what this provider lists.
inline void end_all(provider& p) {
  wait_for([&] {
    collected<std::vector<instance>> lists;
    p.list(deadline(), [lists](auto a) { lists.add(a ? *a : std::vector<instance>(1)); });
    if (!wait_for([&] { return lists.size() == 1; })) return true;
    std::vector<instance_id> ids;
    const auto all = lists.all();
    for (const auto& i : all.front()) ids.push_back(i.id);
    if (!ids.empty()) p.terminate(ids, deadline(), [](auto) {});
    return ids.empty();
  });
}

}  // namespace troupe::providers::test
