// What labels of tokens say: "B-PER" begins a PER. Tested by tags_test.cpp.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/entities.h>
#include <filbert/tensor.h>

namespace filbert {

// What a label says of its token's place in an entity.
enum class TagPart {
  begin,    // B-
  inside,   // I-
  end,      // E- or L-
  single,   // S- or U-
  outside,  // none of the letters of its scheme: "O", and labels that are types themselves
};

struct Tag {
  TagPart part = TagPart::outside;
  std::string type;  // what it has in common with others of its entity: "PER"
};

// Of all labels in id order; `scheme` as it comes out of scheme_of().
std::vector<Tag> tags_of(const std::map<int, std::string>& id2label, TaggingScheme scheme);
// What automatic stands for with these labels; any other is itself.
TaggingScheme scheme_of(const std::map<int, std::string>& id2label, TaggingScheme wanted);

// Whether a token of `next` is of the same entity as that of `previous` before it.
bool continues(const Tag& previous, const Tag& next);

// The path of labels with the highest product of scores among those that `scheme` allows; of equal ones the lower id. `scores` holds
// those of each token, [num_labels]. A text that begins, or ends, elsewhere may do so inside an entity.
std::vector<std::size_t> viterbi(std::span<const std::vector<float>> scores, std::span<const Tag> tags, TaggingScheme scheme, bool begins,
                                 bool ends);

}  // namespace filbert
