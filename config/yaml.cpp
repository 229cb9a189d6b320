// yaml-cpp's event interface into an option tree. See yaml.hpp.
//
// Events rather than its nodes, because only they give the place of a key, keep both of two equal
// keys, and let us stop in the middle of a document that is too large.
#include "config/yaml.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace troupe::config {

namespace {

using shape = option_value::shape;

// Ends parsing: the document is understood but not acceptable.
struct refused {
  option_origin at;
  std::string message;
};

class tree_builder : public YAML::EventHandler {
 public:
  tree_builder(std::string_view text, const std::string& name, const yaml_limits& limits,
               option_report& report)
      : text_(text), name_(name), limits_(limits), report_(report) {}

  option_value take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) {
      throw refused{place(mark), "a second document begins here; expected one a file"};
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    option_value v;
    v.at = place(mark);
    finish(std::move(v), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw refused{place(mark), "an alias inside of what it stands for"};
    }
    count(found->second.size, place(mark));
    finish_counted(found->second.value, 0, found->second.size);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    auto v = option_value::scalar(text, is_text(tag, mark));
    v.at = place(mark);
    if (v.quoted && !is_closed(mark))
      throw refused{v.at, "a quote is opened here and never closed"};
    finish(std::move(v), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    is_text(tag, mark);
    open(option_value::list(), mark, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    is_text(tag, mark);
    open(option_value::map(), mark, anchor);
  }
  void OnMapEnd() override {
    merge(open_.back().value);
    close();
  }

 private:
  // A list or map that has begun but not ended.
  struct frame {
    option_value value;
    YAML::anchor_t anchor = 0;
    std::size_t size = 1;  // values in it, itself included
    bool has_key = false;  // of a map: the next value belongs to `key`
    bool bad_key = false;  // … which was refused, so that the value is dropped
    std::string key;
    option_origin key_at;
  };
  struct anchored {
    option_value value;
    std::size_t size = 1;
  };

  option_origin place(const YAML::Mark& mark) const {
    option_origin at{option_origin::source::file, name_, 0, 0};
    if (!mark.is_null()) {
      at.line = static_cast<std::uint32_t>(mark.line + 1);
      at.column = static_cast<std::uint32_t>(mark.column + 1);
    }
    return at;
  }

  // Whether a scalar's tag makes it text: "!" is what yaml-cpp gives to quoted ones.
  bool is_text(const std::string& tag, const YAML::Mark& mark) {
    constexpr std::string_view core = "tag:yaml.org,2002:";
    if (tag.empty() || tag == "?") return false;
    if (tag == "!") return true;
    if (!tag.starts_with(core)) {
      throw refused{place(mark), "the tag " + quote(tag) + " has no meaning here; expected none"};
    }
    return tag.substr(core.size()) == "str";
  }

  // Whether a quoted scalar that begins here ends. yaml-cpp takes the end of the file for a closing
  // quote, and so the rest of the file for a text.
  bool is_closed(const YAML::Mark& mark) const {
    auto begin = static_cast<std::size_t>(mark.pos);
    if (begin >= text_.size() || (text_[begin] != '"' && text_[begin] != '\'')) return true;
    char quote = text_[begin];
    for (auto i = begin + 1; i < text_.size(); ++i) {
      if (text_[i] == '\\' && quote == '"') {
        ++i;
      } else if (text_[i] == quote) {
        // '' inside of single quotes is one of them.
        bool doubled = quote == '\'' && i + 1 < text_.size() && text_[i + 1] == quote;
        if (!doubled) return true;
        ++i;
      }
    }
    return false;
  }

  void count(std::size_t n, const option_origin& at) {
    values_ += n;
    if (values_ > limits_.values) {
      throw refused{at, "more than " + std::to_string(limits_.values) +
                            " values, counting each alias as what it stands for"};
    }
  }

  void open(option_value v, const YAML::Mark& mark, YAML::anchor_t anchor) {
    v.at = place(mark);
    count(1, v.at);
    if (open_.size() >= limits_.depth) {
      throw refused{v.at, "nested more than " + std::to_string(limits_.depth) + " levels deep"};
    }
    open_.push_back({std::move(v), anchor, 1, false, false, {}, {}});
  }

  void close() {
    auto done = std::move(open_.back());
    open_.pop_back();
    finish_counted(std::move(done.value), done.anchor, done.size);
  }

  void finish(option_value v, YAML::anchor_t anchor) {
    count(1, v.at);
    finish_counted(std::move(v), anchor, 1);
  }

  // A value is complete: keep it for aliases and put it where it belongs.
  void finish_counted(option_value v, YAML::anchor_t anchor, std::size_t size) {
    if (anchor != 0) {
      count(size, v.at);  // the copy
      anchors_[anchor] = {v, size};
    }
    if (open_.empty()) {
      root_ = std::move(v);
      return;
    }
    auto& in = open_.back();
    in.size += size;
    if (in.value.is == shape::list) {
      in.value.children.push_back(std::move(v));
    } else if (!in.has_key) {
      begin_entry(in, v);
    } else {
      end_entry(in, std::move(v));
    }
  }

  void begin_entry(frame& in, const option_value& key) {
    in.has_key = true;
    in.bad_key = key.is != shape::scalar;
    in.key = key.text;
    in.key_at = key.at;
    if (in.bad_key) report_.problem(key.at, "", "a key that is not text; expected KEY: VALUE");
  }

  void end_entry(frame& in, option_value v) {
    in.has_key = false;
    if (in.bad_key) return;
    v.key_at = in.key_at;
    // yaml-cpp puts a value that isn't there where the next thing begins.
    if (v.is == shape::nothing) v.at = in.key_at;
    in.value.add(std::move(in.key), std::move(v));
  }

  // Replaces "<<" by the entries of the maps it names, where the map has no entry of its own.
  void merge(option_value& map) {
    std::vector<option_value> own, merged;
    for (auto& child : map.children) {
      (child.key == "<<" ? merged : own).push_back(std::move(child));
    }
    map.children = std::move(own);
    if (merged.empty()) return;
    std::set<std::string> taken;
    for (const auto& child : map.children) taken.insert(child.key);
    for (auto& source : merged) {
      if (source.is == shape::list) {
        for (auto& item : source.children) merge_from(map, item, taken);
      } else {
        merge_from(map, source, taken);
      }
    }
  }

  void merge_from(option_value& map, option_value& from, std::set<std::string>& taken) {
    if (from.is != shape::map) {
      report_.problem(from.at, "", "<< takes a map or a list of maps, such as <<: *name");
      return;
    }
    for (auto& child : from.children) {
      if (taken.insert(child.key).second) map.children.push_back(std::move(child));
    }
  }

  std::string_view text_;
  const std::string& name_;
  const yaml_limits& limits_;
  option_report& report_;
  option_value root_;
  std::vector<frame> open_;
  std::map<YAML::anchor_t, anchored> anchors_;
  std::size_t values_ = 0;
  int documents_ = 0;
};

std::string_view line_of(std::string_view text, int line) {
  for (; line > 0; --line) {
    auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

// yaml-cpp's words for the commonest slips, in the user's terms.
std::string explain(const std::string& message) {
  struct explanation {
    const char* begins;
    const char* words;
  };
  using namespace YAML::ErrorMsg;
  static const explanation known[] = {
      {END_OF_MAP_FLOW, "a { above is never closed"},
      {END_OF_SEQ_FLOW, "a [ above is never closed"},
      {END_OF_MAP, "doesn't continue the map above; is it indented like the keys around it?"},
      {END_OF_SEQ, "doesn't continue the list above; is it indented like the items around it?"},
      {MAP_VALUE, "a ':' where no key can be; quote texts that contain ': '"},
      {MAP_KEY, "a key where none can be; is the line indented like those around it?"},
      {BLOCK_ENTRY, "a list item where none can be; is it indented like those around it?"},
      {FLOW_END, "a ] or } that closes nothing; is another bracket missing before it?"},
      {EOF_IN_SCALAR, "a quote is opened and never closed"},
      {DOC_IN_SCALAR, "a quote is opened and never closed"},
      {UNKNOWN_ANCHOR, "an alias of an anchor that doesn't exist (yet)"},
      {UNKNOWN_TOKEN, "a character that can't begin a value; quote texts that begin with it"},
  };
  for (const auto& k : known) {
    if (message.starts_with(k.begins)) return k.words;
  }
  return message;
}

void report_syntax(const YAML::Exception& e, std::string_view text, const std::string& name,
                   option_report& report) {
  option_origin at{option_origin::source::file, name, 0, 0};
  std::string words = "not valid YAML: " + explain(e.msg);
  if (!e.mark.is_null()) {
    at.line = static_cast<std::uint32_t>(e.mark.line + 1);
    at.column = static_cast<std::uint32_t>(e.mark.column + 1);
    // Editors hide the difference, and yaml-cpp often complains of something else.
    auto line = line_of(text, e.mark.line);
    auto indent = line.substr(0, line.find_first_not_of(" \t"));
    if (auto tab = indent.find('\t'); tab != std::string_view::npos) {
      at.column = static_cast<std::uint32_t>(tab + 1);
      words = "not valid YAML: indented with a tab; expected spaces";
    }
  }
  report.problem(at, "", words);
}

struct file_closer {
  void operator()(std::FILE* f) const { std::fclose(f); }
};

}  // namespace

std::optional<option_value> read_yaml(std::string_view text, const std::string& name,
                                      option_report& report, const yaml_limits& limits) {
  if (text.size() > limits.bytes) {
    report.problem({option_origin::source::file, name, 0, 0}, "",
                   "larger than " + format_bytes(limits.bytes));
    return std::nullopt;
  }
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  tree_builder builder{text, name, limits, report};
  try {
    std::istringstream in{std::string{text}};
    YAML::Parser parser{in};
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.take();
  } catch (const YAML::Exception& e) {
    report_syntax(e, text, name, report);
  } catch (const refused& r) {
    report.problem(r.at, "", r.message);
  }
  return std::nullopt;
}

std::optional<option_value> read_yaml_file(const std::string& path, option_report& report,
                                           const yaml_limits& limits) {
  option_origin whole{option_origin::source::file, path, 0, 0};
  std::unique_ptr<std::FILE, file_closer> file{std::fopen(path.c_str(), "rbe")};
  // One byte more than allowed, to tell a file of that size from a larger one.
  std::string text;
  bool failed = file == nullptr;
  while (!failed && text.size() <= limits.bytes) {
    char buffer[16384];
    errno = 0;
    auto n = std::fread(buffer, 1, sizeof buffer, file.get());
    text.append(buffer, n);
    if (n == 0) {
      failed = std::ferror(file.get()) != 0;  // of a folder, for one: fopen takes it
      break;
    }
  }
  if (failed) {
    report.problem(whole, "", std::string{"can't be read: "} + std::strerror(errno));
    return std::nullopt;
  }
  return read_yaml(text, path, report, limits);
}

}  // namespace troupe::config
