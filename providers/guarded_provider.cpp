// See guarded_provider.hpp. Whoever takes a call out of the table answers it: the inner provider or
// the deadline, whichever is first.
#include "providers/guarded_provider.hpp"

#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace troupe::providers {

std::string_view to_string(provider_call c) {
  switch (c) {
    case provider_call::launch:
      return "launch";
    case provider_call::list:
      return "list";
    case provider_call::terminate:
      return "terminate";
  }
  return "launch";
}

namespace {

// Calls that have not been answered. Shared with the answers under way, which may outlive the
// provider.
class open_calls {
 public:
  using fail = std::function<void(provider_failure)>;

  explicit open_calls(call_meter meter) : meter_(std::move(meter)) {}

  std::uint64_t add(provider_call call, time_point deadline, fail on_deadline) {
    const std::lock_guard lock(mutex_);
    const auto id = ++last_;
    calls_.emplace(id, entry{call, clock::now(), deadline, std::move(on_deadline)});
    deadlines_.insert({deadline, id});
    changed_.notify_one();
    return id;
  }

  // Whether the caller is the one to answer.
  bool finish(std::uint64_t id, provider_call call, std::optional<failure_class> failed) {
    call_outcome outcome{call, failed, false, {}};
    {
      const std::lock_guard lock(mutex_);
      auto at = calls_.find(id);
      outcome.late = at == calls_.end();
      if (!outcome.late) {
        outcome.took = clock::now() - at->second.began;
        deadlines_.erase({at->second.deadline, id});
        calls_.erase(at);
      }
      if (closed_ && outcome.late) return false;  // nobody is there to be told
    }
    if (meter_) meter_(outcome);
    return !outcome.late;
  }

  // Fails calls as their deadlines pass; at the end, those that are left.
  void run() {
    std::unique_lock lock(mutex_);
    while (!closed_) {
      if (deadlines_.empty()) {
        changed_.wait(lock);
      } else if (clock::now() < deadlines_.begin()->first) {
        const auto next = deadlines_.begin()->first;
        changed_.wait_until(lock, next);
      } else {
        fail_first(lock, "no answer within the deadline");
      }
    }
    while (!deadlines_.empty()) fail_first(lock, "the provider is going down");
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_one();
  }

 private:
  struct entry {
    provider_call call{};
    time_point began{};
    time_point deadline{};
    fail on_deadline;
  };

  void fail_first(std::unique_lock<std::mutex>& lock, const char* why) {
    const auto id = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    auto e = std::move(calls_.at(id));
    calls_.erase(id);
    lock.unlock();
    const auto kind =
        e.call == provider_call::launch ? failure_class::ambiguous : failure_class::transient;
    if (meter_) meter_({e.call, kind, false, clock::now() - e.began});
    e.on_deadline({kind, std::string(to_string(e.call)) + ": " + why, {}});
    lock.lock();
  }

  const call_meter meter_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, entry> calls_;
  std::set<std::pair<time_point, std::uint64_t>> deadlines_;
  std::uint64_t last_ = 0;
  bool closed_ = false;
};

class guarded_provider final : public provider {
 public:
  guarded_provider(std::unique_ptr<provider> inner, call_meter meter)
      : calls_(std::make_shared<open_calls>(std::move(meter))),
        inner_(std::move(inner)),
        thread_([calls = calls_] { calls->run(); }) {}

  ~guarded_provider() override {
    inner_.reset();
    calls_->close();
    thread_.join();
  }

  void launch(launch_request request, time_point deadline, reply<launched> done_with) override {
    guard<launched>(provider_call::launch, deadline, std::move(done_with), [&](auto answered) {
      inner_->launch(std::move(request), deadline, std::move(answered));
    });
  }
  void list(time_point deadline, reply<std::vector<instance>> done_with) override {
    guard<std::vector<instance>>(
        provider_call::list, deadline, std::move(done_with),
        [&](auto answered) { inner_->list(deadline, std::move(answered)); });
  }
  void terminate(std::vector<instance_id> ids, time_point deadline,
                 reply<done> done_with) override {
    guard<done>(provider_call::terminate, deadline, std::move(done_with), [&](auto answered) {
      inner_->terminate(std::move(ids), deadline, std::move(answered));
    });
  }
  void on_end(end_handler handler) override { inner_->on_end(std::move(handler)); }

 private:
  template <class T, class Call>
  void guard(provider_call call, time_point deadline, reply<T> done_with, Call&& carry_out) {
    auto shared = std::make_shared<reply<T>>(std::move(done_with));
    const auto id = calls_->add(call, deadline, [shared](provider_failure f) {
      (*shared)(tl::unexpected<provider_failure>(std::move(f)));
    });
    auto answered = [shared, id, call, calls = calls_](answer<T> a) {
      const auto failed = a ? std::optional<failure_class>{} : a.error().kind;
      if (calls->finish(id, call, failed)) (*shared)(std::move(a));
    };
    try {
      carry_out(reply<T>(answered));
    } catch (const std::exception& e) {
      // It may have begun: only a launch leaves something behind.
      answered(refuse(
          call == provider_call::launch ? failure_class::ambiguous : failure_class::transient,
          std::string(to_string(call)) + ": " + e.what()));
    }
  }

  std::shared_ptr<open_calls> calls_;
  std::unique_ptr<provider> inner_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<provider> make_guarded_provider(std::unique_ptr<provider> inner, call_meter meter) {
  return std::make_unique<guarded_provider>(std::move(inner), std::move(meter));
}

}  // namespace troupe::providers
