#include "libruntime/protocol/split.hpp"

#include <algorithm>
#include <iterator>
#include <type_traits>
#include <utility>

namespace troupe::protocol {
namespace {

// Moves what follows the first n elements.
template <class T>
std::vector<T> tail(std::vector<T>& v, std::size_t n) {
  n = std::min(n, v.size());
  auto from = v.begin() + static_cast<std::ptrdiff_t>(n);
  std::vector<T> rest(std::make_move_iterator(from), std::make_move_iterator(v.end()));
  v.erase(from, v.end());
  return rest;
}

// The list that makes up the message; nullptr for messages without one.
template <class T>
auto list_of(T& m) {
  if constexpr (one_of<T, results, assign, recall, cancel_attempts, started, events>) {
    return &m.items;
  } else if constexpr (one_of<T, add_tasks, release_results, cancel>) {
    return &m.tasks;
  } else {
    return nullptr;
  }
}
template <class T>
constexpr bool is_list = !std::is_null_pointer_v<decltype(list_of(std::declval<T&>()))>;

message split_recalled(recalled& m, std::size_t n) {
  auto items = m.items.size();
  recalled rest;
  rest.items = tail(m.items, n);
  rest.kept = tail(m.kept, n > items ? n - items : 0);
  return rest;
}

}  // namespace

std::size_t item_count(const message& m) {
  if (const auto* r = std::get_if<recalled>(&m)) return r->items.size() + r->kept.size();
  return std::visit(
      [](const auto& x) -> std::size_t {
        if constexpr (is_list<decltype(x)>) {
          return list_of(x)->size();
        } else {
          return 0;
        }
      },
      m);
}

message split_off(message& m, std::size_t n) {
  if (auto* r = std::get_if<recalled>(&m)) return split_recalled(*r, n);
  return std::visit(
      [n](auto& x) -> message {
        using T = std::decay_t<decltype(x)>;
        if constexpr (is_list<T>) {
          auto items = std::move(*list_of(x));
          list_of(x)->clear();
          T rest = x;  // the same in all but the list
          *list_of(rest) = tail(items, n);
          *list_of(x) = std::move(items);
          if constexpr (std::is_same_v<T, add_tasks>) {
            x.count = static_cast<std::uint32_t>(x.tasks.size());
            rest.count = static_cast<std::uint32_t>(rest.tasks.size());
            rest.position += static_cast<std::uint32_t>(n);
          }
          return rest;
        } else {
          return T{};
        }
      },
      m);
}

std::vector<message> split(message m, std::size_t max_items) {
  std::vector<message> out;
  max_items = std::max<std::size_t>(max_items, 1);
  while (item_count(m) > max_items) {
    auto rest = split_off(m, max_items);
    out.push_back(std::move(m));
    m = std::move(rest);
  }
  out.push_back(std::move(m));
  return out;
}

}  // namespace troupe::protocol
