// Signals that are not there: an outage stops nobody, and its end makes no cliff.
#include <cmath>
#include <random>

#include "tests/autoscaler/world.hpp"
#include "tests/support/catch.hpp"

namespace troupe::autoscaler::test {

namespace {

// Ten workers, all idle for long, that only a signal keeps; idle ones may go at once.
world held_by_a_signal() {
  world w;
  w.pool("here", 0, 100).scaling.scale_down.idle_timeout = 0s;
  for (int i = 0; i < 10; ++i) w.worker("here", 1h);
  w.signal("messages", 1).type = signal_type::average_value;
  w.read("messages", 10);
  w.decide();
  w.now += 1s;
  return w;
}

}  // namespace

TEST_CASE("every way of being unavailable is visible, and stops nobody") {
  for (auto why : {signal_trouble::timeout, signal_trouble::unreachable,
                   signal_trouble::unauthorized, signal_trouble::http_error,
                   signal_trouble::bad_query, signal_trouble::bad_answer, signal_trouble::empty,
                   signal_trouble::several, signal_trouble::nan, signal_trouble::infinite}) {
    for (auto rule : {signal_failure::hold, signal_failure::at_least, signal_failure::ignore}) {
      auto w = held_by_a_signal();
      w.s.signals[0].on_failure = rule;
      w.lose("messages", why);
      for (int i = 0; i < 3000; ++i) {
        auto d = w.decide();
        CHECK_FALSE(d.acts());
        CHECK(d.signals[0].trouble == why);
        w.now += 1s;
      }
      CHECK(w.past.last().signals[0].state == signal_state::failed);
      CHECK(w.past.last().reason.find(to_string(why)) != std::string::npos);
    }
  }
}

TEST_CASE("NaN and infinity in a reading count as none") {
  auto w = held_by_a_signal();
  w.read("messages", std::nan(""));
  CHECK(w.decide().signals[0].trouble == signal_trouble::nan);
  w.read("messages", HUGE_VAL);
  CHECK(w.decide().signals[0].trouble == signal_trouble::infinite);
  CHECK_FALSE(w.decide().acts());
}

TEST_CASE("a reading that nobody renews becomes stale") {
  auto w = held_by_a_signal();
  w.s.signals[0].freshness = 30s;
  w.now += 28s;
  CHECK(w.decide().signals[0].trouble == signal_trouble::none);
  w.now += 2s;
  auto d = w.decide();
  CHECK(d.signals[0].trouble == signal_trouble::stale);
  CHECK(d.signals[0].state == signal_state::held);
}

TEST_CASE("during an outage the queue still adds workers, and takes back what it added") {
  auto w = held_by_a_signal();
  w.lose("messages");
  w.tasks(25, 10s);
  auto d = w.decide("here");
  CHECK(d.target == 25);
  w.carry_out(d);
  w.load.demand.clear();
  w.now += 1h;
  for (auto& x : w.load.workers) x.idle_since = w.now - 1h;
  for (int i = 0; i < 3; ++i) {
    w.carry_out(w.decide("here"));
    w.now += 1s;
  }
  CHECK(w.of("here").registered == 10);
}

TEST_CASE("hold replaces lost workers for as long as the outage takes") {
  auto w = held_by_a_signal();
  w.lose("messages");
  w.load.workers.resize(6);
  w.of("here").registered = 6;
  CHECK(w.decide("here").launch == 4);
  w.now += 24h;
  CHECK(w.decide("here").launch == 4);
}

TEST_CASE("ignore launches nothing once hold_for is over, and stops nobody") {
  auto w = held_by_a_signal();
  w.s.signals[0].on_failure = signal_failure::ignore;
  w.lose("messages");
  w.decide();
  w.load.workers.resize(6);
  w.of("here").registered = 6;
  CHECK(w.decide("here").launch == 4);  // within hold_for
  w.now += 5min;
  auto d = w.decide("here");
  CHECK_FALSE(d.acts());
  CHECK(d.target == 6);
}

TEST_CASE("at_least asks for its number once hold_for is over, also where nothing was ever read") {
  world w;
  w.pool("here", 0, 100);
  auto& s = w.signal("messages", 1);
  s.on_failure = signal_failure::at_least;
  s.at_least = 7;
  CHECK_FALSE(w.decide("here").acts());
  CHECK(w.past.last().signals[0].trouble == signal_trouble::unread);
  w.now += 5min;
  CHECK(w.decide("here").launch == 7);
}

TEST_CASE("after an outage what was held fades into what is read: no cliff") {
  auto w = held_by_a_signal();
  w.lose("messages");
  for (int i = 0; i < 100; ++i) {
    w.decide();
    w.now += 1s;
  }
  const auto back = w.now;
  std::uint32_t before = 10;
  for (; w.now < back + 110s; w.now += 1s) {
    w.read("messages", 1);
    auto d = w.decide("here");
    CHECK(d.target <= before);
    CHECK(before - d.target <= 1);
    // A straight line over as long as the outage took.
    const auto line = 10 - 9 * to_seconds(w.now - back) / 100;
    CHECK(std::abs(d.target - std::max(line, 1.0)) <= 1.0);
    before = d.target;
    w.carry_out(d);
  }
  CHECK(before == 1);
}

TEST_CASE("a single lost reading delays nothing for long") {
  auto w = held_by_a_signal();
  w.lose("messages");
  w.decide();
  w.now += 15s;
  w.read("messages", 1);
  w.decide();
  w.now += 15s;
  w.read("messages", 1);
  CHECK(w.decide("here").target == 1);
}

TEST_CASE("an outage while the held value fades holds where it was") {
  auto w = held_by_a_signal();
  w.lose("messages");
  w.decide();
  w.now += 100s;
  w.read("messages", 1);
  w.decide();
  w.now += 50s;
  w.read("messages", 1);
  const auto halfway = w.decide("here").target;
  CHECK(halfway == 6);
  w.lose("messages");
  w.now += 1h;
  CHECK(w.decide("here").wanted == halfway);
}

TEST_CASE("a signal that was lost and asks for more is followed at once") {
  auto w = held_by_a_signal();
  w.lose("messages");
  w.decide();
  w.now += 1min;
  w.read("messages", 30);
  CHECK(w.decide("here").target == 30);
}

TEST_CASE("from many seeds: what an outage held goes no faster than in as long as the outage took") {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937 dice(seed);
    auto between = [&](int a, int b) { return std::uniform_int_distribution{a, b}(dice); };
    world w;
    w.pool("here", 0, 300).scaling.scale_down.idle_timeout = 0s;
    w.signal("messages", 1).type = signal_type::average_value;
    const auto held = between(5, 200);
    const auto read = between(0, held);
    const auto outage = between(2, 300);  // hold_for at most: longer ones fade within it
    INFO("seed " << seed << ": " << held << " held for " << outage << " s, then " << read);
    w.read("messages", held);
    w.carry_out(w.decide("here"));
    w.now += 1s;
    auto decide = [&] {
      for (auto& x : w.load.workers) x.idle_since = w.now - 1h;
      auto d = w.decide("here");
      w.carry_out(d);
      w.now += 1s;
      return d.target;
    };
    for (int i = 0; i < outage; ++i) {
      w.lose("messages", static_cast<signal_trouble>(2 + dice() % 10));
      REQUIRE(static_cast<int>(decide()) == held);
    }
    auto before = held;
    for (int i = 0; i <= outage + 60; ++i) {
      w.read("messages", read);
      const auto target = static_cast<int>(decide());
      const auto line = held - (held - read) * std::min(1.0, i / static_cast<double>(outage));
      INFO(i << " s after it: " << target << ", line " << line);
      REQUIRE(target >= line - 1);
      REQUIRE(target <= before);
      before = target;
    }
    CHECK(before <= read / 0.9 + 1);  // the tolerance
  }
}

