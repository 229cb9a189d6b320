// docs/protocol.md against the code: its tables of messages are what the structs say, and its worked
// example is what the encoder makes. TROUPE_UPDATE_DOCS=1 in the environment rewrites the tables.
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <type_traits>

#include "libruntime/arguments.hpp"
#include "libruntime/protocol/codec.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::protocol;

namespace {

template <class T>
concept structure = requires(const T& x) { x.fields(); } && !std::is_same_v<T, resource_set>;

// "task_options" of a type's full name, as both compilers spell it.
template <class T>
std::string short_name() {
  std::string text = __PRETTY_FUNCTION__;
  text = text.substr(text.find("T = ") + 4);
  text = text.substr(0, text.find_first_of(";]"));
  return text.substr(text.rfind(':') + 1);
}

template <class Tag, class Rep>
std::string id_name(strong_id<Tag, Rep>*) {
  auto name = short_name<Tag>();
  name = name.substr(0, name.size() - std::string{"_tag"}.size());
  return name == "incarnation" ? name : name + "_id";
}

class tables {
 public:
  tables() {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      ((messages_ += row<std::variant_alternative_t<I, message>>(std::to_string(I) + " | ")), ...);
    }(std::make_index_sequence<message_count>{});
  }
  std::string text() const {
    std::string out = "| no. | message | fields |\n| --- | --- | --- |\n" + messages_;
    out += "\n| structure | fields |\n| --- | --- |\n";
    for (const auto& entry : structures_) out += entry.second;
    return out;
  }

 private:
  template <class T>
  std::string row(const std::string& first) {
    auto names = T::field_names();
    T by_default{};
    std::string list;
    std::apply(
        [&](auto&... field) {
          ((list += (list.empty() ? "" : ", ") + this->field(next(names), field)), ...);
        },
        by_default.fields());
    return "| " + first + short_name<T>() + " | " + list + " |\n";
  }

  static std::string next(std::string_view& names) {
    auto comma = names.find(',');
    std::string name{names.substr(0, comma)};
    names.remove_prefix(comma == std::string_view::npos ? names.size() : comma + 1);
    while (!names.empty() && (names.front() == ' ' || names.front() == '\n')) names.remove_prefix(1);
    if (!name.empty() && name.back() == '_') name.pop_back();
    return name;
  }

  template <class T>
  std::string field(std::string name, const T& by_default) {
    return "`" + name + "` " + type<T>() + default_text(by_default);
  }
  template <class T>
  static std::string default_text(const T& x) {
    if constexpr (std::is_same_v<T, bool>) {
      return x ? " = true" : "";
    } else if constexpr (std::is_integral_v<T>) {
      return x ? " = " + std::to_string(x) : "";
    } else {
      return "";
    }
  }

  template <class T>
  std::string type() {
    if constexpr (std::is_same_v<T, bool>) {
      return "bool";
    } else if constexpr (std::is_integral_v<T>) {
      return (std::is_signed_v<T> ? "int" : "uint") + std::to_string(8 * sizeof(T));
    } else if constexpr (std::is_same_v<T, double>) {
      return "float";
    } else if constexpr (std::is_same_v<T, std::string>) {
      return "string";
    } else if constexpr (std::is_same_v<T, duration>) {
      return "duration";
    } else if constexpr (std::is_same_v<T, value>) {
      return "value";
    } else if constexpr (std::is_same_v<T, resource_set>) {
      return "resources";
    } else if constexpr (std::is_same_v<T, std::pair<std::string, std::string>>) {
      return "(string, string)";
    } else if constexpr (std::is_enum_v<T>) {
      return short_name<T>();
    } else if constexpr (requires(T x) { id_name(&x); }) {
      return id_name(static_cast<T*>(nullptr));
    } else {
      return compound(static_cast<T*>(nullptr));
    }
  }
  template <structure T>
  std::string compound(T*) {
    auto name = short_name<T>();
    if (!structures_.contains(name)) {
      structures_[name] = "";  // before its fields, should it ever contain itself
      structures_[name] = row<T>("");
    }
    return name;
  }
  template <class T>
  std::string compound(std::vector<T>*) {
    return "[" + type<T>() + "]";
  }
  template <class T>
  std::string compound(boxed_vector<T>*) {
    return "[" + type<T>() + "]";
  }
  template <class T>
  std::string compound(std::optional<T>*) {
    return type<T>() + "?";
  }
  template <class T>
  std::string compound(boxed<T>*) {
    return type<T>() + "?";
  }

  std::string messages_;
  std::map<std::string, std::string> structures_;
};

constexpr const char* path = TROUPE_SOURCE_DIR "/docs/protocol.md";
constexpr std::string_view begin_mark = "<!-- generated tables: begin -->\n";
constexpr std::string_view end_mark = "<!-- generated tables: end -->\n";

std::string document() {
  std::ifstream in{path};
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (unsigned char c : bytes) {
    char two[4];
    std::snprintf(two, sizeof two, "%02x", c);
    out += (out.empty() ? "" : " ") + std::string{two};
  }
  return out;
}

std::string encoded(const message& m) {
  std::string out;
  encode(m, out);
  return out;
}

}  // namespace

TEST_CASE("the protocol document lists every message and structure as the code has them") {
  auto text = document();
  auto begin = text.find(begin_mark), end = text.find(end_mark);
  REQUIRE(begin != std::string::npos);
  REQUIRE(end != std::string::npos);
  begin += begin_mark.size();
  auto expected = tables{}.text();
  if (std::getenv("TROUPE_UPDATE_DOCS")) {
    text.replace(begin, end - begin, expected);
    std::ofstream{path} << text;
  }
  INFO("run this test with TROUPE_UPDATE_DOCS=1 to rewrite the tables");
  CHECK(document().find(begin_mark.data() + expected + end_mark.data()) != std::string::npos);
}

TEST_CASE("the protocol document's worked example is what the encoder makes") {
  auto text = document();
  hello h;
  h.role = role::client;
  h.software = "me/1";
  h.incarnation = 0x1122334455667788;
  open_job open;
  open.key = 1;
  open.name = "demo";
  define_template define;
  define.key = 1;
  define.spec.function = "add";
  add_tasks add;
  add.key = 1;
  add.tasks.push_back({pack_arguments(2, 3), {}, {}, {}});
  add.tasks.push_back({pack_arguments(4, 5), {}, {}, {}});
  results r;
  r.key = 1;
  r.job = job_id{12};
  r.items = {{0, outcome::succeeded, value::of(5), {}}, {1, outcome::succeeded, value::of(9), {}}};
  job_finished end{1, job_id{12}, 2, 0, 0};
  failure why{errc::task_error, "no", "E"};
  results failed{1, job_id{12}, {{0, outcome::failed, {}, why}}};
  for (const message& m : {message{h}, message{open}, message{define}, message{add},
                           message{close_job{1}}, message{submit_credit{200'000}},
                           message{job_opened{1, job_id{12}}}, message{r}, message{failed},
                           message{end}, message{release_results{job_id{12}, {{0, 2}}}}}) {
    auto line = "`" + hex(encoded(m)) + "`";
    INFO(message_name(m.index()) << " is " << line);
    CHECK(text.find(line) != std::string::npos);
  }
}
