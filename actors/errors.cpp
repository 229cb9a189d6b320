#include "actors/errors.hpp"

#include <caf/all.hpp>

namespace troupe::actors {
namespace {

constexpr auto category = caf::atom("troupe");

}  // namespace

caf::error to_error(const failure& f) {
  return caf::error{static_cast<std::uint8_t>(f.code), category, caf::make_message(f.message, f.type)};
}

failure to_failure(const caf::error& e) {
  if (!e) return {errc::none, {}, {}};
  if (e.category() == category) {
    const auto& context = e.context();
    failure f{static_cast<errc>(e.code()), {}, {}};
    if (context.match_elements<std::string, std::string>()) {
      f.message = context.get_as<std::string>(0);
      f.type = context.get_as<std::string>(1);
    }
    return f;
  }
  bool silent = e == caf::sec::request_timeout || e == caf::sec::request_receiver_down;
  return {silent ? errc::unavailable : errc::internal,
          e == caf::sec::request_timeout ? "no answer in time" : caf::to_string(e), {}};
}

}  // namespace troupe::actors
