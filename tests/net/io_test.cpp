// The io threads, their timers, and addresses.
#include "net/close_reason.hpp"
#include "net/endpoint.hpp"
#include "tests/net/support.hpp"

namespace troupe::net::test {

TEST_CASE("functions posted from one thread run in order") {
  std::vector<int> order;
  {
    io loops(3);
    std::promise<void> done;
    for (int i = 0; i < 1000; ++i)
      loops.post([&, i] {
        order.push_back(i);
        if (i == 999) done.set_value();
      });
    REQUIRE(done.get_future().wait_for(patience) == std::future_status::ready);
  }
  REQUIRE(order.size() == 1000);
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("a timer runs once, after its delay, and not after it was cancelled") {
  io loops;
  std::atomic<int> runs{0}, cancelled_runs{0};
  const auto begun = clock::now();
  std::atomic<bool> early{false};
  loops.after(20ms, [&] {
    early = clock::now() - begun < 20ms;
    ++runs;
  });
  auto never = loops.after(10ms, [&] { ++cancelled_runs; });
  never.cancel();
  never.cancel();
  std::promise<void> later;
  loops.after(50ms, [&] { later.set_value(); });
  REQUIRE(later.get_future().wait_for(patience) == std::future_status::ready);
  CHECK(runs == 1);
  CHECK_FALSE(early);
  CHECK(cancelled_runs == 0);
  timer{}.cancel();
}

TEST_CASE("stopping ends at once, whatever timers wait, and frees what they hold") {
  const auto held = std::make_shared<int>(1);
  timer t;
  const auto begun = clock::now();
  {
    io loops(2);
    t = loops.after(1h, [held] {});
    loops.post([held] {});
    loops.stop();
    loops.stop();
    loops.join();
    loops.post([held] {});
    loops.after(1ms, [held] {});
  }
  CHECK(clock::now() - begun < 2s);
  t.cancel();
  t = {};
  CHECK(held.use_count() == 1);
}

TEST_CASE("a function that takes long hands the first thread over; others go on meanwhile") {
  std::promise<void> go_on, returned;
  std::thread::id old_thread, new_thread;
  {
    io loops;
    std::promise<void> began;
    loops.post_apart([&] {
      old_thread = std::this_thread::get_id();
      CHECK(loops.on_first_thread());
      began.set_value();
      go_on.get_future().wait();
      CHECK_FALSE(loops.on_first_thread());
      returned.set_value();
    });
    began.get_future().wait();
    loops.hand_over();
    std::promise<void> meanwhile;
    loops.post([&] {
      new_thread = std::this_thread::get_id();
      CHECK(loops.on_first_thread());
      meanwhile.set_value();
    });
    REQUIRE(meanwhile.get_future().wait_for(patience) == std::future_status::ready);
    go_on.set_value();
    REQUIRE(returned.get_future().wait_for(patience) == std::future_status::ready);
    // The old thread is gone: what comes now runs on the new one only.
    for (int i = 0; i < 100; ++i) loops.post([&] { CHECK((std::this_thread::get_id() == new_thread)); });
  }
  CHECK((old_thread != new_thread));
}

TEST_CASE("what a function posts after its thread was handed over runs at once") {
  io loops;
  std::promise<void> began, go_on, posted;
  loops.post_apart([&] {
    began.set_value();
    go_on.get_future().wait();
    loops.post([&] { posted.set_value(); });
  });
  began.get_future().wait();
  loops.hand_over();
  // The new thread has nothing to do, and sleeps.
  std::promise<void> idle;
  loops.post([&] { idle.set_value(); });
  idle.get_future().wait();
  std::this_thread::sleep_for(20ms);
  go_on.set_value();
  CHECK(posted.get_future().wait_for(patience) == std::future_status::ready);
}

TEST_CASE("an io that stops waits for a function that has handed its thread over") {
  std::atomic<bool> returned{false};
  {
    io loops;
    std::promise<void> began;
    loops.post_apart([&] {
      began.set_value();
      std::this_thread::sleep_for(50ms);
      returned = true;
    });
    began.get_future().wait();
    loops.hand_over();
  }
  CHECK(returned);
}

TEST_CASE("a function that does not hand its thread over leaves it as it is") {
  io loops;
  std::promise<std::thread::id> first, second;
  loops.post_apart([&] { first.set_value(std::this_thread::get_id()); });
  loops.post([&] { second.set_value(std::this_thread::get_id()); });
  CHECK((first.get_future().get() == second.get_future().get()));
}

TEST_CASE("addresses are read and written") {
  CHECK(*parse_endpoint("127.0.0.1:7400") == endpoint{"127.0.0.1", 7400});
  CHECK(*parse_endpoint("[::1]:80") == endpoint{"::1", 80});
  CHECK(*parse_endpoint("head.example:0") == endpoint{"head.example", 0});
  CHECK(to_string(endpoint{"::1", 80}) == "[::1]:80");
  CHECK(to_string(endpoint{"a", 1}) == "a:1");
  for (const auto* text : {"", "host", ":80", "host:", "host:x", "host:70000", "::1:80", "a b:1",
                           "[::1]", "[]:1", "http://x:1", "host:-1", "host:1 "}) {
    INFO(text);
    CHECK_FALSE(parse_endpoint(text));
  }
}

TEST_CASE("loopback addresses are known as such") {
  for (const auto* host : {"127.0.0.1", "127.9.9.9", "::1", "localhost"}) CHECK(is_loopback(host));
  for (const auto* host : {"0.0.0.0", "::", "10.0.0.1", "localhost.example", "", "128.0.0.1"})
    CHECK_FALSE(is_loopback(host));
}

TEST_CASE("a reason survives the closing frame, cut to fit between characters") {
  const auto back = [](const failure& f) {
    return decode_close_reason(encode_close_reason(f), "x");
  };
  CHECK(back({errc::none, "", ""}).code == errc::none);
  CHECK(back({errc::forbidden, "no", ""}) ==
        failure{errc::forbidden, "x: closed by the peer: no", ""});
  std::string umlauts;
  for (int i = 0; i < 100; ++i) umlauts += "\xc3\xa4";
  CHECK(back({errc::io, umlauts, ""}).code == errc::io);
  CHECK(back({errc::io, umlauts, ""}).message.size() < 150);
  CHECK(utf8_prefix(umlauts, 5) == "\xc3\xa4\xc3\xa4");
  CHECK(utf8_prefix("ab\xff"
                    "cd",
                    10) == "ab");
  CHECK(utf8_prefix("\xed\xa0\x80", 10).empty());
  CHECK(utf8_prefix("\xf0\x9f\x8e\xad!", 10).size() == 5);
  CHECK(utf8_prefix("\xf0\x9f\x8e", 10).empty());
}

}  // namespace troupe::net::test
