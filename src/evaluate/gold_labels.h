// Which of a model's labels is meant by what stands in a file. Tested by gold_labels_test.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace filbert {

// Other names of labels: those that the model has itself, where answers show labels of other names, or several as one.
struct OtherNames {
  std::vector<std::string> names;
  std::vector<std::int32_t> ids;           // [names] the label of answers that each is a part of
};

// In this order: what `label_map` says; a label's name; another name of one; both the same without regard to case and spaces around it; and a
// whole number ("5", "5.0"): where every name begins with a number of its own, as "5 stars" does, the label with that number, else the label with
// that id. Where there are other names, and the labels have no such numbers, it is one of those.
class GoldLabels {
 public:
  // Throws Error(invalid_argument) for a map to something that is no label.
  GoldLabels(std::vector<std::string> labels, const std::map<std::string, std::string>& label_map, const OtherNames& others = {});

  // The id; nothing for a label that the model does not have.
  std::optional<std::int32_t> find(std::string_view value) const;
  // The name that is most like it; empty if none is.
  std::string nearest_to(std::string_view value) const;
  const std::vector<std::string>& labels() const { return labels_; }

 private:
  std::optional<std::int32_t> find_unmapped(std::string_view value) const;

  using Ids = std::map<std::string, std::int32_t, std::less<>>;

  std::vector<std::string> labels_, all_names_;
  Ids by_map_, by_name_, by_folded_name_;
  std::map<std::int64_t, std::int32_t> by_number_;
};

}  // namespace filbert
