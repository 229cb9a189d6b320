#include "actors/worker_node.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <future>

#include "actors/file_store.hpp"
#include "actors/head.hpp"
#include "actors/head_link.hpp"
#include "actors/io_actor.hpp"
#include "actors/worker.hpp"
#include "actors/worker_setup.hpp"
#include "libruntime/units.hpp"
#include "worker/guardian.hpp"
#include "worker/machine.hpp"
#include "worker/modules.hpp"

namespace troupe::actors {
namespace {

constexpr auto goodbye_patience = std::chrono::seconds{2};

// The end of the worker: the first reason counts. Waited for by the main thread.
class ending {
 public:
  void set(int code, std::string why) {
    if (done_.exchange(true)) return;
    promise_.set_value({code, std::move(why)});
  }
  std::pair<int, std::string> wait() { return promise_.get_future().get(); }

 private:
  std::atomic<bool> done_{false};
  std::promise<std::pair<int, std::string>> promise_;
};

// Measures at each heartbeat, and keeps the worker within its memory: it takes nothing new past
// `pause`, and ends past `terminate`, before the kernel picks a victim.
std::function<void(protocol::heartbeat&)> memory_watch(const worker_options& o,
                                                       std::shared_ptr<worker::executor> executor,
                                                       std::shared_ptr<ending> end) {
  auto limit = o.settings.memory ? o.settings.memory->value : worker::detect_machine().memory;
  worker::memory_judge judge{limit, o.settings.pause, o.settings.terminate};
  return [=, scratch = o.scratch](protocol::heartbeat& h) mutable {
    auto now = worker::measure_usage(scratch);
    h.memory_used = now.memory;
    h.disk_free = now.disk_free;
    h.load = now.load;
    using enum worker::memory_judge::verdict;
    auto verdict = judge.judge(now.memory);
    executor->pause(verdict != go_on);
    if (verdict == terminate)
      end->set(4, "it uses " + format_bytes(byte_count{now.memory}) + " of its " +
                      format_bytes(byte_count{limit}) + " of memory; a worker starts afresh");
  };
}

// The head's stand-in in a worker process: keeps the link, registers, passes messages both ways.
// Everything runs on the io thread, except what is posted to it.
class uplink : public std::enable_shared_from_this<uplink> {
 public:
  uplink(net::io& io, const worker_options& options, protocol::register_worker info,
         std::shared_ptr<worker::executor> executor, worker_actor actor,
         std::shared_ptr<ending> end)
      : info_(std::move(info)),
        executor_(std::move(executor)),
        worker_(std::move(actor)),
        end_(std::move(end)) {
    head_link_options o;
    o.address = options.address;
    if (!options.certificates.empty())
      o.tls = net::files_in(options.certificates, protocol::role::worker);
    o.hello.role = protocol::role::worker;
    o.hello.software = software_name;
    o.hello.incarnation = info_.incarnation;
    o.hello.token = options.token;
    if (auto store = file_store::open(options.scratch + "/values")) o.store = *store;
    o.first_patience = o.patience = options.settings.death_timeout;
    link_ = std::make_shared<head_link>(io, std::move(o));
  }

  void start() {
    auto self = shared_from_this();
    head_link_handlers h;
    h.on_welcome = [self](const protocol::welcome&) { self->introduce(); };
    h.on_messages = [self](std::vector<protocol::message>& m) { self->received(m); };
    h.on_writable = [] {};
    h.on_broken = [self] { caf::anon_send(self->worker_, set_upstream{}); };
    h.on_lost = [self](const failure& why) {
      caf::anon_send(self->worker_, set_upstream{});
      self->end_->set(1, "lost its head: " + to_string(why));
    };
    link_->start(std::move(h));
  }

  void close() { link_->close(goodbye_patience); }

 private:
  void introduce() {
    info_.held = executor_->held();
    link_->send(info_);
    link_->flush_endpoint();
  }

  void report(std::vector<protocol::message> out) {
    if (!link_->on_io_thread())  // the actor comes to its end elsewhere
      return link_->post([self = shared_from_this(), out = std::move(out)] { self->report(out); });
    for (auto& m : out) link_->send(std::move(m));
    link_->flush();
  }

