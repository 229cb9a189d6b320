#include "actors/json.hpp"

namespace troupe::actors {

value to_value(const nlohmann::json& j) {
  auto bytes = nlohmann::json::to_msgpack(j);
  return value::copy_of(std::as_bytes(std::span{bytes}));
}

result<nlohmann::json> to_json(const value& v) {
  if (v.is_nil()) return nlohmann::json::object();
  auto b = v.data();
  auto* begin = reinterpret_cast<const std::uint8_t*>(b.data());
  auto j = nlohmann::json::from_msgpack(begin, begin + b.size(), true, false);
  if (!j.is_object()) return fail(errc::invalid_argument, "parameters are not a map");
  return j;
}

}  // namespace troupe::actors
