// The encoding follows from fields(): a struct is the array of its fields, a message the array of
// its number and its fields.
#include "libruntime/protocol/codec.hpp"

#include <array>
#include <limits>
#include <type_traits>

#include "libruntime/protocol/field_walk.hpp"

namespace troupe::protocol {
namespace {

// ---- encoding ---------------------------------------------------------------------------------

class encoder {
 public:
  encoder(std::string& out, blob_sink* blobs) : out_(out), blobs_(blobs) {}

  template <structure T>
  void put_message(std::uint32_t number, const T& x) {
    auto n = used(x);
    out_.array(n + 1);
    out_.unsigned_integer(number);
    put_fields(x, n);
  }
  std::size_t items() const { return items_; }

 private:
  template <structure T>
  void put(const T& x) {
    auto n = used(x);
    out_.array(n);
    put_fields(x, n);
  }
  template <structure T>
  void put_fields(const T& x, std::size_t n) {
    auto fields = x.fields();
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      ((I < n ? put(std::get<I>(fields)) : void()), ...);
    }(std::make_index_sequence<std::tuple_size_v<decltype(fields)>>{});
  }

  template <class T>
    requires std::is_integral_v<T>
  void put(T x) {
    if constexpr (std::is_same_v<T, bool>) {
      out_.boolean(x);
    } else if constexpr (std::is_signed_v<T>) {
      out_.signed_integer(x);
    } else {
      out_.unsigned_integer(x);
    }
  }
  template <class E>
    requires std::is_enum_v<E>
  void put(E x) {
    out_.unsigned_integer(static_cast<std::underlying_type_t<E>>(x));
  }
  template <class Tag, class Rep>
  void put(strong_id<Tag, Rep> id) {
    out_.unsigned_integer(id.value);
  }
  void put(double x) { out_.real(x); }
  void put(duration d) { out_.signed_integer(d.count()); }
  void put(const std::string& s) { out_.text(s); }
  void put(const std::pair<std::string, std::string>& p) {
    out_.array(2);
    put(p.first);
    put(p.second);
  }
  void put(const resource_set& r) {
    list(r.entries().size());
    for (const auto& [name, a] : r.entries()) {
      out_.array(2);
      put(name);
      out_.signed_integer(a);
    }
  }
  template <class T>
  void put(const std::vector<T>& v) {
    list(v.size());
    for (const auto& x : v) put(x);
  }
  template <class T>
  void put(const boxed_vector<T>& v) {
    list(v.size());
    for (const auto& x : v) put(x);
  }
  template <class T>
  void put(const std::optional<T>& x) {
    put_if_any(x);
  }
  template <class T>
  void put(const boxed<T>& x) {
    put_if_any(x);
  }
  template <class Optional>
  void put_if_any(const Optional& x) {
    if (x) {
      put(*x);
    } else {
      out_.nil();
    }
  }
  void put(const value& v) {
    if (v.is_nil()) return out_.nil();
    auto data = v.data();
    if (blobs_ && (data.size() > blobs_->threshold || looks_like_blob(data))) {
      out_.extension(blob_extension, blobs_->next);
      blobs_->values.emplace_back(blobs_->next++, v);
    } else {
      out_.raw(data);
    }
  }

  // A value that is itself an extension object as we use it for blobs goes as a blob.
  static bool looks_like_blob(std::span<const std::byte> data) {
    return data.size() == 6 && data[0] == std::byte{0xd6} && data[1] == std::byte{blob_extension};
  }
  void list(std::size_t n) {
    out_.array(n);
    items_ += n;
  }

  wire::writer out_;
  blob_sink* blobs_;
  std::size_t items_ = 1;
};

// ---- decoding ---------------------------------------------------------------------------------

class decoder {
 public:
  decoder(wire::reader& in, blob_source* blobs) : in_(in), blobs_(blobs) {}