  void received(std::vector<protocol::message>& messages) {
    for (auto i = messages.begin(); i != messages.end(); ++i) {
      if (!std::holds_alternative<protocol::worker_registered>(*i)) continue;
      messages.erase(i);
      upstream send = [self = shared_from_this()](std::vector<protocol::message> out) {
        self->report(std::move(out));
      };
      caf::anon_send(worker_, set_upstream{std::move(send)});
      break;
    }
    if (!messages.empty()) caf::anon_send(worker_, outbox{std::move(messages)});
  }

  protocol::register_worker info_;
  std::shared_ptr<worker::executor> executor_;
  worker_actor worker_;
  std::shared_ptr<ending> end_;
  std::shared_ptr<head_link> link_;
};

int run_unguarded(const worker_options& options, const function_registry& own_functions) {
  // Tens of workers that compute would leave the head its share of their machine, and not what it needs
  // to keep them busy. Before this program's own threads exist: each has a niceness of its own, and passes
  // it on.
  worker::step_back(options.settings.nice);
  // Blocked before any thread exists, so that only sigwait below gets them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  auto functions = std::make_shared<function_registry>(own_functions);
  if (auto ok = worker::load_modules(options.settings.modules, *functions); !ok) {
    std::fprintf(stderr, "troupe worker: %s\n", ok.error().message.c_str());
    return 1;
  }
  for (const auto& folder : {options.log_dir, options.scratch}) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) {
      std::fprintf(stderr, "troupe worker: can't make %s: %s\n", folder.c_str(),
                   error.message().c_str());
      return 1;
    }
  }

  auto end = std::make_shared<ending>();
  system_config config;
  caf::actor_system system{config};
  auto settings = executor_settings_of(options);
  settings.tasks.guardian = worker::guardian_pid();
  settings.tasks.call_host = {"/proc/self/exe"};  // this program: see worker_process_main
  settings.tasks.call_host_env = worker::call_host_environment(options.settings.modules);
  auto handle = std::make_shared<worker_actor>();
  net::io io(1);
  worker::executor_callbacks callbacks;
  callbacks.wake = [handle] { caf::anon_send(*handle, output_ready{}); };
  callbacks.run_short = [&io](worker::executor& e) { io.post_apart([&e] { e.run_short(); }); };
  callbacks.hand_over = [&io] { io.hand_over(); };
  auto executor =
      std::make_shared<worker::executor>(settings, functions, std::move(callbacks));
  worker_actor_options w;
  w.executor = executor;
  w.heartbeat_interval = options.settings.heartbeat_interval;
  w.stop_grace = options.settings.cancel_grace + std::chrono::seconds{3};
  w.measure = memory_watch(options, executor, end);
  w.on_stuck = [end](const std::string& task) {
    end->set(3, "task " + task + " did not end when it was told to; the worker starts afresh");
  };
  w.on_ended = [end](const std::string& why) { end->set(0, why); };
  *handle = spawn_on_io<worker_actor, worker_actor_state>(
      system, [&io](std::function<void()> fn) { io.post(std::move(fn)); },
      [w = std::move(w)](worker_actor::stateful_pointer<worker_actor_state> self) {
        return worker_behavior(self, w);
      });
  auto info = registration_of(options, settings, *functions);
  auto up = std::make_shared<uplink>(io, options, std::move(info), executor, *handle, end);
  up->start();

  std::thread([end, handle, signals] {
    int signal = 0;
    sigwait(&signals, &signal);
    caf::anon_send(*handle, end_worker{std::string{"ended by "} + strsignal(signal)});
  }).detach();

  auto [code, why] = end->wait();
  std::fprintf(stderr, "troupe worker: ends: %s\n", why.c_str());
  up->close();
  std::fflush(nullptr);
  // Threads of stuck tasks can't be joined; the guardian ends whatever else is left.
  ::_exit(code);
}

}  // namespace

int run_worker(worker_options options, const function_registry& functions) {
  return worker::run_guarded([&] { return run_unguarded(options, functions); });
}

std::optional<int> worker_process_main(int, char**, const function_registry& functions) {
  if (auto code = worker::run_child_role(functions)) return code;
  auto options = take_worker_options_from_environment();
  if (!options) return std::nullopt;
  if (!*options) {
    std::fprintf(stderr, "troupe worker: %s\n", options->error().message.c_str());
    return 2;
  }
  return run_worker(std::move(**options), functions);
}

}  // namespace troupe::actors
