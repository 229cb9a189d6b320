#include "autoscaler/simulator/random.hpp"

#include <algorithm>
#include <cmath>

#include "autoscaler/simulator/bounds.hpp"
#include "libruntime/units.hpp"

namespace troupe::simulator {

namespace {

constexpr double whole_turn = 2 * 3.14159265358979323846;
constexpr double deviations_of_p99 = 2.3263478740408408;

// Sigma of the log-normal distribution with this median and 99th percentile.
double sigma(const spread& s) {
  const auto low = std::max(to_seconds(s.low), 1e-9);
  return std::max(std::log(to_seconds(s.high) / low) / deviations_of_p99, 0.0);
}

}  // namespace

random_stream::random_stream(std::uint64_t seed, std::string_view use) : state_(seed) {
  for (char c : use) state_ = next() ^ static_cast<unsigned char>(c);
  next();
}

std::uint64_t random_stream::next() {
  auto z = state_ += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

double random_stream::uniform() {
  return static_cast<double>(next() >> 11) * 0x1p-53;
}

double random_stream::exponential(double mean) {
  return -std::log1p(-uniform()) * mean;
}

// Box and Muller; the second number of the pair is not kept, so that every draw takes two.
double random_stream::normal() {
  const auto radius = std::sqrt(-2 * std::log1p(-uniform()));
  return radius * std::cos(whole_turn * uniform());
}

duration spread::draw(random_stream& random) const {
  switch (kind) {
    case shape::exact:
      return low;
    case shape::even:
      return bounded_seconds(to_seconds(low) + random.uniform() * to_seconds(high - low));
    case shape::long_tailed:
      return bounded_seconds(to_seconds(low) * std::exp(sigma(*this) * random.normal()));
  }
  return low;
}

duration spread::mean() const {
  switch (kind) {
    case shape::exact:
      return low;
    case shape::even:
      return (low + high) / 2;
    case shape::long_tailed:
      return bounded_seconds(to_seconds(low) * std::exp(sigma(*this) * sigma(*this) / 2));
  }
  return low;
}

std::optional<spread> parse_spread(std::string_view text) {
  const auto mark = text.find_first_of("-~");
  if (mark == std::string_view::npos) {
    auto d = parse_duration(text);
    if (!d || *d > longest_time) return {};
    return spread::exactly(*d);
  }
  auto low = parse_duration(text.substr(0, mark));
  auto high = parse_duration(text.substr(mark + 1));
  const auto kind = text[mark] == '-' ? spread::shape::even : spread::shape::long_tailed;
  if (!low || !high || *high < *low || *high > longest_time) return {};
  if (kind == spread::shape::long_tailed && *low == duration{}) return {};
  return spread{kind, *low, *high};
}

std::string to_string(const spread& s) {
  if (s.kind == spread::shape::exact) return format_duration(s.low);
  return format_duration(s.low) + (s.kind == spread::shape::even ? "-" : "~") +
         format_duration(s.high);
}

}  // namespace troupe::simulator
