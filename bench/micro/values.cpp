// Making values and looking into them.
#include <benchmark/benchmark.h>
#include <string>
#include <tuple>
#include <vector>

#include "libruntime/value.hpp"

namespace troupe {
namespace {

template <class T>
void pack(benchmark::State& state, const T& what) {
  for (auto _ : state) benchmark::DoNotOptimize(value::of(what));
  state.SetItemsProcessed(state.iterations());
}
template <class T>
void unpack(benchmark::State& state, const T& what) {
  const value packed = value::of(what);
  for (auto _ : state) benchmark::DoNotOptimize(packed.as<T>());
  state.SetItemsProcessed(state.iterations());
}

const std::tuple<int> number{7};
const std::tuple<int, std::string> call{7, "input/part-00017.txt"};
const std::vector<double> kilobyte(114, 0.1);  // 9 bytes each

BENCHMARK_CAPTURE(pack, number, number);
BENCHMARK_CAPTURE(pack, call, call);
BENCHMARK_CAPTURE(pack, kilobyte, kilobyte);
BENCHMARK_CAPTURE(unpack, number, number);
BENCHMARK_CAPTURE(unpack, call, call);
BENCHMARK_CAPTURE(unpack, kilobyte, kilobyte);

void copy_handle(benchmark::State& state) {
  const auto packed = value::of(kilobyte);
  for (auto _ : state) {
    auto copy = packed;
    benchmark::DoNotOptimize(copy);
  }
}
BENCHMARK(copy_handle);

}  // namespace
}  // namespace troupe
