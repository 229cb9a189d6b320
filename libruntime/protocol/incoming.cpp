#include "libruntime/protocol/incoming.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "libruntime/protocol/wire.hpp"

namespace troupe::protocol {
namespace {

std::string name_of(std::uint32_t blob) { return "blob " + std::to_string(blob); }

}  // namespace

result<void> incoming::receive(std::span<const std::byte> frame, std::vector<message>& out) {
  if (frame.size() > settings_.frame.bytes)
    return fail(errc::too_large, "a frame of " + std::to_string(frame.size()) +
                                     " bytes; at most " + std::to_string(settings_.frame.bytes));
  wire::reader in{frame, settings_.frame.items};
  while (!in.at_end())
    if (auto done = receive_one(in, out); !done) return done;
  return {};
}

result<void> incoming::receive_one(wire::reader& in, std::vector<message>& out) {
  message_header header;
  if (!read_header(in, header)) return tl::unexpected{describe_problem(in, UINT32_MAX)};
  if (header.number >= session_message::blob_open) return blob_message(in, header, out);
  if (auto done = read_message(in, header, out, this); !done) return done;
  if (const auto* p = std::get_if<ping>(&out.back())) {
    if (!replies_.answer(*p)) return fail(errc::overloaded, "pings without reading the answers");
    out.pop_back();
  }
  return {};
}

result<void> incoming::blob_message(wire::reader& in, message_header header,
                                    std::vector<message>& out) {
  std::uint64_t number = 0, a = 0, b = 0;
  std::string_view bytes;
  std::uint32_t known = 0;
  auto read = [&](auto&... fields) {
    known = sizeof...(fields);
    return header.fields >= known && (fields(in) && ...);
  };
  auto integer = [](std::uint64_t& x) {
    return [&x](wire::reader& r) { return r.unsigned_integer(x); };
  };
  auto as_number = integer(number), as_a = integer(a), as_b = integer(b);
  auto as_bytes = [&](wire::reader& r) { return r.text(bytes); };
  bool ok = false;
  switch (header.number) {
    case session_message::blob_open: ok = read(as_number, as_a, as_b); break;
    case session_message::blob_data: ok = read(as_number, as_bytes); break;
    case session_message::blob_grant: ok = read(as_number, as_a); break;
    default:
      return fail(errc::protocol, "unknown message number " + std::to_string(header.number));
  }
  for (; ok && known < header.fields; ++known) ok = in.skip();
  if (!ok || number > UINT32_MAX) {
    in.fail("a malformed message about a blob");
    return tl::unexpected{describe_problem(in, header.number)};
  }
  auto blob = static_cast<std::uint32_t>(number);
  switch (header.number) {
    case session_message::blob_open: return open(blob, a, b);
    case session_message::blob_data: return data(blob, wire::as_bytes(bytes), out);
    default: replies_.granted(blob, a); return {};
  }
}

result<void> incoming::open(std::uint32_t number, std::uint64_t size, std::uint64_t kind) {
  if (open_.contains(number) || arrived_.contains(number))
    return fail(errc::protocol, name_of(number) + " is opened twice");
  if (kind > static_cast<std::uint64_t>(blob_kind::message))
    return fail(errc::protocol, name_of(number) + " is of unknown kind " + std::to_string(kind));
  bool is_message = kind == static_cast<std::uint64_t>(blob_kind::message);
  auto most = is_message ? std::uint64_t{settings_.max_message} : settings_.max_blob;
  if (size == 0) return fail(errc::protocol, name_of(number) + " is empty");
  if (size > most)
    return fail(errc::too_large, name_of(number) + " has " + std::to_string(size) +
                                     " bytes; at most " + std::to_string(most));
  auto messages = std::count_if(open_.begin(), open_.end(), [](const auto& entry) {
    return entry.second.kind == blob_kind::message;
  });
  if (open_.size() >= settings_.max_open_blobs ||
      (is_message && static_cast<std::size_t>(messages) >= settings_.max_open_messages))
    return fail(errc::overloaded, "too many blobs at a time");
  if (arrived_.size() + open_.size() >= settings_.max_incoming_blobs ||
      size > settings_.max_incoming_bytes - bytes_)
    return fail(errc::overloaded, "too many blobs ahead of the message that names them");
  bool large = size >= settings_.store_threshold ||
               memory_bytes_ + size > settings_.max_incoming_memory;
  transfer t;
  t.size = size;
  t.kind = static_cast<blob_kind>(kind);
  t.in_memory = is_message || !large || !store_;
  auto writer = t.in_memory ? memory_.create(size) : store_->create(size);
  if (!writer) return tl::unexpected{std::move(writer.error())};
  t.writer = std::move(*writer);
  bytes_ += size;
  if (t.in_memory) memory_bytes_ += size;
  open_.emplace(number, std::move(t));
  return {};
}

result<void> incoming::data(std::uint32_t number, wire::bytes bytes, std::vector<message>& out) {
  auto i = open_.find(number);
  if (i == open_.end()) return fail(errc::protocol, "data for " + name_of(number) + ", not open");
  auto& t = i->second;
  if (bytes.empty()) return fail(errc::protocol, "no data for " + name_of(number));
  if (bytes.size() > t.size - t.received)
    return fail(errc::protocol, name_of(number) + " is longer than was announced");
  if (bytes.size() > t.granted - t.received)
    return fail(errc::protocol, name_of(number) + " is sent faster than was granted");
  if (auto done = t.writer->append(bytes); !done) return done;
  t.received += bytes.size();
  if (t.received == t.size) {
    auto whole = std::move(t);
    open_.erase(i);
    return complete(number, std::move(whole), out);
  }
  if (t.granted < t.size && t.granted - t.received < settings_.window / 2) {
    t.granted = std::max(t.granted, std::min(t.size, t.received + settings_.window));
    replies_.grant(number, t.granted);
  }
  return {};
}

result<void> incoming::complete(std::uint32_t number, transfer t, std::vector<message>& out) {
  auto whole = t.writer->finish();
  if (!whole) return tl::unexpected{std::move(whole.error())};
  if (t.kind == blob_kind::message) {
    forget(t.size, t.in_memory);
    return long_message(*whole, out);
  }
  if (auto fine = wire::check_object(whole->data()); !fine)
    return fail(fine.error().code, name_of(number) + ": " + fine.error().message);
  arrived_.emplace(number, arrived{std::move(*whole), t.size, t.in_memory});
  return {};
}

result<void> incoming::long_message(const value& bytes, std::vector<message>& out) {
  wire::reader in{bytes.data(), settings_.max_message_items};
  message_header header;
  if (!read_header(in, header)) return tl::unexpected{describe_problem(in, UINT32_MAX)};
  if (auto done = read_message(in, header, out, this); !done) return done;
  if (!in.at_end()) return fail(errc::protocol, "bytes follow a long message");
  return {};
}

std::optional<value> incoming::take(std::uint32_t number) {
  auto i = arrived_.find(number);
  if (i == arrived_.end()) return std::nullopt;
  auto v = std::move(i->second.bytes);
  forget(i->second.size, i->second.in_memory);
  arrived_.erase(i);
  return v;
}

void incoming::forget(std::uint64_t size, bool in_memory) {
  bytes_ -= size;
  if (in_memory) memory_bytes_ -= size;
}

}  // namespace troupe::protocol
