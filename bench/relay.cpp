// The messages of a map of no-ops, in batches as a cluster has them, between as many processes, with
// nothing scheduled: the relay hands whatever comes to its workers in turn, the workers answer at once.
#include <unistd.h>

#include <algorithm>
#include <future>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

#include "actors/link_endpoint.hpp"
#include "bench/child_process.hpp"
#include "bench/clock.hpp"
#include "bench/peer_process.hpp"
#include "bench/references.hpp"
#include "libruntime/arguments.hpp"
#include "libruntime/settings.hpp"
#include "net/listener.hpp"
#include "troupe/error.hpp"
#include "worker/machine.hpp"

namespace troupe::bench {
namespace {

// What a worker reports at once of no-ops, and what a client sends at once.
constexpr std::size_t batch = 512;
constexpr std::uint32_t submission = 8192;
// As the submit window of a cluster, by default, and the parts of it that are given back at once.
constexpr std::uint32_t window = 200'000, credit_parts = 16;

// One end of a link; everything happens on its io thread.
class end_point {
 public:
  using handler = std::function<void(protocol::message&)>;

  end_point(std::shared_ptr<net::link> link, handler on_message, std::function<void()> on_round,
            std::function<void()> on_closed)
      : endpoint_(link), on_message_(std::move(on_message)), on_round_(std::move(on_round)) {
    net::link_handlers h;
    h.on_frame = [this](std::span<const std::byte> frame) {
      std::vector<protocol::message> messages;
      if (!endpoint_.receive(frame, messages)) return endpoint_.link().close();
      for (auto& m : messages) on_message_(m);
      on_round_();
      flush();
    };
    h.on_drained = [this] {
      on_round_();
      flush();
    };
    h.on_closed = [closed = std::move(on_closed)](const failure&) { closed(); };
    link->start(std::move(h));
    link->established();
  }
  void push(protocol::message m) { endpoint_.push(std::move(m)); }
  void flush() { endpoint_.flush(); }
  bool full() const { return endpoint_.full(); }

 private:
  actors::link_endpoint endpoint_;
  handler on_message_;
  std::function<void()> on_round_;
};

void say_port(unsigned port) {
  auto line = std::to_string(port) + "\n";
  if (::write(3, line.data(), line.size()) < 0) ::_exit(1);
}

[[noreturn]] void wait_for_the_end() {
  for (;;) ::pause();
}

class relay {
 public:
  explicit relay(unsigned workers) : wanted_(workers) {}

  void add(std::shared_ptr<net::link> link) {
    bool worker = link->peer().identity && link->peer().identity->role == protocol::role::worker;
    auto handler = worker ? end_point::handler{[this, n = workers_.size()](auto& m) {
      from_worker(n, m);
    }} : end_point::handler{[this](auto& m) { from_client(m); }};
    auto made = std::make_unique<end_point>(std::move(link), std::move(handler), [this] { flush(); },
                                            [] { ::_exit(0); });
    if (!worker) client_ = std::move(made);
    else workers_.push_back(std::move(made));
    if (client_ && workers_.size() == wanted_) {
      client_->push(protocol::submit_credit{window});
      client_->flush();
    }
  }

 private:
  void from_client(protocol::message& m) {
    auto* add = std::get_if<protocol::add_tasks>(&m);
    if (!add) return;
    protocol::assign out;
    for (auto& t : add->tasks) {
      out.items.push_back({{job_id{1}, next_++}, 1, template_id{1}, std::move(t.arguments), {}, false});
      if (out.items.size() < batch) continue;
      workers_[turn_++ % workers_.size()]->push(std::exchange(out, {}));
    }
    if (!out.items.empty()) workers_[turn_++ % workers_.size()]->push(std::move(out));
  }
  void from_worker(std::size_t n, protocol::message& m) {
    auto* finished = std::get_if<protocol::finished>(&m);
    if (!finished) return;
    workers_[n]->push(protocol::ack{finished->number});
    credit_ += static_cast<std::uint32_t>(finished->items.size());
    protocol::results out{1, job_id{1}, {}};
    out.items.reserve(finished->items.size());
    for (auto& t : finished->items)
      out.items.push_back({t.task.index, t.outcome, std::move(t.result), {}});
    client_->push(std::move(out));
    if (credit_ < window / credit_parts) return;
    client_->push(protocol::submit_credit{std::exchange(credit_, 0)});
  }
  void flush() {
    for (auto& w : workers_) w->flush();
    if (client_) client_->flush();
  }

