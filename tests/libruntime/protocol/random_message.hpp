// Messages with random contents, and whether two are the same; for every type of message there is,
// by walking over fields().
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "libruntime/protocol/messages.hpp"

namespace troupe::protocol::testing {

template <class T>
concept structure = requires(const T& x) { x.fields(); } && !std::is_same_v<T, resource_set>;

class generator {
 public:
  explicit generator(std::uint64_t seed) : random_(seed) {}

  message next() { return make(below(std::variant_size_v<message>)); }
  message make(std::size_t number) {
    message m;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      ((I == number ? fill(m.emplace<I>()) : void()), ...);
    }(std::make_index_sequence<std::variant_size_v<message>>{});
    return m;
  }
  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  // Any MessagePack object.
  value any_value() {
    switch (below(6)) {
      case 0: return {};
      case 1: return value::of(below(1000));
      case 2: return value::of(std::string(below(300), 'x'));
      case 3: return value::of(std::vector<double>(below(20), 1.5));
      case 4: return value::of(std::vector<char>(below(300), '\xff'));
      default: return value::of(std::map<std::string, std::vector<int>>{{"a", {1, -1}}, {"b", {}}});
    }
  }

  template <structure T>
  void fill(T& x) {
    if (below(8) == 0) return;  // all defaults
    std::apply([&](auto&... field) { (fill_some(field), ...); }, x.fields());
  }

 private:
  template <class T>
  void fill_some(T& x) {
    bool must = std::is_same_v<T, role>;  // none has no number
    if (must || below(4) != 0) fill(x);
  }
  // All sizes of integers are as likely.
  std::uint64_t bits(std::size_t most) { return random_() >> (64 - 1 - below(most)); }

  void fill(bool& x) { x = below(2) == 1; }
  template <class T>
    requires std::is_integral_v<T>
  void fill(T& x) {
    x = static_cast<T>(bits(8 * sizeof(T)));
    if constexpr (std::is_signed_v<T>) {
      if (below(2) == 1) x = static_cast<T>(-(x / 2));
    }
  }
  void fill(double& x) { x = static_cast<double>(below(1'000'000)) / 16; }
  void fill(role& x) { x = static_cast<role>(1 + below(3)); }
  void fill(lifetime& x) { x = static_cast<lifetime>(below(2)); }
  void fill(outcome& x) { x = static_cast<outcome>(below(3)); }
  void fill(event_kind& x) { x = static_cast<event_kind>(below(13)); }
  void fill(errc& x) { x = static_cast<errc>(below(23)); }
  void fill(task_kind& x) { x = static_cast<task_kind>(below(2)); }
  void fill(run_condition& x) { x = static_cast<run_condition>(below(2)); }
  void fill(isolation& x) { x = static_cast<isolation>(below(2)); }
  template <class Tag, class Rep>
  void fill(strong_id<Tag, Rep>& x) {
    fill(x.value);
  }
  void fill(duration& d) { d = duration{static_cast<std::int64_t>(bits(62))}; }
  void fill(std::string& s) {
    s.clear();
    for (auto n = below(10) == 0 ? below(70'000) : below(40); n > 0; --n)
      s += static_cast<char>(below(64) == 0 ? below(256) : 'a' + below(26));
  }
  void fill(std::pair<std::string, std::string>& p) {
    fill(p.first);
    fill(p.second);
  }
  void fill(resource_set& r) {
    for (auto n = below(4); n > 0; --n)
      r.set("r" + std::to_string(below(10)), static_cast<amount>(1 + below(100'000)));
  }
  void fill(value& v) { v = any_value(); }
  template <class T>
  void fill(std::optional<T>& x) {
    x.reset();
    if (below(2) == 1) fill(x.emplace());
  }
  template <class T>
  void fill(boxed<T>& x) {
    x.reset();
    if (below(2) == 1) fill(x.emplace());
  }
  template <class T>
  void fill(boxed_vector<T>& v) {
    std::vector<T> items;
    fill(items);
    v = std::move(items);
  }
  template <class T>
  void fill(std::vector<T>& v) {
    v.resize(below(10) == 0 ? below(40) : below(4));
    for (auto& x : v) fill(x);
  }

  std::mt19937_64 random_;
};

template <class T>
bool equal(const T& a, const T& b);
template <class T>
bool equal(const std::optional<T>& a, const std::optional<T>& b) {
  return a.has_value() == b.has_value() && (!a || equal(*a, *b));
}
template <class T>
bool equal(const boxed<T>& a, const boxed<T>& b) {
  return a.has_value() == b.has_value() && (!a || equal(*a, *b));
}
template <class T>
bool equal(const boxed_vector<T>& a, const boxed_vector<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const T& x, const T& y) { return equal(x, y); });
}
template <class T>
bool equal(const std::vector<T>& a, const std::vector<T>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!equal(a[i], b[i])) return false;
  return true;
}
template <class T>
bool equal(const T& a, const T& b) {
  if constexpr (structure<T>) {
    auto x = a.fields(), y = b.fields();
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return (equal(std::get<I>(x), std::get<I>(y)) && ...);
    }(std::make_index_sequence<std::tuple_size_v<decltype(x)>>{});
  } else {
    return a == b;
  }
}
inline bool equal_messages(const message& a, const message& b) {
  return a.index() == b.index() &&
         std::visit(
             [&](const auto& x) { return equal(x, std::get<std::decay_t<decltype(x)>>(b)); }, a);
}

}  // namespace troupe::protocol::testing
