// What the codec knows of the types in messages besides how they look on the wire: which values an
// enumeration has, and how many fields of a structure must be sent because they differ from their
// defaults. Included by codec.cpp alone.
#pragma once

#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <vector>

#include "libruntime/protocol/messages.hpp"

namespace troupe::protocol {

template <class E>
struct enum_range;  // the values that may arrive
template <>
struct enum_range<role> {
  static constexpr auto first = role::head, last = role::client;
};
template <>
struct enum_range<lifetime> {
  static constexpr auto first = lifetime::client, last = lifetime::detached;
};
template <>
struct enum_range<outcome> {
  static constexpr auto first = outcome::succeeded, last = outcome::cancelled;
};
template <>
struct enum_range<event_kind> {
  static constexpr auto first = event_kind::job_opened, last = event_kind::configuration;
};
template <>
struct enum_range<task_kind> {
  static constexpr auto first = task_kind::call, last = task_kind::exec;
};
template <>
struct enum_range<run_condition> {
  static constexpr auto first = run_condition::all_succeeded, last = run_condition::always;
};
template <>
struct enum_range<isolation> {
  static constexpr auto first = isolation::thread, last = isolation::process;
};

template <class T>
concept structure = requires(const T& x) { x.fields(); } && !std::is_same_v<T, resource_set>;

// What a field has when it isn't sent.
template <class T>
inline const T defaults{};

// ---- is it the default? -----------------------------------------------------------------------

template <class T>
bool same(const T& x, const T& by_default) {
  return x == by_default;
}
inline bool same(const value& x, const value&) { return x.is_nil(); }
inline bool same(const resource_set& x, const resource_set&) { return x.empty(); }
template <class T>
bool same(const std::vector<T>& x, const std::vector<T>&) {
  return x.empty();
}
template <class T>
bool same(const boxed_vector<T>& x, const boxed_vector<T>&) {
  return x.empty();
}
template <class T>
bool same(const std::optional<T>& x, const std::optional<T>&) {
  return !x.has_value();
}
template <class T>
bool same(const boxed<T>& x, const boxed<T>&) {
  return !x.has_value();
}
template <structure T>
bool same(const T& x, const T& by_default);

// How many of the first N fields must be sent.
template <std::size_t N, class Fields>
std::size_t used(const Fields& x, const Fields& by_default) {
  if constexpr (N == 0) {
    return 0;
  } else {
    return same(std::get<N - 1>(x), std::get<N - 1>(by_default)) ? used<N - 1>(x, by_default) : N;
  }
}

template <structure T>
std::size_t used(const T& x) {
  auto fields = x.fields();
  return used<std::tuple_size_v<decltype(fields)>>(fields, defaults<T>.fields());
}

template <structure T>
bool same(const T& x, const T& by_default) {
  auto fields = x.fields();
  return used<std::tuple_size_v<decltype(fields)>>(fields, by_default.fields()) == 0;
}

}  // namespace troupe::protocol
