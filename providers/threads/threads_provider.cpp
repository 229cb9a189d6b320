// One thread takes commands in order; workers live in a map that only it touches.
#include "providers/threads/threads_provider.hpp"

#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <thread>

namespace troupe::providers {

namespace {

// Commands carried out one after the other. Outlives the provider for as long as a worker may still
// say that it has ended.
class command_queue {
 public:
  using command = std::function<void()>;

  void post(command c) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return;
      commands_.push_back(std::move(c));
    }
    ready_.notify_one();
  }
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    ready_.notify_one();
  }
  // Until closed; what was posted before that is carried out.
  void run() {
    for (;;) {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [&] { return closed_ || !commands_.empty(); });
      if (commands_.empty()) return;
      auto next = std::move(commands_.front());
      commands_.pop_front();
      lock.unlock();
      next();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<command> commands_;
  bool closed_ = false;
};

class threads_provider final : public provider {
 public:
  threads_provider(std::string cluster, thread_worker_factory factory)
      : cluster_(std::move(cluster)),
        factory_(std::move(factory)),
        queue_(std::make_shared<command_queue>()),
        thread_([this] { queue_->run(); }) {}

  ~threads_provider() override {
    queue_->post([this] {
      for (auto& [request, w] : workers_) w.handle->stop();
      workers_.clear();  // waits for each
    });
    queue_->close();
    thread_.join();
  }

  void launch(launch_request request, time_point, reply<launched> done_with) override {
    queue_->post([this, request = std::move(request), done_with = std::move(done_with)] {
      if (request.cluster != cluster_)
        return done_with(refuse(failure_class::invalid_request, "not this provider's cluster"));
      launched result;
      for (const auto& item : request.items)
        result.outcomes.push_back({item.request, start(request, item)});
      done_with(std::move(result));
    });
  }

  void list(time_point, reply<std::vector<instance>> done_with) override {
    queue_->post([this, done_with = std::move(done_with)] {
      std::vector<instance> found;
      for (const auto& [request, w] : workers_) found.push_back(view(request, w));
      done_with(std::move(found));
    });
  }

  void terminate(std::vector<instance_id> ids, time_point, reply<done> done_with) override {
    queue_->post([this, ids = std::move(ids), done_with = std::move(done_with)] {
      for (const auto& id : ids) {
        auto at = workers_.find(id);
        if (at == workers_.end() || at->second.told_to_end) continue;
        at->second.told_to_end = true;
        at->second.handle->stop();
      }
      done_with(done{});
    });
  }

  void on_end(end_handler handler) override {
    queue_->post([this, handler = std::move(handler)]() mutable { on_end_ = std::move(handler); });
  }

 private:
  struct running {
    std::string pool;
    std::unique_ptr<thread_worker> handle;
    bool told_to_end = false;
  };

  answer<instance> start(const launch_request& request, const launch_item& item) {
    if (auto at = workers_.find(item.request); at != workers_.end())
      return view(item.request, at->second);
    // Through the queue, so that it is handled after the worker is in the map, and by nobody once
    // the provider is gone.
    auto ended = [this, queue = queue_, id = item.request](std::string why) {
      queue->post([this, id, why = std::move(why)] { worker_ended(id, why); });
    };
    try {
      auto worker =
          factory_({request.cluster, request.pool, item, request.command}, std::move(ended));
      if (!worker) return tl::unexpected(worker.error());
      auto& w = workers_[item.request];
      w.pool = request.pool;
      w.handle = std::move(*worker);
      return view(item.request, w);
    } catch (const std::exception& e) {
      return refuse(failure_class::transient, std::string("the worker did not start: ") + e.what());
    }
  }

  static instance view(const request_id& request, const running& w) {
    instance i;
    i.id = i.request = request;
    i.pool = w.pool;
    i.state = w.told_to_end ? instance_state::stopping : instance_state::running;
    i.host = "localhost";
    return i;
  }

  void worker_ended(const request_id& request, const std::string& why) {
    auto at = workers_.find(request);
    if (at == workers_.end()) return;
    instance_end e;
    e.id = e.request = request;
    e.pool = at->second.pool;
    e.expected = at->second.told_to_end;
    e.reason = why.empty() ? "ended" : why;
    workers_.erase(at);  // waits for what is left of it
    if (on_end_) on_end_(e);
  }

  const std::string cluster_;
  const thread_worker_factory factory_;
  std::shared_ptr<command_queue> queue_;
  // Of the thread alone.
  std::map<request_id, running> workers_;
  end_handler on_end_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<provider> make_threads_provider(std::string cluster,
                                                thread_worker_factory factory) {
  return std::make_unique<threads_provider>(std::move(cluster), std::move(factory));
}

}  // namespace troupe::providers
