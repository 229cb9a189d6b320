// Control requests and answers are MessagePack maps; here they are JSON while they are made or read.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>

#include <nlohmann/json.hpp>

#include "libruntime/failure.hpp"
#include "libruntime/value.hpp"

namespace troupe::actors {

value to_value(const nlohmann::json& j);
// nil becomes an empty object. Fails with invalid_argument when the bytes aren't a map.
result<nlohmann::json> to_json(const value& v);

// A parameter of a control request. Throws a failure (invalid_argument) that names it where it is of
// another type or out of range.
template <class T>
T parameter(const nlohmann::json& all, const char* name, T fallback) {
  auto i = all.find(name);
  if (i == all.end() || i->is_null()) return fallback;
  auto refuse = [&] {
    throw failure{errc::invalid_argument,
                  std::string{"parameter \""} + name + "\" has the wrong type: " +
                      i->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
                  {}};
  };
  try {
    if constexpr (std::is_unsigned_v<T> && !std::is_same_v<T, bool>) {
      auto n = i->is_number_unsigned() ? i->get<std::uint64_t>() : std::uint64_t{0};
      if (!i->is_number_unsigned() || n > std::numeric_limits<T>::max()) refuse();
      return static_cast<T>(n);
    } else {
      return i->get<T>();
    }
  } catch (const nlohmann::json::exception&) {
    refuse();
  }
  return fallback;
}

}  // namespace troupe::actors
