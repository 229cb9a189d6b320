// What every provider promises, tested against each of them.
#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <signal.h>
#include <thread>

#include "providers/fake/fake_provider.hpp"
#include "providers/guarded_provider.hpp"
#include "providers/local/local_provider.hpp"
#include "providers/threads/threads_provider.hpp"
#include "tests/providers/provider_rig.hpp"
#include "tests/support/catch.hpp"

namespace troupe::providers::test {

namespace {

struct subject {
  virtual ~subject() = default;
  virtual provider& get() = 0;
  virtual void pass_time() { std::this_thread::sleep_for(2ms); }
  virtual void crash(const instance& i) = 0;
};

struct fake_subject : subject {
  fake_subject() : fake({.cluster = own_cluster()}, time_point{1h}) {}
  provider& get() override { return fake; }
  void pass_time() override { fake.advance(fake.now() + 10ms); }
  void crash(const instance& i) override { fake.kill(i.id); }
  fake_provider fake;
};

struct local_subject : subject {
  local_subject() {
    local_settings s;
    s.cluster = own_cluster();
    s.log_folder = folder.path / "instances";
    s.stop_grace = 5s;
    local = make_local_provider(s);
  }
  ~local_subject() override { end_all(*local); }
  provider& get() override { return *local; }
  void crash(const instance& i) override { ::kill(static_cast<pid_t>(i.pid), SIGKILL); }
  temporary_folder folder;
  std::unique_ptr<provider> local;
};

// A worker that does nothing, ends when told, and can be made to end by itself.
struct idle_worker : thread_worker {
  explicit idle_worker(std::function<void(std::string)> e) : ended(std::move(e)) {}
  void stop() override {
    if (!over.exchange(true)) ended("");
  }
  std::function<void(std::string)> ended;
  std::atomic<bool> over{false};
};

struct threads_subject : subject {
  threads_subject() {
    threads = make_threads_provider(
        own_cluster(),
        [this](const thread_worker_request& r,
               std::function<void(std::string)> ended) -> answer<std::unique_ptr<thread_worker>> {
          const std::lock_guard lock(mutex);
          by_request[r.item.request] = ended;
          return std::make_unique<idle_worker>(std::move(ended));
        });
  }
  provider& get() override { return *threads; }
  void crash(const instance& i) override {
    std::function<void(std::string)> ended;
    {
      const std::lock_guard lock(mutex);
      ended = by_request.at(i.request);
    }
    ended("crashed");
  }
  std::mutex mutex;
  std::map<request_id, std::function<void(std::string)>> by_request;
  std::unique_ptr<provider> threads;
};

struct guarded_subject : subject {
  guarded_subject() : guarded(make_guarded_provider(std::move(local.local))) {}
  ~guarded_subject() override {
    end_all(*guarded);
    guarded.reset();
    local.local = make_local_provider({own_cluster(), local.folder.path, 1s});
  }
  provider& get() override { return *guarded; }
  void crash(const instance& i) override { local.crash(i); }
  local_subject local;
  std::unique_ptr<provider> guarded;
};

template <class Subject>
struct contract : Subject {
  contract() {
    this->get().on_end([e = ends](const instance_end& x) { e.add(x); });
  }

  template <class T, class Call>
  answer<T> ask(Call&& call) {
    collected<answer<T>> answers;
    call([answers](answer<T> a) { answers.add(std::move(a)); });
    REQUIRE(wait_for([&] { return answers.size() > 0; }, [&] { this->pass_time(); }));
    CHECK(answers.size() == 1);
    return answers.all().front();
  }
  answer<launched> launch(std::vector<std::string> requests, std::string cluster = own_cluster()) {
    auto r = sleeper(std::move(requests));
    r.cluster = std::move(cluster);
    return ask<launched>([&](auto reply) { this->get().launch(r, deadline(), reply); });
  }
  std::vector<instance> list() {
    return ask<std::vector<instance>>([&](auto reply) { this->get().list(deadline(), reply); })
        .value();
  }
  answer<done> terminate(std::vector<instance_id> ids) {
    return ask<done>([&](auto reply) { this->get().terminate(ids, deadline(), reply); });
  }
  bool eventually(const std::function<bool()>& condition) {
    return wait_for(condition, [&] { this->pass_time(); });
  }

  collected<instance_end> ends;
};

}  // namespace

TEMPLATE_TEST_CASE("every provider", "", fake_subject, threads_subject, local_subject,
                   guarded_subject) {
  contract<TestType> c;

  SECTION("answers a launch with one outcome an item, in order") {
    auto r = c.launch({"here.1.1", "here.1.2", "here.1.3"});
    REQUIRE(r);
    REQUIRE(r->outcomes.size() == 3);
    for (int i = 0; i < 3; ++i) {
      const auto& o = r->outcomes[static_cast<std::size_t>(i)];
      CHECK(o.request == "here.1." + std::to_string(i + 1));
      REQUIRE(o.result);
      CHECK(o.result->request == o.request);
      CHECK(o.result->pool == "here");
      CHECK_FALSE(o.result->id.empty());
    }
  }
  SECTION("lists what it launched") {
    auto r = c.launch({"here.1.1", "here.1.2"});
    auto found = c.list();
    REQUIRE(found.size() == 2);
    CHECK(found[0].pool == "here");
    CHECK(found[0].id == r->outcomes[0].result->id);
    CHECK(found[1].request == "here.1.2");
  }
  SECTION("ends what it is told to end, says so, and lists it no longer") {
    auto r = c.launch({"here.1.1", "here.1.2"});
    CHECK(c.terminate({r->outcomes[0].result->id}));
    REQUIRE(c.eventually([&] { return c.ends.size() == 1; }));
    auto e = c.ends.all().front();
    CHECK(e.request == "here.1.1");
    CHECK(e.pool == "here");
    CHECK(e.expected);
    auto found = c.list();
    REQUIRE(found.size() == 1);
    CHECK(found[0].request == "here.1.2");
  }
  SECTION("can be told twice, and of things that it doesn't know") {
    auto r = c.launch({"here.1.1"});
    const auto id = r->outcomes[0].result->id;
    CHECK(c.terminate({id, "no-such-instance"}));
    CHECK(c.terminate({id, id}));
    REQUIRE(c.eventually([&] { return c.ends.size() == 1; }));
    CHECK(c.terminate({id}));
    CHECK(c.list().empty());
    CHECK(c.ends.size() == 1);
  }
  SECTION("tells of an instance that ends by itself, with a reason") {
    auto r = c.launch({"here.1.1"});
    c.crash(*r->outcomes[0].result);
    REQUIRE(c.eventually([&] { return c.ends.size() == 1; }));
    auto e = c.ends.all().front();
    CHECK_FALSE(e.expected);
    CHECK_FALSE(e.reason.empty());
    CHECK(c.list().empty());
  }
  SECTION("makes one instance of a request, however often it is asked") {
    auto a = c.launch({"here.1.1"});
    auto b = c.launch({"here.1.1"});
    CHECK(a->outcomes[0].result->id == b->outcomes[0].result->id);
    CHECK(c.list().size() == 1);
  }
  SECTION("refuses to act for another cluster") {
    auto r = c.launch({"here.1.1"}, "another");
    REQUIRE_FALSE(r);
    CHECK(r.error().kind == failure_class::invalid_request);
    CHECK(c.list().empty());
  }
}

}  // namespace troupe::providers::test
