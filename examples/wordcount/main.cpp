// Counts the words of every text file below some folders on a cluster that grows and shrinks with the
// work: batches of files in parallel, merged as a tree, without the partial counts passing through
// here. Run as a worker (by the cluster itself), it is one: that is what worker_main is for.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>

#include "story.hpp"
#include "troupe/troupe.hpp"
#include "words.hpp"

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using wordcount::word_counts;

namespace {

struct options {
  std::vector<std::string> folders{"/usr/share/doc", "/usr/share/common-licenses"};
  std::string cluster_file;  // empty: a temporary local one
  std::string address;       // of an existing one, whose workers have the module
  std::uint32_t max_workers = 0;
  std::size_t top = 20;
  std::uint64_t batch_bytes = 512 * 1024;
};

struct progress {
  std::atomic<std::size_t> counted = 0, merged = 0;
};

// Regular files only: following links would count files twice.
std::vector<std::pair<std::string, std::uint64_t>> find_files(const std::vector<std::string>& folders) {
  std::vector<std::pair<std::string, std::uint64_t>> files;
  for (const auto& folder : folders) {
    auto options = fs::directory_options::skip_permission_denied;
    for (const auto& entry : fs::recursive_directory_iterator(folder, options)) {
      std::error_code gone;
      if (entry.is_symlink(gone) || !entry.is_regular_file(gone)) continue;
      auto size = entry.file_size(gone);
      if (!gone) files.emplace_back(fs::absolute(entry.path()).string(), size);
    }
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

std::vector<std::vector<std::string>> make_batches(
    const std::vector<std::pair<std::string, std::uint64_t>>& files, std::uint64_t batch_bytes) {
  std::vector<std::vector<std::string>> batches;
  std::uint64_t bytes = batch_bytes;
  for (const auto& [file, size] : files) {
    if (bytes >= batch_bytes) {
      batches.emplace_back();
      bytes = 0;
    }
    batches.back().push_back(file);
    bytes += size + 1024;  // opening a file costs about as much as reading a little
  }
  return batches;
}

// Merges eight at a time until one is left. Dropped futures cost nothing: a result is kept for as long
// as a task that needs it.
troupe::future<word_counts> merge_tree(const troupe::client& client,
                                       std::vector<troupe::future<word_counts>> parts,
                                       progress& done, std::size_t& merges) {
  constexpr std::size_t fan_in = 8;
  do {
    std::vector<troupe::future<word_counts>> next;
    for (std::size_t i = 0; i < parts.size(); i += fan_in) {
      std::vector<troupe::future<word_counts>> group(
          parts.begin() + static_cast<std::ptrdiff_t>(i),
          parts.begin() + static_cast<std::ptrdiff_t>(std::min(i + fan_in, parts.size())));
      next.push_back(client.submit<word_counts>("wordcount.merge", group));
      next.back().then([&done](const auto&) { ++done.merged; });
    }
    merges += next.size();
    parts = std::move(next);
  } while (parts.size() > 1);
  return parts.front();
}

void show_progress(const progress& done, std::size_t batches, std::size_t merges,
                   const wordcount::moment& m) {
  constexpr std::size_t width = 30;
  auto filled = (done.counted + done.merged) * width / (batches + merges);
  std::cerr << "\r[" << std::string(filled, '#') << std::string(width - filled, '.') << "] "
            << done.counted << "/" << batches << " batches, " << done.merged << "/" << merges
            << " merges, " << m.workers << " workers, " << m.queued << " queued   " << std::flush;
}

word_counts count_words(const troupe::client& client, const options& o,
                        const wordcount::story& story) {
  auto files = find_files(o.folders);
  auto batches = make_batches(files, o.batch_bytes);
  std::cout << "Counting the words of " << files.size() << " files in " << batches.size()
            << " batches" << std::endl;
  if (batches.empty()) return {};

  // Shared: a callback may still run when an error has ended the wait below.
  auto done = std::make_shared<progress>();
  std::vector<troupe::future<word_counts>> parts;
  // The elements of a map are the arguments of its calls: one list of files each.
  for (const auto& f : client.map<word_counts>("wordcount.count_files", batches)) {
    f.then([done](const auto&) { ++done->counted; });
    parts.push_back(f);
  }
  std::size_t merges = 0;
  auto total = merge_tree(client, std::move(parts), *done, merges);

  const bool terminal = isatty(STDERR_FILENO) != 0;
  while (!total.wait_for(100ms)) {
    if (terminal) show_progress(*done, batches.size(), merges, story.latest());
  }
  if (terminal) {
    show_progress(*done, batches.size(), merges, story.latest());
    std::cerr << '\n';
  }
  return total.get();
}

void print_counts(const word_counts& total, std::size_t top) {
  std::vector<std::pair<std::string, std::uint64_t>> words(total.counts.begin(),
                                                           total.counts.end());
  std::sort(words.begin(), words.end(), [](const auto& a, const auto& b) {
    return std::tie(b.second, a.first) < std::tie(a.second, b.first);
  });
  std::cout << "\nThe most frequent words\n";
  for (std::size_t i = 0; i < std::min(top, words.size()); ++i) {
    std::cout << std::setw(12) << words[i].second << "  " << words[i].first << '\n';
  }
  std::cout << "Totals: " << total.words << " words, " << words.size() << " different, in "
            << total.files << " text files of " << total.bytes << " bytes (" << total.skipped
            << " files are not text)\n\n";
}

bool alive(std::uint32_t pid) { return pid != 0 && kill(static_cast<pid_t>(pid), 0) == 0; }

int run(const options& o, const troupe::function_registry& functions) {
  std::optional<troupe::cluster> own;
  if (!o.cluster_file.empty()) {
    own.emplace(troupe::cluster::from_yaml(o.cluster_file, &functions));
  } else if (o.address.empty()) {
    troupe::local_cluster_options local;
    local.max_workers = o.max_workers;
    local.idle_timeout = 2s;
    local.functions = &functions;
    own.emplace(troupe::local_cluster(local));
  }
  auto client = own ? own->client() : troupe::client::connect(o.address);
  if (own && !own->http_address().empty()) {
    std::cout << "The cluster can be watched at http://" << own->http_address() << "/\n";
  }

  wordcount::story story(client);
  auto total = count_words(client, o, story);
  print_counts(total, o.top);
  bool empty = true;
  if (own) {
    std::cout << "Waiting for the idle workers to leave" << std::endl;
    empty = story.wait_until_empty(90s);
    story.end();
    client.close();
    own->stop();
  }
  story.end();
  story.tell(std::cout);
  if (!own) return 0;

  auto workers = story.workers();
  auto left = std::count_if(workers.begin(), workers.end(), [](const auto& w) {
    return w.pid != static_cast<std::uint32_t>(getpid()) && alive(w.pid);
  });
  std::cout << "Workers left: " << left << std::endl;
  if (!empty) std::cerr << "wordcount: the pool had not shrunk to zero after 90 s\n";
  return left == 0 && empty ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  troupe::function_registry functions;
  wordcount::add_functions(functions);
  if (auto code = troupe::worker_main(argc, argv, functions)) return *code;

  options o;
  CLI::App app{"Counts the words of every text file below the folders given, on a cluster."};
  app.add_option("folders", o.folders, "where to look for files")->check(CLI::ExistingDirectory);
  auto* file = app.add_option("--cluster", o.cluster_file, "YAML file of a temporary cluster");
  app.add_option("--address", o.address, "of a cluster that has the word-count module")
      ->excludes(file);
  app.add_option("--max-workers", o.max_workers, "of a temporary local cluster; 0: one a core");
  app.add_option("--top", o.top, "how many words to print");
  app.add_option("--batch-bytes", o.batch_bytes, "bytes of files in one task")
      ->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    return run(o, functions);
  } catch (const std::exception& e) {
    std::cerr << "wordcount: " << e.what() << '\n';
    return 1;
  }
}
