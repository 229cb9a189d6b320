// The reader against servers on loopback that behave in every way a server can.
#include "actors/signal_reader.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include "net/http.hpp"
#include "net/io.hpp"
#include "net/listener.hpp"
#include "tests/support/catch.hpp"

namespace troupe::actors {
namespace {

using autoscaler::signal_reading;
using autoscaler::signal_trouble;
using namespace std::chrono_literals;

// Answers by the query's text.
class fake_prometheus {
 public:
  fake_prometheus() {
    net::listen_handlers handlers;
    handlers.on_request = [this](net::http_request r, net::http_reply reply) {
      answer(r, std::move(reply));
    };
    net::listen_options o;
    o.host = "127.0.0.1";
    o.links = false;
    auto opened = net::listener::open(io_, o, {}, std::move(handlers));
    REQUIRE(opened);
    listener_ = std::move(*opened);
  }
  ~fake_prometheus() {
    io_.stop();
    io_.join();
  }

  std::string url() const { return "http://" + listener_->address(); }
  std::string authorization() {
    std::lock_guard lock(mutex_);
    return authorization_;
  }

 private:
  void answer(const net::http_request& r, net::http_reply reply) {
    std::string query;
    for (const auto& [name, text] : net::parse_query(r.query))
      if (name == "query") query = text;
    std::lock_guard lock(mutex_);
    authorization_ = std::string{r.header("Authorization")};
    if (query == "hang") return held_.push_back(std::move(reply));
    net::http_response a;
    a.content_type = "application/json";
    if (query == "broken") {
      a.status = 500;
    } else {
      const auto now =
          std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch())
              .count();
      a.body = R"({"status":"success","data":{"resultType":"scalar","result":[)" +
               std::to_string(now) + ",\"" + query + "\"]}}";
    }
    reply(std::move(a));
  }

  std::mutex mutex_;
  std::string authorization_;
  std::vector<net::http_reply> held_;
  net::io io_{1};
  std::unique_ptr<net::listener> listener_;
};

// What the reader tells, to be waited for.
class inbox {
 public:
  signal_reader::listener take() {
    return [this](signal_reading r) {
      std::lock_guard lock(mutex_);
      ++counts_[r.name];
      latest_[r.name] = std::move(r);
      arrived_.notify_all();
    };
  }
  // The latest of a signal, once there were so many.
  signal_reading wait(const std::string& name, int count = 1) {
    std::unique_lock lock(mutex_);
    const bool there = arrived_.wait_for(lock, 10s, [&] { return counts_[name] >= count; });
    INFO(name);
    REQUIRE(there);
    return latest_[name];
  }
  int count(const std::string& name) {
    std::lock_guard lock(mutex_);
    return counts_[name];
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::map<std::string, int> counts_;
  std::map<std::string, signal_reading> latest_;
};

autoscaler_settings asking(const std::string& url,
                           const std::map<std::string, std::string>& queries) {
  autoscaler_settings s;
  s.prometheus.url = url;
  for (const auto& [name, query] : queries) {
    signal_settings x;
    x.name = name;
    x.query = query;
    x.target = 1;
    x.interval = 100ms;
    x.timeout = 100ms;
    s.signals.push_back(x);
  }
  return s;
}

TEST_CASE("signals are read at once, and again at their interval") {
  fake_prometheus server;
  inbox in;
  const signal_reader reader(asking(server.url(), {{"a", "7"}, {"b", "9"}}), in.take());
  CHECK(in.wait("a").value == 7);
  CHECK(in.wait("b", 3).value == 9);
}

TEST_CASE("a query that hangs or fails says so at each interval, and keeps nobody else waiting") {
  fake_prometheus server;
  inbox in;
  const signal_reader reader(
      asking(server.url(), {{"good", "7"}, {"hangs", "hang"}, {"fails", "broken"}, {"odd", "x"}}),
      in.take());
  CHECK(in.wait("hangs", 2).trouble == signal_trouble::timeout);
  CHECK(in.wait("fails", 2).trouble == signal_trouble::http_error);
  CHECK(in.wait("odd", 2).trouble == signal_trouble::bad_answer);
  CHECK(in.wait("good", 2).value == 7);
}

TEST_CASE("a server that is gone is unreachable, and read again once it is back") {
  auto server = std::make_unique<fake_prometheus>();
  const auto settings = asking(server->url(), {{"a", "7"}});
  inbox in;
  const signal_reader reader(settings, in.take());
  CHECK(in.wait("a").value == 7);
  server.reset();
  for (int n = in.count("a") + 1; in.wait("a", n).value;) n = in.count("a") + 1;
  CHECK(in.wait("a").trouble == signal_trouble::unreachable);
}

TEST_CASE("an https server is not believed without a certificate, nor a port that speaks no TLS") {
  fake_prometheus server;
  inbox in;
  auto url = server.url();
  const signal_reader reader(asking("https" + url.substr(4), {{"a", "7"}}), in.take());
  const auto r = in.wait("a");
  CHECK_FALSE(r.value);
  CHECK(r.trouble != signal_trouble::none);
}

TEST_CASE("a secret that can't be read is told, and asked for again") {
  fake_prometheus server;
  inbox in;
  auto settings = asking(server.url(), {{"a", "7"}});
  settings.prometheus.token_file = "/nonexistent/token";
  {
    const signal_reader reader(settings, in.take());
    const auto r = in.wait("a", 2);
    CHECK(r.trouble == signal_trouble::unauthorized);
    CHECK(r.detail == "/nonexistent/token: No such file or directory");
  }
  settings.prometheus.token_file.clear();
  settings.prometheus.token = "abc";
  const signal_reader reader(settings, in.take());
  in.wait("a", in.count("a") + 1);
  CHECK(server.authorization() == "Bearer abc");
}

TEST_CASE("once the reader is gone nobody is told anything, though calls were under way") {
  fake_prometheus server;
  for (int i = 0; i < 20; ++i) {
    inbox in;
    { const signal_reader reader(asking(server.url(), {{"a", "hang"}, {"b", "1"}}), in.take()); }
    const auto n = in.count("a") + in.count("b");
    CHECK(in.count("a") + in.count("b") == n);
  }
}

TEST_CASE("signals of other sources need no reader") {
  auto settings = asking("", {{"a", "1"}});
  CHECK(signal_reader::needed(settings));
  settings.signals[0].source = signal_source::queue_depth;
  CHECK_FALSE(signal_reader::needed(settings));
}

}  // namespace
}  // namespace troupe::actors
