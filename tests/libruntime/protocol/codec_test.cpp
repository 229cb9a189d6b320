#include "libruntime/protocol/codec.hpp"

#include "tests/libruntime/protocol/random_message.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::protocol;
using troupe::protocol::testing::equal_messages;
using troupe::protocol::testing::generator;

namespace {

std::string encoded(const message& m) {
  std::string out;
  encode(m, out);
  return out;
}

result<std::vector<message>> decoded(std::string_view frame, const frame_limits& limits = {}) {
  std::vector<message> out;
  if (auto done = decode(wire::as_bytes(frame), out, limits); !done)
    return tl::unexpected{done.error()};
  return out;
}

std::string bytes(std::initializer_list<int> list) {
  std::string out;
  for (int b : list) out += static_cast<char>(b);
  return out;
}

}  // namespace

TEST_CASE("every message comes back as it was sent") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    generator make{seed};
    for (std::size_t number = 0; number < message_count; ++number) {
      auto sent = make.make(number);
      auto got = decoded(encoded(sent));
      INFO("seed " << seed << ", " << message_name(number));
      REQUIRE(got.has_value());
      REQUIRE(got->size() == 1);
      REQUIRE(equal_messages(got->front(), sent));
    }
  }
}

TEST_CASE("messages stand back to back in a frame and keep their order") {
  generator make{7};
  std::string frame;
  std::vector<message> sent;
  std::size_t items = 0;
  for (int i = 0; i < 50; ++i) {
    sent.push_back(make.next());
    items += encode(sent.back(), frame);
  }
  auto got = decoded(frame, {.bytes = frame.size(), .items = items});
  REQUIRE(got.has_value());
  REQUIRE(got->size() == sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) CHECK(equal_messages((*got)[i], sent[i]));
  CHECK(decoded(frame, {.bytes = frame.size(), .items = items - 1}).error().code ==
        errc::too_large);
  CHECK(decoded(frame, {.bytes = frame.size() - 1}).error().code == errc::too_large);
}

TEST_CASE("a frame cut off anywhere is refused, never misread") {
  for (std::size_t number = 0; number < message_count; ++number) {
    generator make{number};
    std::string whole;
    do {
      whole = encoded(make.make(number));
    } while (whole.size() > 4000);
    for (std::size_t n = 1; n < whole.size(); ++n) {
      auto got = decoded(std::string_view{whole}.substr(0, n));
      INFO(message_name(number) << " cut to " << n << " of " << whole.size());
      REQUIRE(!got.has_value());
      REQUIRE(got.error().code == errc::protocol);
    }
  }
}

TEST_CASE("random damage never does more than fail") {
  generator make{99};
  for (int i = 0; i < 3000; ++i) {
    auto frame = encoded(make.next());
    for (auto n = 1 + make.below(4); n > 0; --n)
      frame[make.below(frame.size())] = static_cast<char>(make.below(256));
    std::vector<message> out;
    (void)decode(wire::as_bytes(frame), out);
  }
}

TEST_CASE("fields that a newer peer added are ignored") {
  // ping with number 5, and two fields more
  auto got = decoded(bytes({0x94, 3, 5, 0xa1, 'x', 0x92, 1, 2}));
  REQUIRE(got.has_value());
  CHECK(std::get<ping>(got->front()).number == 5);
}

TEST_CASE("fields that an older peer doesn't know keep their defaults") {
  auto got = decoded(bytes({0x92, 5, 7}));  // open_job with its key alone
  REQUIRE(got.has_value());
  const auto& job = std::get<open_job>(got->front());
  CHECK(job.key == 7);
  CHECK(job.want_results);
  CHECK(job.lifetime == lifetime::client);
}

TEST_CASE("trailing defaults are not sent") {
  CHECK(encoded(close_job{}) == bytes({0x91, 8}));
  CHECK(encoded(open_job{.key = 1, .name = "a"}) == bytes({0x93, 5, 1, 0xa1, 'a'}));
  CHECK(encoded(hello{}) == bytes({0x91, 0}));
}