TEST_CASE("from many seeds: no outage stops a worker, however it comes and goes") {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    std::mt19937 dice(seed);
    auto chance = [&](double p) { return std::bernoulli_distribution(p)(dice); };
    world w;
    w.pool("here", 0, 200).scaling.scale_down.idle_timeout = 0s;
    auto& s = w.signal("messages", 1);
    s.type = signal_type::average_value;
    s.on_failure = static_cast<signal_failure>(seed % 3);
    w.read("messages", 50);
    bool lost = false;
    for (int i = 0; i < 600; ++i) {
      if (chance(0.03)) lost = !lost;
      if (lost)
        w.lose("messages", static_cast<signal_trouble>(2 + dice() % 10));
      else
        w.read("messages", static_cast<double>(20 + dice() % 60));
      if (chance(0.02) && !w.load.workers.empty()) {  // lost without a word
        w.load.workers.pop_back();
        --w.of("here").registered;
      }
      for (auto& x : w.load.workers) x.idle_since = w.now - 1h;
      auto d = w.decide("here");
      INFO("seed " << seed << ", step " << i);
      if (lost) CHECK(d.drain.empty());
      CHECK(d.target <= 200);
      w.carry_out(d);
      w.now += 1s;
    }
  }
}

}  // namespace troupe::autoscaler::test
