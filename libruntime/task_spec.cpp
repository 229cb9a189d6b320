#include "libruntime/task_spec.hpp"

#include <array>
#include <new>

#include "libruntime/protocol/wire.hpp"

namespace troupe {
namespace {

// Where `args` names an input: the extension object is these 6 bytes.
struct place {
  std::size_t offset;
  std::uint32_t input;
};
constexpr std::size_t reference_size = 6;

// As much as one value may hold on a link; a few bytes can name a large input many times.
constexpr std::size_t max_spliced = std::size_t{16} << 30;

// Walks the arguments token by token: an extension body or a string may hold the same bytes as a
// reference.
class scanner {
 public:
  explicit scanner(wire::bytes args) : in_(args) {}

  result<std::vector<place>> places() {
    std::array<std::uint64_t, wire::max_depth> left;
    std::size_t depth = 0;
    do {
      if (depth > 0) --left[depth - 1];
      std::uint64_t children = next();
      if (!in_.ok())
        return fail(errc::invalid_argument, "arguments are not MessagePack: " + in_.describe());
      if (children > 0) {
        if (depth == left.size())
          return fail(errc::too_large, "arguments are nested too deeply");
        left[depth++] = children;
      }
      while (depth > 0 && left[depth - 1] == 0) --depth;
    } while (depth > 0);
    if (!in_.at_end()) return fail(errc::invalid_argument, "bytes follow the arguments");
    return std::move(places_);
  }

 private:
  std::uint64_t next() {
    auto offset = in_.offset();
    std::uint32_t input = 0;
    std::uint64_t children = 0;
    if (in_.take_extension(input_extension, input)) {
      places_.push_back({offset, input});
    } else {
      in_.step(children);
    }
    return children;
  }

  wire::reader in_;
  std::vector<place> places_;
};

}  // namespace

std::string function_key(const task_spec& spec) {
  if (spec.kind == task_kind::call) return spec.function;
  return "[" + (spec.command.argv.empty() ? std::string{} : spec.command.argv.front()) + "]";
}

result<value> splice_inputs(const value& args, const boxed_vector<value>& inputs) {
  if (inputs.empty() && args.is_nil()) return args;
  auto data = args.data();
  auto found = scanner{data}.places();
  if (!found) return tl::unexpected{std::move(found.error())};
  if (found->empty()) return args;
  std::vector<wire::bytes> pieces;
  pieces.reserve(2 * found->size() + 1);
  std::size_t from = 0, size = 0;
  for (auto [offset, input] : *found) {
    if (input >= inputs.size())
      return fail(errc::invalid_argument, "arguments name input " + std::to_string(input) +
                                              ", but the task has " +
                                              std::to_string(inputs.size()));
    pieces.push_back(data.subspan(from, offset - from));
    pieces.push_back(inputs[input].data());
    size += pieces.back().size();
    if (size > max_spliced) return fail(errc::too_large, "arguments with their inputs exceed 16 GiB");
    from = offset + reference_size;
  }
  pieces.push_back(data.subspan(from));
  try {
    return value::joined(pieces);
  } catch (const std::bad_alloc&) {
    return fail(errc::too_large, "no memory for arguments with their inputs");
  }
}

value encode(const exec_result& r) {
  std::string out;
  out.reserve(r.stdout_data.size() + r.stderr_data.size() + 64);
  {
    wire::writer w{out};
    w.map(5);
    w.text("exit_code");
    w.signed_integer(r.exit_code);
    w.text("signal");
    w.signed_integer(r.signal);
    w.text("stdout");
    w.text(r.stdout_data);
    w.text("stderr");
    w.text(r.stderr_data);
    w.text("truncated");
    w.boolean(r.truncated);
  }
  return value::copy_of(wire::as_bytes(out));
}

result<exec_result> decode_exec_result(const value& v) {
  exec_result r;
  wire::reader in{v.data()};
  auto integer = [&](int& x) {
    std::int64_t n = 0;
    if (!in.signed_integer(n)) return false;
    if (n < INT32_MIN || n > INT32_MAX) return in.fail("integer out of range");
    x = static_cast<int>(n);
    return true;
  };
  auto text = [&](std::string& s) {
    std::string_view t;
    if (!in.text(t)) return false;
    s = t;
    return true;
  };
  std::uint32_t n = 0;
  bool ok = in.map(n);
  for (std::uint32_t i = 0; ok && i < n; ++i) {
    std::string_view key;
    if (!in.text(key)) break;
    if (key == "exit_code") {
      ok = integer(r.exit_code);
    } else if (key == "signal") {
      ok = integer(r.signal);
    } else if (key == "stdout") {
      ok = text(r.stdout_data);
    } else if (key == "stderr") {
      ok = text(r.stderr_data);
    } else if (key == "truncated") {
      ok = in.boolean(r.truncated);
    } else {
      ok = in.skip();
    }
  }
  if (!in.ok())
    return fail(errc::invalid_argument, "not the result of a command: " + in.describe());
  return r;
}

}  // namespace troupe