TEST_CASE("the items of hot messages are small") {
  constexpr std::size_t items = 256;
  finished done;
  protocol::assign work;
  results news;
  add_tasks more;
  for (std::uint32_t i = 0; i < items; ++i) {
    task_id task{job_id{70'000}, 1'000'000 + i};
    done.items.push_back({task, 1, outcome::succeeded, std::chrono::milliseconds{900}, {}, {}});
    work.items.push_back({task, 1, template_id{300}, {}, {}, false});
    news.items.push_back({task.index, outcome::succeeded, {}, {}});
    more.tasks.emplace_back();
  }
  CHECK(encoded(done).size() / items <= 24);
  CHECK(encoded(work).size() / items <= 24);
  CHECK(encoded(news).size() / items <= 8);
  CHECK(encoded(more).size() / items <= 2);
}

TEST_CASE("an unknown message is refused by its number") {
  auto got = decoded(bytes({0x91, 0xcc, 99}));
  REQUIRE(!got.has_value());
  CHECK(got.error().code == errc::protocol);
  CHECK(got.error().message == "unknown message number 99");
}

TEST_CASE("a refusal names the message, the byte and what was expected") {
  auto got = decoded(bytes({0x92, 8, 0xa1, 'x'}));
  REQUIRE(!got.has_value());
  CHECK(got.error().message == "message 8 (close_job), byte 2: expected an unsigned integer");
}

TEST_CASE("announced lengths beyond the frame are refused before anything is allocated") {
  CHECK(!decoded(bytes({0xdd, 0xff, 0xff, 0xff, 0xff, 8})).has_value());
  // assign with 4 billion items, a string of 4 GiB, a value of 4 GiB
  CHECK(!decoded(bytes({0x92, 19, 0xdd, 0xff, 0xff, 0xff, 0xff, 0x90})).has_value());
  CHECK(!decoded(bytes({0x92, 27, 0xdb, 0xff, 0xff, 0xff, 0xff, 'x'})).has_value());
  CHECK(!decoded(bytes({0x94, 30, 1, 0xa1, 'm', 0xc6, 0xff, 0xff, 0xff, 0xff})).has_value());
}

TEST_CASE("many empty elements in few bytes are refused by the limit on items") {
  std::string frame = bytes({0x92, 19, 0xdd, 0, 8, 0, 0});  // assign with 524,288 items
  frame.append(524'288, static_cast<char>(0x90));
  auto got = decoded(frame);
  REQUIRE(!got.has_value());
  CHECK(got.error().code == errc::too_large);
}

TEST_CASE("values may nest to 128 levels and no deeper") {
  auto nested = [](std::size_t depth) {
    auto frame = bytes({0x94, 30, 1, 0xa1, 'm'});
    frame.append(depth, static_cast<char>(0x91));
    return frame + static_cast<char>(0xc0);
  };
  CHECK(decoded(nested(128)).has_value());
  auto deeper = decoded(nested(129));
  REQUIRE(!deeper.has_value());
  CHECK(deeper.error().code == errc::too_large);
  CHECK(!decoded(nested(500'000)).has_value());
}

TEST_CASE("values out of range are refused") {
  CHECK(!decoded(bytes({0x93, 0, 1, 9})).has_value());                 // hello of role 9
  CHECK(!decoded(bytes({0x92, 0, 0xce, 0, 1, 0, 0})).has_value());     // version 65,536
  CHECK(!decoded(bytes({0x92, 8, 0xff})).has_value());                 // key -1
  CHECK(decoded(bytes({0x92, 8, 0xd0, 5})).has_value());               // 5 as a signed integer
  // define_template whose resources hold a negative amount
  CHECK(!decoded(bytes({0x94, 6, 1, 0, 0x94, 0, 0xa0, 0x90, 0x91, 0x91, 0x92, 0xa1, 'c', 0xff}))
             .has_value());
}

TEST_CASE("reasons that only a newer peer knows become internal and keep their words") {
  auto got = decoded(bytes({0x92, 2, 0x92, 0xcc, 200, 0xa1, 'w'}));
  REQUIRE(got.has_value());
  CHECK(std::get<refused>(got->front()).why == failure{errc::internal, "w", ""});
}

TEST_CASE("bytes that are not UTF-8 travel as bin") {
  auto frame = encoded(protocol::stop{.reason = "\xff\xfe"});
  CHECK(frame == bytes({0x92, 28, 0xc4, 2, 0xff, 0xfe}));
  CHECK(std::get<protocol::stop>(decoded(frame)->front()).reason == "\xff\xfe");
}
