#include "reference/page_tags.h"

#include <regex>
#include <set>

namespace filbert::reference {

std::size_t count_of_all(const std::string& page, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = page.find(what); at != std::string::npos; at = page.find(what, at + what.size())) ++count;
  return count;
}

bool has(const std::string& page, std::string_view what) { return page.find(what) != std::string::npos; }

std::string between(const std::string& page, const std::string& begin, const std::string& end) {
  const std::size_t at = page.find(begin);
  if (at == std::string::npos) return {};
  const std::size_t start = at + begin.size();
  return page.substr(start, page.find(end, start) - start);
}

Tags read_tags(const std::string& page) {
  static const std::set<std::string> kVoid = {"meta", "link", "br", "input"};
  static const std::regex kAttribute(R"re(\s+([a-zA-Z-]+)(?:="([^"<]*)")?)re");
  Tags tags;
  std::vector<std::string> open;
  for (std::size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at)) {
    const std::size_t end = page.find('>', at);
    if (end == std::string::npos) {
      tags.problems.push_back("a tag without an end");
      break;
    }
    std::string tag = page.substr(at + 1, end - at - 1);
    at = end;
    if (tag == "!DOCTYPE html") continue;
    if (tag.starts_with('/')) {
      if (open.empty() || open.back() != tag.substr(1)) tags.problems.push_back("closes what is not open: " + tag);
      if (!open.empty()) open.pop_back();
      continue;
    }
    const bool closed = tag.ends_with('/');
    if (closed) tag.pop_back();
    const std::string name = tag.substr(0, tag.find_first_of(" \n"));
    ++tags.count[name];
    std::string rest = tag.substr(name.size());
    for (std::smatch found; std::regex_search(rest, found, kAttribute, std::regex_constants::match_continuous); rest = found.suffix()) {
      const std::string attribute = found[1], value = found[2];
      if (attribute == "style" || attribute.starts_with("on")) tags.problems.push_back(name + " has " + attribute);
      if ((attribute == "href" || attribute == "src") && value != "data:," && !value.starts_with('#')) tags.problems.push_back(name + " loads " + value);
    }
    if (!rest.empty()) tags.problems.push_back("cannot be read: " + tag);
    if (!closed && !kVoid.contains(name)) open.push_back(name);
    if (name == "script" || name == "style") at = page.find("</" + name + ">", at);  // their content is no markup
  }
  if (!open.empty()) tags.problems.push_back("left open: " + open.back());
  return tags;
}

}  // namespace filbert::reference
