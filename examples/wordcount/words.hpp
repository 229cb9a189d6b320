// Counting words: the functions that workers run. Pure but for reading the files named; knows
// nothing of clusters beyond the registry it is entered into.
//
// A word is a run of ASCII letters and of bytes above 127 (any UTF-8 letter), in lower case, possibly
// with single apostrophes inside ("don't"). Runs longer than 40 bytes are encoded data, not words.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include <msgpack.hpp>

#include "libruntime/function_registry.hpp"

namespace wordcount {

struct word_counts {
  std::uint64_t files = 0;    // text files
  std::uint64_t skipped = 0;  // files that aren't text, or can't be read
  std::uint64_t bytes = 0;    // of the text files
  std::uint64_t words = 0;
  std::unordered_map<std::string, std::uint64_t> counts;
  MSGPACK_DEFINE_MAP(files, skipped, bytes, words, counts)
};

// One count, or a list of them: what `merge` takes, so that a graph file can pass either.
struct counts_list {
  std::vector<word_counts> items;

  template <class Packer>
  void msgpack_pack(Packer& p) const {
    p.pack(items);
  }
  void msgpack_unpack(const msgpack::object& o) {
    if (o.type == msgpack::type::ARRAY) {
      items = o.as<std::vector<word_counts>>();
    } else {
      items = {o.as<word_counts>()};
    }
  }
};

// Counts the words of one file. A file with a zero byte in its first 8 KiB isn't text and is
// skipped, as is one that can't be read: a tree of files changes while it is walked.
word_counts count(const std::string& file);

// Counts the words of many files; ends early, with an exception, when the task is cancelled.
word_counts count_files(troupe::task_context& context, const std::vector<std::string>& files);

word_counts merge(const counts_list& parts);

// wordcount.count, wordcount.count_files and wordcount.merge.
void add_functions(troupe::function_registry& functions);

}  // namespace wordcount