  const std::size_t wanted_;
  std::vector<std::unique_ptr<end_point>> workers_;
  std::unique_ptr<end_point> client_;
  task_index next_ = 0;
  std::size_t turn_ = 0;
  std::uint32_t credit_ = 0;
};

std::shared_ptr<net::link> dial(net::io& io, const std::string& folder, std::uint16_t port,
                                protocol::role role) {
  net::connect_options o;
  o.host = "127.0.0.1";
  o.port = port;
  o.tls = net::files_in(folder, role);
  std::promise<result<std::shared_ptr<net::link>>> connected;
  net::connect(io, o, {}, [&](auto r) { connected.set_value(std::move(r)); });
  return value_or_throw(connected.get_future().get());
}

}  // namespace

int run_relay(const char* folder, unsigned workers) {
  net::io io(1);
  relay r(workers);
  net::listen_options o;
  o.tls = net::files_in(folder, protocol::role::head);
  net::listen_handlers h;
  h.on_link = [&r](std::shared_ptr<net::link> l) { r.add(std::move(l)); };
  auto listener = value_or_throw(net::listener::open(io, o, {}, std::move(h)));
  say_port(listener->port());
  wait_for_the_end();
}

int run_relay_worker(const char* folder, unsigned short port) {
  worker::step_back(worker_settings{}.nice);  // as a pool's workers do
  net::io io(1);
  std::uint64_t number = 0;
  std::unique_ptr<end_point> up;
  auto answer = [&](protocol::message& m) {
    auto* assign = std::get_if<protocol::assign>(&m);
    if (!assign) return;
    protocol::finished out{++number, {}};
    out.items.reserve(assign->items.size());
    for (auto& a : assign->items)
      out.items.push_back({a.task, a.attempt, protocol::outcome::succeeded,
                           std::chrono::microseconds{1}, value::of(0), {}});
    up->push(std::move(out));
  };
  auto link = dial(io, folder, port, protocol::role::worker);
  std::promise<void> begun;
  link->post([&] {
    up = std::make_unique<end_point>(link, answer, [] {}, [] { ::_exit(0); });
    begun.set_value();
  });
  begun.get_future().wait();
  say_port(port);
  wait_for_the_end();
}

double relay_items_per_s(std::uint32_t items, unsigned workers) {
  temporary_folder folder;
  if (auto made = net::ensure_authority(folder.path(), {}); !made)
    throw std::runtime_error(made.error().message);
  auto log = folder.path() / "relay.log";
  std::vector<std::string> variables{std::string{peer_variable} + "=1"};
  child_process head;
  auto port = head.start({"troupe", "relay", folder.path().string(), std::to_string(workers)},
                         variables, log);
  if (port.empty()) throw std::runtime_error("the relay did not start");
  std::vector<std::unique_ptr<child_process>> peers;
  for (unsigned i = 0; i < workers; ++i) {
    peers.push_back(std::make_unique<child_process>());
    if (peers.back()->start({"troupe", "worker", folder.path().string(), port}, variables, log).empty())
      throw std::runtime_error("a peer of the relay did not start");
  }

  std::unique_ptr<end_point> up;
  std::uint32_t credit = 0, sent = 0, got = 0;
  std::promise<void> over;
  stopwatch watch;
  const auto arguments = pack_arguments();
  auto submit = [&] {
    while (sent < items && credit > 0 && !up->full()) {
      auto n = std::min({submission, items - sent, credit});
      protocol::add_tasks add{1, 0, sent, 0, {}};
      add.tasks.resize(n);
      for (auto& t : add.tasks) t.arguments = arguments;
      sent += n;
      credit -= n;
      up->push(std::move(add));
      up->flush();
    }
  };
  auto hear = [&](protocol::message& m) {
    if (auto* c = std::get_if<protocol::submit_credit>(&m)) credit += c->tasks;
    auto* r = std::get_if<protocol::results>(&m);
    if (r && (got += static_cast<std::uint32_t>(r->items.size())) == items) over.set_value();
  };
  net::io io(1);  // after all that its thread uses, and so gone before it
  auto link = dial(io, folder.path().string(), static_cast<std::uint16_t>(std::stoul(port)),
                   protocol::role::client);
  link->post([&] {
    watch = {};
    up = std::make_unique<end_point>(link, hear, submit, [] {});
  });
  auto end = over.get_future();
  if (end.wait_for(std::chrono::minutes{2}) != std::future_status::ready)
    throw std::runtime_error("the relay did not pass everything on within two minutes");
  return items / watch.seconds();
}

}  // namespace troupe::bench