  template <structure T>
  bool get_fields(T& x, std::uint32_t n) {
    auto fields = x.fields();
    constexpr std::uint32_t known = std::tuple_size_v<decltype(fields)>;
    bool ok = [&]<std::size_t... I>(std::index_sequence<I...>) {
      return ((I >= n || get(std::get<I>(fields))) && ...);
    }(std::make_index_sequence<known>{});
    for (auto i = known; ok && i < n; ++i) ok = in_.skip();  // a newer peer's
    return ok;
  }

 private:
  template <structure T>
  bool get(T& x) {
    std::uint32_t n = 0;
    return in_.array(n) && get_fields(x, n);
  }

  template <class T>
    requires std::is_integral_v<T>
  bool get(T& x) {
    if constexpr (std::is_same_v<T, bool>) {
      return in_.boolean(x);
    } else if constexpr (std::is_signed_v<T>) {
      std::int64_t n = 0;
      if (!in_.signed_integer(n)) return false;
      if (n < std::numeric_limits<T>::min() || n > std::numeric_limits<T>::max())
        return in_.fail("integer out of range");
      x = static_cast<T>(n);
      return true;
    } else {
      std::uint64_t n = 0;
      if (!in_.unsigned_integer(n)) return false;
      if (n > std::numeric_limits<T>::max()) return in_.fail("integer out of range");
      x = static_cast<T>(n);
      return true;
    }
  }
  template <class E>
    requires std::is_enum_v<E>
  bool get(E& x) {
    std::uint64_t n = 0;
    if (!in_.unsigned_integer(n)) return false;
    if (n < static_cast<std::uint64_t>(enum_range<E>::first) ||
        n > static_cast<std::uint64_t>(enum_range<E>::last))
      return in_.fail("not a known value of this enumeration");
    x = static_cast<E>(n);
    return true;
  }
  // A newer peer may know more reasons; what it says in words is what counts.
  bool get(errc& x) {
    std::uint64_t n = 0;
    if (!in_.unsigned_integer(n)) return false;
    x = n <= static_cast<std::uint64_t>(errc::internal) ? static_cast<errc>(n) : errc::internal;
    return true;
  }
  template <class Tag, class Rep>
  bool get(strong_id<Tag, Rep>& id) {
    return get(id.value);
  }
  bool get(double& x) { return in_.real(x); }
  bool get(duration& d) {
    std::int64_t n = 0;
    if (!in_.signed_integer(n)) return false;
    d = duration{n};
    return true;
  }
  bool get(std::string& s) {
    std::string_view text;
    if (!in_.text(text)) return false;
    s = text;
    return true;
  }
  bool get(std::pair<std::string, std::string>& p) {
    std::uint32_t n = 0;
    if (!in_.array(n)) return false;
    return n == 2 ? get(p.first) && get(p.second) : in_.fail("expected a pair");
  }
  bool get(resource_set& r) {
    std::uint32_t n = 0;
    if (!in_.list(n)) return false;
    if (n > max_resources) return in_.fail_limit("too many resources");
    for (std::uint32_t i = 0; i < n; ++i) {
      std::uint32_t two = 0;
      std::string_view name;
      std::int64_t a = 0;
      if (!in_.array(two)) return false;
      if (two != 2) return in_.fail("expected a pair");
      if (!in_.text(name) || !in_.signed_integer(a)) return false;
      if (name.empty() || a < 0) return in_.fail("a resource without name or below 0");
      r.set(name, a);
    }
    return true;
  }
  template <class T>
  bool get(std::vector<T>& v) {
    return get_list(v);
  }
  template <class T>
  bool get(boxed_vector<T>& v) {
    return get_list(v);
  }
  template <class List>
  bool get_list(List& v) {
    std::uint32_t n = 0;
    if (!in_.list(n)) return false;
    v.resize(n);
    for (auto& x : v)
      if (!get(x)) return false;
    return true;
  }
  template <class T>
  bool get(std::optional<T>& x) {
    return get_if_any(x);
  }
  template <class T>
  bool get(boxed<T>& x) {
    return get_if_any(x);
  }
  template <class Optional>
  bool get_if_any(Optional& x) {
    if (in_.take_nil()) {
      x.reset();
      return true;
    }
    return get(x.emplace());
  }
  bool get(value& v) {
    if (in_.take_nil()) {
      v = {};
      return true;
    }
    std::uint32_t number = 0;
    if (blobs_ && in_.take_extension(blob_extension, number)) {
      auto blob = blobs_->take(number);
      if (!blob) return in_.fail("names a blob that has not come");
      v = std::move(*blob);
      return true;
    }
    wire::bytes data;
    if (!in_.object(data)) return false;
    v = value::copy_of(data);
    return true;
  }

