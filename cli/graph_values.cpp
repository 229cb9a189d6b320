// Arguments of a graph file's calls: YAML → MessagePack, with the core schema's types of scalars.
#include <charconv>
#include <cmath>
#include <optional>
#include <string>

#include "cli/graph_reader.hpp"

namespace troupe::cli {
namespace {

// Aliases can make a small file mean a huge value; no honest argument list comes near these.
constexpr std::size_t max_depth = 100;
constexpr std::size_t max_nodes = 10'000'000;

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  for (auto w : words)
    if (text == w) return true;
  return false;
}

template <class T>
std::optional<T> whole(std::string_view text, int base) {
  T n{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return n;
}

std::optional<double> floating(std::string_view text) {
  if (is_one_of(text, {".inf", ".Inf", ".INF", "+.inf"})) return HUGE_VAL;
  if (is_one_of(text, {"-.inf", "-.Inf", "-.INF"})) return -HUGE_VAL;
  if (is_one_of(text, {".nan", ".NaN", ".NAN"})) return std::nan("");
  if (text.starts_with('+')) text.remove_prefix(1);
  // from_chars also knows "inf" and "nan", which are plain words in YAML.
  if (text.find_first_not_of("0123456789.eE+-") != std::string_view::npos) return std::nullopt;
  double d = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), d);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return d;
}

class argument_writer {
 public:
  argument_writer(graph_task& task, graph_problems& problems)
      : task_(task), problems_(problems), packer_(buffer_) {}

  void write(const YAML::Node& n) { write(n, 0, false); }

  value take() {
    return value::copy_of({reinterpret_cast<const std::byte*>(buffer_.data()), buffer_.size()});
  }

 private:
  void write(const YAML::Node& n, std::size_t depth, bool literal) {
    if (too_much(n, depth)) return;
    switch (n.Type()) {
      case YAML::NodeType::Scalar: return write_scalar(n);
      case YAML::NodeType::Sequence:
        packer_.pack_array(static_cast<std::uint32_t>(n.size()));
        for (const auto& x : n) write(x, depth + 1, literal);
        return;
      case YAML::NodeType::Map: return write_map(n, depth, literal);
      case YAML::NodeType::Null:
      case YAML::NodeType::Undefined: packer_.pack_nil();
    }
  }

  void write_map(const YAML::Node& n, std::size_t depth, bool literal) {
    if (!literal && n.size() == 1) {
      auto only = *n.begin();
      if (only.first.IsScalar() && only.first.Scalar() == "from") return write_input(only.second);
      if (only.first.IsScalar() && only.first.Scalar() == "literal")
        return write(only.second, depth + 1, true);
    }
    packer_.pack_map(static_cast<std::uint32_t>(n.size()));
    for (const auto& entry : n) {
      write(entry.first, depth + 1, true);
      write(entry.second, depth + 1, literal);
    }
  }

  // The place of another task's result: its position in the list of inputs, see input_extension.
  void write_input(const YAML::Node& id) {
    if (!id.IsScalar()) {
      problems_.add(id, task_.where + ": args: from must be the id of a task, this is " +
                            describe_node(id) + " (a map that only looks like it is written "
                            "{literal: {from: …}})");
      packer_.pack_nil();
      return;
    }
    std::size_t position = 0;
    while (position < task_.inputs.size() && task_.inputs[position].id != id.Scalar()) ++position;
    if (position == task_.inputs.size()) task_.inputs.push_back({id.Scalar(), id});
    const char body[] = {static_cast<char>(position >> 24), static_cast<char>(position >> 16),
                         static_cast<char>(position >> 8), static_cast<char>(position)};
    packer_.pack_ext(sizeof body, input_extension);
    packer_.pack_ext_body(body, sizeof body);
  }

  void write_scalar(const YAML::Node& n) {
    const auto& text = n.Scalar();
    // yaml-cpp tags quoted scalars "!" and plain ones "?".
    if (n.Tag() == "!" || n.Tag() == "tag:yaml.org,2002:str") return void(packer_.pack(text));
    if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) return void(packer_.pack_nil());
    if (is_one_of(text, {"true", "True", "TRUE"})) return void(packer_.pack(true));
    if (is_one_of(text, {"false", "False", "FALSE"})) return void(packer_.pack(false));
    std::string_view digits = text;
    if (digits.starts_with('+')) digits.remove_prefix(1);
    int base = digits.starts_with("0x") ? 16 : digits.starts_with("0o") ? 8 : 10;
    if (base != 10) digits.remove_prefix(2);
    if (auto u = whole<std::uint64_t>(digits, base)) return void(packer_.pack(*u));
    if (auto i = whole<std::int64_t>(text, 10)) return void(packer_.pack(*i));
    if (auto d = floating(text)) return void(packer_.pack(*d));
    packer_.pack(text);
  }

  bool too_much(const YAML::Node& n, std::size_t depth) {
    if (depth <= max_depth && ++nodes_ <= max_nodes) return false;
    packer_.pack_nil();
    if (reported_) return true;
    reported_ = true;
    problems_.add(n, task_.where + ": args: " +
                         (depth > max_depth ? "nested deeper than " + std::to_string(max_depth)
                                            : "more than " + std::to_string(max_nodes) +
                                                  " values (aliases count each time)"));
    return true;
  }

  graph_task& task_;
  graph_problems& problems_;
  msgpack::sbuffer buffer_;
  msgpack::packer<msgpack::sbuffer> packer_;
  std::size_t nodes_ = 0;
  bool reported_ = false;
};

}  // namespace

void read_arguments(const YAML::Node& args, graph_task& task, graph_problems& problems) {
  if (!args.IsSequence())
    return problems.add(args, task.where + ": args: must be a list, such as [in.txt, {from: a}], "
                                           "this is " + describe_node(args));
  argument_writer writer(task, problems);
  writer.write(args);
  task.arguments = writer.take();
}

}  // namespace troupe::cli
