#include "providers/fake/fake_instances.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

#include "providers/fake/fake_provider.hpp"

namespace troupe::providers {
namespace {

failure_class class_of(fake_failure f) {
  switch (f) {
    case fake_failure::no_capacity: return failure_class::no_capacity;
    case fake_failure::quota: return failure_class::quota;
    case fake_failure::throttled: return failure_class::throttled;
    case fake_failure::rejected_credentials: return failure_class::rejected_credentials;
    case fake_failure::invalid_request: return failure_class::invalid_request;
    case fake_failure::ambiguous: return failure_class::ambiguous;
    case fake_failure::transient: return failure_class::transient;
  }
  return failure_class::transient;
}

fake_settings translate(std::string cluster, const fake_provider_settings& s) {
  fake_settings out;
  out.cluster = std::move(cluster);
  out.seed = s.seed;
  out.call_delay_min = out.call_delay_max = s.launch_delay;
  out.capacity = s.capacity;
  out.faults.launch_fails = s.failure_rate;
  out.faults.launch_failure = class_of(s.failure);
  return out;
}

class fake_instances final : public provider {
 public:
  fake_instances(std::string cluster, const fake_provider_settings& s)
      : fake_(translate(std::move(cluster), s), clock::now()), thread_([this] { run(); }) {}

  ~fake_instances() override {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  void launch(launch_request request, time_point deadline, reply<launched> done_with) override {
    with([&] { fake_.launch(std::move(request), deadline, std::move(done_with)); });
  }
  void list(time_point deadline, reply<std::vector<instance>> done_with) override {
    with([&] { fake_.list(deadline, std::move(done_with)); });
  }
  void terminate(std::vector<instance_id> ids, time_point deadline,
                 reply<done> done_with) override {
    with([&] { fake_.terminate(std::move(ids), deadline, std::move(done_with)); });
  }
  void on_end(end_handler handler) override {
    std::lock_guard lock(mutex_);
    fake_.on_end(std::move(handler));
  }

 private:
  template <class F>
  void with(F f) {
    {
      std::lock_guard lock(mutex_);
      f();
    }
    changed_.notify_one();
  }

  // Callbacks run here, under the lock: they only post messages.
  void run() {
    std::unique_lock lock(mutex_);
    while (!stop_) {
      fake_.advance(clock::now());
      auto next = fake_.next_event();
      if (next)
        changed_.wait_until(lock, *next);
      else
        changed_.wait(lock);
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  fake_provider fake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<provider> make_fake_instances(std::string cluster,
                                              const fake_provider_settings& settings) {
  return std::make_unique<fake_instances>(std::move(cluster), settings);
}

}  // namespace troupe::providers
