// The messages that every task travels in, as bytes and back, alone and through two sessions. Rates
// are of items, in batches as they are in a crowd.
#include "libruntime/protocol/codec.hpp"

#include <benchmark/benchmark.h>
#include <string>
#include <tuple>
#include <vector>

#include "libruntime/protocol/session.hpp"

namespace troupe::protocol {
namespace {

constexpr std::uint32_t items = 500;

task_id nth(std::uint32_t i) {
  return {job_id{70'000}, 1'000'000 + i};
}

message finished_batch() {
  finished m;
  for (std::uint32_t i = 0; i < items; ++i)
    m.items.push_back({nth(i), 1, outcome::succeeded, duration{1'500 + i}, {}, {}});
  return m;
}
message assign_batch() {
  assign m;
  for (std::uint32_t i = 0; i < items; ++i)
    m.items.push_back({nth(i), 1, template_id{3}, {}, {}, false});
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

void count(benchmark::State& state, std::size_t frame) {
  state.SetItemsProcessed(state.iterations() * items);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(frame));
}

void encode_batch(benchmark::State& state, const message& m) {
  std::string out;
  for (auto _ : state) {
    out.clear();
    encode(m, out);
    benchmark::DoNotOptimize(out.data());
  }
  count(state, out.size());
}

void decode_batch(benchmark::State& state, const message& m) {
  std::string bytes;
  encode(m, bytes);
  std::vector<message> back;
  for (auto _ : state) {
    back.clear();
    if (!decode(wire::as_bytes(bytes), back)) return state.SkipWithError("not decoded");
    benchmark::DoNotOptimize(back.data());
  }
  count(state, bytes.size());
}

void through_sessions(benchmark::State& state, const message& m) {
  session sender, receiver;
  std::vector<message> back;
  std::string frame;
  for (auto _ : state) {
    back.clear();
    frame.clear();
    if (!sender.send(m)) return state.SkipWithError("not sent");
    sender.next_frames(frame, std::size_t{256} << 10);
    if (!receiver.receive(wire::as_bytes(frame), back)) return state.SkipWithError("not received");
  }
  count(state, frame.size());
}

#define TROUPE_MEASURE(name, make)               \
  BENCHMARK_CAPTURE(encode_batch, name, make()); \
  BENCHMARK_CAPTURE(decode_batch, name, make()); \
  BENCHMARK_CAPTURE(through_sessions, name, make())

TROUPE_MEASURE(finished, finished_batch);
TROUPE_MEASURE(assign, assign_batch);
TROUPE_MEASURE(assign_with_arguments, assign_with_arguments);
TROUPE_MEASURE(results, results_batch);

#undef TROUPE_MEASURE

}  // namespace
}  // namespace troupe::protocol
