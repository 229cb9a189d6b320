// CAF's own network between two processes, configured as well as it can be: no TLS, sharing, and
// messages go straight from the middleman to the actor.
#include <arpa/inet.h>
#include <unistd.h>

#include <future>
#include <stdexcept>
#include <string>
#include <vector>

#include <caf/all.hpp>
#include <caf/io/all.hpp>

#include "bench/child_process.hpp"
#include "bench/clock.hpp"
#include "bench/peer_process.hpp"
#include "bench/references.hpp"

namespace troupe::bench {
namespace {

struct items {
  std::vector<std::string> payload;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, items& x) {
  return f(caf::meta::type_name("items"), x.payload);
}

using ping = caf::atom_constant<caf::atom("ping")>;

struct config : caf::actor_system_config {
  config() {
    load<caf::io::middleman>();
    add_message_type<items>("items");
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{2});
    set("middleman.workers", std::size_t{0});
  }
};

caf::behavior echo() {
  return {[](ping, std::uint32_t n) { return n; }, [](items& x) { return std::move(x); }};
}

// The other end, in a process of its own.
class caf_peer {
 public:
  caf_peer() : system_(config_) {
    auto port = process_.start({"troupe", "caf"}, {std::string{peer_variable} + "=1"},
                               folder_.path() / "caf.log");
    if (port.empty()) throw std::runtime_error("CAF's peer did not start");
    auto found = system_.middleman().remote_actor(
        "127.0.0.1", static_cast<std::uint16_t>(std::stoul(port)));
    if (!found) throw std::runtime_error("CAF did not connect: " + caf::to_string(found.error()));
    far_ = *found;
  }
  caf::actor_system& system() { return system_; }
  const caf::actor& far() const { return far_; }

 private:
  temporary_folder folder_;
  child_process process_;
  config config_;
  caf::actor_system system_;
  caf::actor far_;
};

}  // namespace

int run_caf_echo() {
  config c;
  caf::actor_system system{c};
  auto port = system.middleman().publish(system.spawn(echo), 0, "127.0.0.1");
  if (!port) return 1;
  auto line = std::to_string(*port) + "\n";
  if (::write(3, line.data(), line.size()) < 0) return 1;
  for (;;) ::pause();
}

latency caf_roundtrip(std::uint32_t times) {
  caf_peer peer;
  std::vector<double> us;
  us.reserve(times);
  std::promise<void> over;
  peer.system().spawn([&](caf::event_based_actor* self) -> caf::behavior {
    auto watch = std::make_shared<stopwatch>();
    self->send(peer.far(), ping::value, 0u);
    return {[&, self, watch](std::uint32_t n) {
      us.push_back(watch->seconds() * 1e6);
      if (n + 1 == times) {
        over.set_value();
        return self->quit();
      }
      *watch = {};
      self->send(peer.far(), ping::value, n + 1);
    }};
  });
  over.get_future().wait();
  return {quantile(us, 0.5), quantile(us, 0.99)};
}

double caf_batched_items_per_s(std::uint32_t count) {
  constexpr std::uint32_t batch = 1024, ahead = 8;
  caf_peer peer;
  std::promise<void> over;
  stopwatch watch;
  peer.system().spawn([&](caf::event_based_actor* self) -> caf::behavior {
    const items one{std::vector<std::string>(batch, std::string(40, 'x'))};
    for (std::uint32_t i = 0; i < ahead; ++i) self->send(peer.far(), one);
    return {[&, self, one, sent = ahead * batch, got = 0u](const items& x) mutable {
      got += static_cast<std::uint32_t>(x.payload.size());
      if (got >= count) {
        over.set_value();
        return self->quit();
      }
      if (sent >= count + ahead * batch) return;
      sent += batch;
      self->send(peer.far(), one);
    }};
  });
  over.get_future().wait();
  return count / watch.seconds();
}

}  // namespace troupe::bench
