#include "libruntime/function_registry.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>

#include <cxxabi.h>

namespace troupe {
namespace {

constexpr std::size_t max_message = 16'384;  // of an exception's text, in bytes

bool is_name(std::string_view name) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"._-:/"}.find(c) != std::string_view::npos;
  };
  return !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), allowed);
}

std::string_view kind_of(const msgpack::object& o) {
  switch (o.type) {
    case msgpack::type::NIL: return "nil";
    case msgpack::type::BOOLEAN: return "bool";
    case msgpack::type::POSITIVE_INTEGER:
    case msgpack::type::NEGATIVE_INTEGER: return "int";
    case msgpack::type::FLOAT32:
    case msgpack::type::FLOAT64: return "float";
    case msgpack::type::STR: return "string";
    case msgpack::type::BIN: return "bytes";
    case msgpack::type::ARRAY: return "array";
    case msgpack::type::MAP: return "map";
    case msgpack::type::EXT: return "extension";
  }
  return "something else";
}

std::string list_of(const std::vector<std::string>& types) {
  std::string out = "(";
  for (const auto& t : types) out += (out.size() > 1 ? ", " : "") + t;
  return out + ")";
}

result<value> wrong_count(std::string_view name, const registered_function& f, std::size_t got) {
  auto n = f.parameters.size();
  auto takes = n == 0 ? std::string{" takes no arguments"}
                      : " takes " + std::to_string(n) + (n == 1 ? " argument " : " arguments ") +
                            list_of(f.parameters);
  return fail(errc::invalid_argument, std::string{name} + takes + ", got " + std::to_string(got));
}

// Strings and bytes stay where they are in the arguments' buffer, which outlives the call.
result<msgpack::object> unpack(const value& arguments, msgpack::zone& zone) {
  try {
    return unpack_object(arguments.data(), zone);
  } catch (const msgpack::unpack_error& e) {
    return fail(errc::invalid_argument, std::string{"arguments are not MessagePack: "} + e.what());
  }
}

// As a call without arguments mostly has it; needs no unpacking.
bool is_empty_list(const value& v) {
  auto bytes = v.data();
  return bytes.size() == 1 && bytes[0] == std::byte{0x90};
}

std::string cut(std::string text) {
  if (text.size() <= max_message) return text;
  auto end = max_message;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text + " [cut]";
}

}  // namespace

std::string demangle(const char* mangled) {
  int status = 0;
  std::unique_ptr<char, decltype(&std::free)> name{
      abi::__cxa_demangle(mangled, nullptr, nullptr, &status), &std::free};
  return status == 0 ? name.get() : mangled;
}

failure current_failure() {
  try {
    throw;
  } catch (const cancelled_error& e) {
    auto code = e.reason() == stop_reason::timed_out ? errc::timed_out : errc::cancelled;
    return {code, e.what(), {}};
  } catch (const std::exception& e) {
    return {errc::task_error, cut(e.what()), demangle(typeid(e).name())};
  } catch (const abi::__forced_unwind&) {
    throw;  // the thread is being ended; it must not be stopped here
  } catch (...) {
    const auto* type = abi::__cxa_current_exception_type();
    return {errc::task_error, "threw something that is not a std::exception",
            type ? demangle(type->name()) : std::string{}};
  }
}

void function_registry::insert(std::string name, registered_function f) {
  if (!is_name(name))
    throw std::invalid_argument("\"" + name +
                                "\" can't name a function: use 1 to 255 letters, digits and ._-:/");
  auto [i, fresh] = functions_.try_emplace(std::move(name), std::move(f));
  if (!fresh) throw std::invalid_argument("function \"" + i->first + "\" is registered twice");
}

result<value> function_registry::invoke(std::string_view name, const registered_function* f,
                                        task_context& context, const value& arguments) {
  if (!f)
    return fail(errc::unknown_function,
                "this worker knows no function \"" + std::string{name} + "\"");
  std::optional<unpack_zone> zone;
  msgpack::object list;  // nil
  if (!arguments.is_nil() && !is_empty_list(arguments)) {
    auto unpacked = unpack(arguments, *zone.emplace());
    if (!unpacked) return tl::unexpected{std::move(unpacked.error())};
    list = *unpacked;
  }
  bool none = list.type == msgpack::type::NIL;
  if (list.type != msgpack::type::ARRAY && !none)
    return fail(errc::invalid_argument, std::string{name} + ": arguments must be one array, got " +
                                            std::string{kind_of(list)});
  std::size_t count = none ? 0 : list.via.array.size;
  if (count != f->parameters.size()) return wrong_count(name, *f, count);
  const auto* first = none ? nullptr : list.via.array.ptr;
  try {
    return f->call(context, first);
  } catch (const bad_argument& e) {
    return fail(errc::invalid_argument,
                std::string{name} + ": argument " + std::to_string(e.position + 1) + " must be " +
                    f->parameters[e.position] + ", got " +
                    std::string{kind_of(first[e.position])});
  } catch (...) {
    return tl::unexpected{current_failure()};
  }
}

const registered_function* function_registry::find(std::string_view name) const {
  auto i = functions_.find(name);
  return i == functions_.end() ? nullptr : &i->second;
}

std::vector<std::string> function_registry::names() const {
  std::vector<std::string> out;
  out.reserve(functions_.size());
  for (const auto& entry : functions_) out.push_back(entry.first);
  return out;
}

std::string function_registry::signature(std::string_view name) const {
  const auto* f = find(name);
  return f ? std::string{name} + list_of(f->parameters) + " -> " + f->returns : std::string{};
}

}  // namespace troupe
