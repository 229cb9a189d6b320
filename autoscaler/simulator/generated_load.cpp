#include "autoscaler/simulator/generated_load.hpp"

#include <algorithm>
#include <cmath>

namespace troupe::simulator {

namespace {

constexpr double pi = 3.14159265358979323846;
constexpr double quiet_start = 0.1;      // of the length of a step
constexpr double between_bursts = 0.1;   // of the rate
constexpr double burst_part = 0.1;       // of a period's tasks at the full rate
constexpr double night = 0.05;           // of the rate

class generated_load final : public load {
 public:
  explicit generated_load(generated_load_settings s)
      : settings_(std::move(s)),
        kinds_{settings_.kind},
        arrivals_(settings_.seed, "arrivals"),
        run_times_(settings_.seed, "run times") {
    if (settings_.period <= duration{}) settings_.period = settings_.default_period();
    settings_.period = std::max<duration>(settings_.period, std::chrono::milliseconds{1});
    next_burst_ = to_seconds(settings_.period) / 2;
    next_arrival_ = following(0);
  }

  const std::vector<work_kind>& kinds() const override { return kinds_; }

  std::optional<submission> next() override {
    const auto end = to_seconds(settings_.length);
    const bool burst = settings_.shape == load_shape::burst && next_burst_ <= next_arrival_;
    const auto at = burst ? next_burst_ : next_arrival_;
    if (at >= end) return {};
    submission out;
    out.at = from_seconds(at);
    if (burst) {
      const auto period = to_seconds(settings_.period);
      add(out, static_cast<std::uint64_t>(std::ceil(settings_.rate * period * burst_part)));
      next_burst_ += period;
    } else {
      add(out, 1);
      next_arrival_ = following(at);
    }
    return out;
  }

 private:
  void add(submission& out, std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i)
      out.tasks.push_back({0, settings_.run_time.draw(run_times_), {}});
  }

  // Part of the full rate.
  double intensity(double t) const {
    const auto part = t / to_seconds(settings_.length);
    switch (settings_.shape) {
      case load_shape::step:
        return part < quiet_start ? 0 : 1;
      case load_shape::ramp:
        return 1 - std::abs(2 * part - 1);
      case load_shape::burst:
        return between_bursts;
      case load_shape::diurnal: {
        const auto wave = (1 - std::cos(2 * pi * t / to_seconds(settings_.period))) / 2;
        return night + (1 - night) * wave;
      }
    }
    return 0;
  }

  // Candidates come at the full rate, and each is taken with the intensity of its moment.
  double following(double t) {
    const auto end = to_seconds(settings_.length);
    do t += arrivals_.exponential(1 / settings_.rate);
    while (t < end && arrivals_.uniform() >= intensity(t));
    return t;
  }

  generated_load_settings settings_;
  std::vector<work_kind> kinds_;
  random_stream arrivals_, run_times_;
  double next_arrival_ = 0, next_burst_ = 0;  // seconds
};

}  // namespace

std::string_view to_string(load_shape s) {
  switch (s) {
    case load_shape::step:
      return "step";
    case load_shape::ramp:
      return "ramp";
    case load_shape::burst:
      return "burst";
    case load_shape::diurnal:
      return "diurnal";
  }
  return "step";
}

std::optional<load_shape> parse_load_shape(std::string_view name) {
  for (auto s : load_shapes)
    if (to_string(s) == name) return s;
  return {};
}

duration generated_load_settings::default_period() const {
  return shape == load_shape::diurnal ? duration{std::chrono::hours{24}} : length / 6;
}

std::unique_ptr<load> generate(generated_load_settings settings) {
  return std::make_unique<generated_load>(std::move(settings));
}

}  // namespace troupe::simulator