  wire::reader& in_;
  blob_source* blobs_;
};

// ---- one entry a message ----------------------------------------------------------------------

using get_function = bool (*)(decoder&, std::uint32_t fields, message&);

template <std::size_t I>
bool get_message(decoder& in, std::uint32_t fields, message& m) {
  return in.get_fields(m.emplace<I>(), fields);
}

constexpr auto get_functions = []<std::size_t... I>(std::index_sequence<I...>) {
  return std::array<get_function, sizeof...(I)>{get_message<I>...};
}(std::make_index_sequence<message_count>{});

// "finished" of "… [with T = troupe::protocol::finished]" (GCC) or "… [T = …]" (Clang).
template <class T>
constexpr std::string_view name_of() {
  std::string_view text = __PRETTY_FUNCTION__;
  text = text.substr(text.find("T = ") + 4);
  text = text.substr(0, text.find_first_of(";]"));
  return text.substr(text.rfind(':') + 1);
}

constexpr auto names = []<std::size_t... I>(std::index_sequence<I...>) {
  return std::array<std::string_view, sizeof...(I)>{
      name_of<std::variant_alternative_t<I, message>>()...};
}(std::make_index_sequence<message_count>{});
static_assert(names[24] == "finished");

}  // namespace

std::size_t encode(const message& m, std::string& out, blob_sink* blobs) {
  encoder e{out, blobs};
  std::visit([&](const auto& x) { e.put_message(static_cast<std::uint32_t>(m.index()), x); }, m);
  return e.items();
}

bool read_header(wire::reader& in, message_header& header) {
  std::uint32_t n = 0;
  std::uint64_t number = 0;
  if (!in.array(n)) return false;
  if (n == 0) return in.fail("expected an array that begins with the message's number");
  if (!in.charge(1) || !in.unsigned_integer(number)) return false;
  if (number > UINT32_MAX) return in.fail("integer out of range");
  header = {static_cast<std::uint32_t>(number), n - 1};
  return true;
}

result<void> read_message(wire::reader& in, message_header header, std::vector<message>& out,
                          blob_source* blobs) {
  if (header.number >= message_count)
    return fail(errc::protocol, "unknown message number " + std::to_string(header.number));
  decoder d{in, blobs};
  if (!get_functions[header.number](d, header.fields, out.emplace_back())) {
    out.pop_back();
    return tl::unexpected{describe_problem(in, header.number)};
  }
  return {};
}

result<void> decode(std::span<const std::byte> frame, std::vector<message>& out,
                    const frame_limits& limits, blob_source* blobs) {
  if (frame.size() > limits.bytes)
    return fail(errc::too_large, "a frame of " + std::to_string(frame.size()) +
                                     " bytes; at most " + std::to_string(limits.bytes) + " may come");
  wire::reader in{frame, limits.items};
  while (!in.at_end()) {
    message_header header;
    if (!read_header(in, header)) return tl::unexpected{describe_problem(in, UINT32_MAX)};
    if (auto done = read_message(in, header, out, blobs); !done) return done;
  }
  return {};
}

failure describe_problem(const wire::reader& in, std::uint32_t number) {
  std::string where = "a message's head";
  if (number != UINT32_MAX) {
    where = "message " + std::to_string(number);
    if (number < message_count) where += " (" + std::string{names[number]} + ")";
  }
  return {in.over_limit() ? errc::too_large : errc::protocol, where + ", " + in.describe(), {}};
}

std::string_view message_name(std::size_t number) {
  return number < message_count ? names[number] : std::string_view{};
}

}  // namespace troupe::protocol
