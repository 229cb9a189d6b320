// Counting words, see words.hpp.
#include "words.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <stdexcept>

namespace wordcount {

namespace {

constexpr std::size_t longest_word = 40;

bool is_letter(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}
char lower(unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); }

// Takes a file's bytes in pieces and counts its words.
class splitter {
 public:
  explicit splitter(word_counts& into) : into_(into) {}

  void add(std::string_view piece) {
    for (char c : piece) {
      auto u = static_cast<unsigned char>(c);
      if (is_letter(u)) {
        if (apostrophe_) push('\'');
        apostrophe_ = false;
        push(lower(u));
      } else if (c == '\'' && length_ > 0 && !apostrophe_) {
        apostrophe_ = true;  // part of the word only if a letter follows
      } else {
        end_word();
      }
    }
  }
  void end_word() {
    if (length_ > 0 && length_ <= longest_word) {
      ++into_.words;
      ++into_.counts[word_];
    }
    word_.clear();
    length_ = 0;
    apostrophe_ = false;
  }

 private:
  void push(char c) {
    if (++length_ <= longest_word) word_ += c;
  }

  word_counts& into_;
  std::string word_;
  std::size_t length_ = 0;  // of the whole run, also where `word_` has stopped growing
  bool apostrophe_ = false;
};

void count_into(word_counts& total, const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::array<char, 64 * 1024> buffer{};
  auto read = [&] {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    return std::string_view(buffer.data(), static_cast<std::size_t>(in.gcount()));
  };
  auto piece = in ? read() : std::string_view{};
  if (!in.is_open() || in.bad() || piece.substr(0, 8192).find('\0') != std::string_view::npos) {
    ++total.skipped;
    return;
  }
  ++total.files;
  splitter split(total);
  for (; !piece.empty(); piece = read()) {
    total.bytes += piece.size();
    split.add(piece);
  }
  split.end_word();
}

}  // namespace

word_counts count(const std::string& file) {
  if (!std::ifstream(file)) throw std::runtime_error("cannot read \"" + file + "\"");
  word_counts total;
  count_into(total, file);
  return total;
}

word_counts count_files(troupe::task_context& context, const std::vector<std::string>& files) {
  word_counts total;
  for (const auto& file : files) {
    context.check_cancelled();
    count_into(total, file);
  }
  return total;
}

word_counts merge(const counts_list& parts) {
  word_counts total;
  for (const auto& part : parts.items) {
    total.files += part.files;
    total.skipped += part.skipped;
    total.bytes += part.bytes;
    total.words += part.words;
    for (const auto& [word, n] : part.counts) total.counts[word] += n;
  }
  return total;
}

void add_functions(troupe::function_registry& functions) {
  functions.add("wordcount.count", &count);
  functions.add("wordcount.count_files", &count_files);
  functions.add("wordcount.merge", &merge);
}

}  // namespace wordcount
