// Builders for options that hold tables: a section, a list of sections, a section whose keys depend
// on its `type`. Included by options.hpp.
#pragma once

#include "libruntime/options.hpp"

namespace troupe {

// The non-template halves: everything that does not know the struct.
// Every item of a list in turn, with its path; reports names given twice.
void read_sections(const option_value& in, const option_info& info, option_reader& r,
                   const std::function<void(const option_value&)>& read_item);
// The case that `type` names, as an index into info.cases; reports a missing or unknown one.
std::optional<std::size_t> read_case(const option_value& in, const option_info& info,
                                     option_reader& r);

template <class S, class N>
class section_builder : public option_words_for_people<section_builder<S, N>> {
  using option_words_for_people<section_builder<S, N>>::info_;

 public:
  section_builder(std::string name, N S::*member, const option_table<N>& table) : member_(member) {
    info_.name = std::move(name);
    info_.kind = option_kind::section;
    info_.nested = table.section();
  }

  // What is not given here has the value it has in that section; see sections_builder::each_from.
  section_builder& inherits(std::string from) {
    info_.inherits = std::move(from);
    return *this;
  }

  operator option_of<S>() const {
    option_of<S> made;
    made.info = info_;
    made.read = [nested = info_.nested, member = member_](const option_value& in, void* s,
                                                          option_reader& r) {
      nested->read(in, &(static_cast<S*>(s)->*member), r);
    };
    made.write = [nested = info_.nested, member = member_](const void* s) {
      return nested->write(&(static_cast<const S*>(s)->*member));
    };
    return made;
  }

 private:
  N S::*member_;
};

template <class S, class N>
class sections_builder : public option_words_for_people<sections_builder<S, N>> {
  using option_words_for_people<sections_builder<S, N>>::info_;

 public:
  sections_builder(std::string name, std::vector<N> S::*member, const option_table<N>& table)
      : member_(member) {
    info_.name = std::move(name);
    info_.kind = option_kind::sections;
    info_.nested = table.section();
  }

  // The option whose value no two items may share, and by which the environment names an item.
  sections_builder& named_by(std::string option) {
    info_.named_by = std::move(option);
    return *this;
  }
  // What a new item is before its own keys are read, made from what was read so far: options that
  // it draws on must stand earlier in the table.
  sections_builder& each_from(N (*make)(const S&)) {
    make_ = make;
    return *this;
  }
  // Read where the file doesn't have the key at all.
  sections_builder& when_absent(option_value list) {
    info_.when_absent = std::move(list);
    return *this;
  }

  operator option_of<S>() const {
    option_of<S> made;
    made.info = info_;
    made.read = [info = info_, member = member_, make = make_](const option_value& in, void* s,
                                                               option_reader& r) {
      auto& settings = *static_cast<S*>(s);
      std::vector<N> items;
      read_sections(in, info, r, [&](const option_value& item) {
        items.push_back(make ? make(settings) : N{});
        info.nested->read(item, &items.back(), r);
      });
      settings.*member = std::move(items);
    };
    made.write = [nested = info_.nested, member = member_](const void* s) {
      auto list = option_value::list();
      for (const auto& item : static_cast<const S*>(s)->*member) {
        list.children.push_back(nested->write(&item));
      }
      return list;
    };
    return made;
  }

 private:
  std::vector<N> S::*member_;
  N (*make_)(const S&) = nullptr;
};

// One case of a variant: its word for `type`, its table and what it is.
template <class N>
struct variant_case {
  std::string type;
  option_table<N> table;
  std::string text;
};

template <class S, class... N>
class variant_builder : public option_words_for_people<variant_builder<S, N...>> {
  using option_words_for_people<variant_builder<S, N...>>::info_;
  using member_type = std::variant<N...>;

 public:
  variant_builder(std::string name, member_type S::*member, const variant_case<N>&... cases)
      : member_(member) {
    info_.name = std::move(name);
    info_.kind = option_kind::variant;
    (info_.cases.push_back({cases.type, cases.text, cases.table.section()}), ...);
  }

  operator option_of<S>() const {
    option_of<S> made;
    made.info = info_;
    made.read = [info = info_, member = member_](const option_value& in, void* s,
                                                 option_reader& r) {
      auto index = read_case(in, info, r);
      if (!index) return;
      auto& target = static_cast<S*>(s)->*member;
      static constexpr std::array<void (*)(member_type&), sizeof...(N)> emplace{
          [](member_type& v) { v.template emplace<N>(); }...};
      emplace[*index](target);
      std::visit([&](auto& chosen) { info.cases[*index].options->read(in, &chosen, r, type_key); },
                 target);
    };
    made.write = [info = info_, member = member_](const void* s) {
      const auto& held = static_cast<const S*>(s)->*member;
      const auto& chosen = info.cases[held.index()];
      auto map = option_value::map();
      map.add(std::string{type_key}, option_value::scalar(chosen.type));
      auto rest = std::visit([&](const auto& x) { return chosen.options->write(&x); }, held);
      for (auto& child : rest.children) map.children.push_back(std::move(child));
      return map;
    };
    return made;
  }

 private:
  member_type S::*member_;
};

template <class S, class N>
section_builder<S, N> section(std::string name, N S::*member, const option_table<N>& table) {
  return {std::move(name), member, table};
}
template <class S, class N>
sections_builder<S, N> sections(std::string name, std::vector<N> S::*member,
                                const option_table<N>& table) {
  return {std::move(name), member, table};
}
// The cases in the order of the variant's alternatives.
template <class S, class... N>
variant_builder<S, N...> section_by_type(std::string name, std::variant<N...> S::*member,
                                         const variant_case<N>&... cases) {
  return {std::move(name), member, cases...};
}

}  // namespace troupe
