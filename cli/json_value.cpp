// See json_value.hpp.
#include "cli/json_value.hpp"

#include <array>
#include <cmath>
#include <limits>

#include "libruntime/base64.hpp"

namespace troupe::cli {
namespace {

constexpr std::size_t max_depth = 100;

std::span<const std::byte> bytes_of(const char* data, std::size_t size) {
  return {reinterpret_cast<const std::byte*>(data), size};
}

bool is_utf8(const std::string& s) {
  try {
    json(s).dump();
    return true;
  } catch (const json::exception&) {
    return false;
  }
}

json text_or_bytes(const char* data, std::size_t size) {
  std::string s(data, size);
  if (is_utf8(s)) return s;
  return json{{"$bin", base64(bytes_of(data, size))}};
}

json convert(const msgpack::object& o, std::size_t depth);

std::string key_of(const msgpack::object& o, std::size_t depth) {
  auto j = convert(o, depth);
  return j.is_string() ? j.get<std::string>() : compact(j);
}

json convert_map(const msgpack::object_map& map, std::size_t depth) {
  json out = json::object();
  for (std::uint32_t i = 0; i < map.size; ++i)
    out[key_of(map.ptr[i].key, depth)] = convert(map.ptr[i].val, depth);
  return out;
}

json convert(const msgpack::object& o, std::size_t depth) {
  if (depth > max_depth) return "(nested too deeply to show)";
  switch (o.type) {
    case msgpack::type::NIL: return nullptr;
    case msgpack::type::BOOLEAN: return o.via.boolean;
    case msgpack::type::POSITIVE_INTEGER: return o.via.u64;
    case msgpack::type::NEGATIVE_INTEGER: return o.via.i64;
    case msgpack::type::FLOAT32:
    case msgpack::type::FLOAT64:
      return std::isfinite(o.via.f64) ? json(o.via.f64) : json(nullptr);
    case msgpack::type::STR: return text_or_bytes(o.via.str.ptr, o.via.str.size);
    case msgpack::type::BIN:
      return json{{"$bin", base64(bytes_of(o.via.bin.ptr, o.via.bin.size))}};
    case msgpack::type::EXT:
      return json{{"$ext", {o.via.ext.type(), base64(bytes_of(o.via.ext.data(), o.via.ext.size))}}};
    case msgpack::type::ARRAY: {
      json out = json::array();
      for (std::uint32_t i = 0; i < o.via.array.size; ++i)
        out.push_back(convert(o.via.array.ptr[i], depth + 1));
      return out;
    }
    case msgpack::type::MAP: return convert_map(o.via.map, depth + 1);
  }
  return nullptr;
}

using packer = msgpack::packer<msgpack::sbuffer>;

void pack_bytes(packer& p, const std::string& raw) {
  p.pack_bin(static_cast<std::uint32_t>(raw.size()));
  p.pack_bin_body(raw.data(), static_cast<std::uint32_t>(raw.size()));
}

result<void> pack_extension(packer& p, const json& j) {
  if (!j.is_array() || j.size() != 2 || !j[0].is_number_integer() || !j[1].is_string() ||
      j[0].get<std::int64_t>() < -128 || j[0].get<std::int64_t>() > 127)
    return fail(errc::invalid_argument, "\"$ext\" takes [TYPE, BASE64], TYPE from -128 to 127");
  auto raw = unbase64(j[1].get_ref<const std::string&>());
  if (!raw) return tl::unexpected(raw.error());
  p.pack_ext(raw->size(), static_cast<std::int8_t>(j[0].get<std::int64_t>()));
  p.pack_ext_body(raw->data(), static_cast<std::uint32_t>(raw->size()));
  return {};
}

result<void> pack(packer& p, const json& j, std::size_t depth);

result<void> pack_object(packer& p, const json& j, std::size_t depth) {
  if (j.size() == 1 && j.begin().key() == "$ext") return pack_extension(p, j.begin().value());
  if (j.size() == 1 && j.begin().key() == "$bin") {
    if (!j.begin()->is_string())
      return fail(errc::invalid_argument, "\"$bin\" takes a string in base64");
    auto raw = unbase64(j.begin()->get_ref<const std::string&>());
    if (!raw) return tl::unexpected(raw.error());
    pack_bytes(p, *raw);
    return {};
  }
  p.pack_map(static_cast<std::uint32_t>(j.size()));
  for (const auto& [key, member] : j.items()) {
    p.pack(key);
    if (auto done = pack(p, member, depth); !done) return done;
  }
  return {};
}

result<void> pack(packer& p, const json& j, std::size_t depth) {
  if (depth > max_depth)
    return fail(errc::invalid_argument, "nested deeper than " + std::to_string(max_depth));
  switch (j.type()) {
    case json::value_t::null:
    case json::value_t::discarded: p.pack_nil(); break;
    case json::value_t::boolean: p.pack(j.get<bool>()); break;
    case json::value_t::number_integer: p.pack(j.get<std::int64_t>()); break;
    case json::value_t::number_unsigned: p.pack(j.get<std::uint64_t>()); break;
    case json::value_t::number_float: p.pack(j.get<double>()); break;
    case json::value_t::string: p.pack(j.get_ref<const std::string&>()); break;
    case json::value_t::binary:
      pack_bytes(p, {j.get_binary().begin(), j.get_binary().end()});
      break;
    case json::value_t::array:
      p.pack_array(static_cast<std::uint32_t>(j.size()));
      for (const auto& x : j)
        if (auto done = pack(p, x, depth + 1); !done) return done;
      break;
    case json::value_t::object: return pack_object(p, j, depth + 1);
  }
  return {};
}

}  // namespace

json to_json(const value& v) {
  auto b = v.data();
  try {
    auto handle = msgpack::unpack(reinterpret_cast<const char*>(b.data()), b.size());
    return convert(handle.get(), 0);
  } catch (const msgpack::unpack_error&) {
    return json{{"$bin", base64(b)}};
  }
}

result<value> to_value(const json& j) {
  msgpack::sbuffer out;
  packer p(out);
  if (auto done = pack(p, j, 0); !done) return tl::unexpected(done.error());
  return value::copy_of(bytes_of(out.data(), out.size()));
}

result<value> to_arguments(const json& j) { return to_value(j.is_array() ? j : json::array({j})); }

result<json> parse_json(std::string_view text) {
  try {
    return json::parse(text);
  } catch (const json::parse_error& e) {
    // "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error while …"
    std::string_view words = e.what();
    auto at = words.find(" at line ");
    if (at == std::string_view::npos) return fail(errc::invalid_argument, std::string{words});
    return fail(errc::invalid_argument, "not JSON," + std::string{words.substr(at)});
  } catch (const json::exception& e) {
    return fail(errc::invalid_argument, std::string{"not JSON: "} + e.what());
  }
}

std::string compact(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace troupe::cli
