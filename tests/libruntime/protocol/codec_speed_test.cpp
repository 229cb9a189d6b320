// How long encoding and decoding take; run by name in a release build: test_protocol "[speed]".
#include <chrono>
#include <cstdio>

#include "libruntime/protocol/codec.hpp"
#include "libruntime/protocol/session.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::protocol;

namespace {

constexpr std::uint32_t items = 256;

message finished_batch() {
  finished m;
  for (std::uint32_t i = 0; i < items; ++i)
    m.items.push_back({task_id{job_id{70'000}, 1'000'000 + i}, 1, outcome::succeeded,
                       duration{1'500'000 + i}, {}, {}});
  return m;
}
message assign_batch() {
  assign m;
  for (std::uint32_t i = 0; i < items; ++i)
    m.items.push_back({task_id{job_id{70'000}, 1'000'000 + i}, 1, template_id{3}, {}, {}, false});
  return m;
}
message assign_with_arguments() {
  auto m = std::get<assign>(assign_batch());
  for (auto& a : m.items) a.arguments = value::of(std::tuple<int, std::string>{7, "in.txt"});
  return m;
}
message results_batch() {
  results m;
  for (std::uint32_t i = 0; i < items; ++i)
    m.items.push_back({1'000'000 + i, outcome::succeeded, value::of(i), {}});
  return m;
}

// Nanoseconds an item of the fastest of many short rounds: what the machine does besides is left out.
template <class F>
double best(F f) {
  double fastest = 1e9;
  for (int round = 0; round < 1000; ++round) {
    auto start = std::chrono::steady_clock::now();
    constexpr int batches = 10;
    for (int i = 0; i < batches; ++i) f();
    std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    fastest = std::min(fastest, took.count() / (batches * double{items}));
  }
  return fastest;
}

void measure(const char* name, const message& m) {
  std::string bytes;
  encode(m, bytes);
  std::string out;
  double encoding = best([&] {
    out.clear();
    encode(m, out);
  });
  std::vector<message> back;
  double decoding = best([&] {
    back.clear();
    if (!decode(wire::as_bytes(bytes), back)) std::abort();
  });
  session sender, receiver;
  double both = best([&] {
    back.clear();
    out.clear();
    if (!sender.send(m)) std::abort();
    sender.next_frames(out, 256 << 10);
    if (!receiver.receive(wire::as_bytes(out), back)) std::abort();
  });
  std::printf("%-24s %5.1f bytes  encode %5.1f ns  decode %5.1f ns  copy and two sessions %5.1f ns\n",
              name, static_cast<double>(bytes.size()) / items, encoding, decoding, both);
}

}  // namespace

TEST_CASE("speed of the codec, an item of a batch of 256", "[.][speed]") {
  measure("finished", finished_batch());
  measure("assign", assign_batch());
  measure("assign with arguments", assign_with_arguments());
  measure("results with a number", results_batch());
}
