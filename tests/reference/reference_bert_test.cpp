// The oracle itself: against numbers computed by others, so that it cannot be wrong in the same way as the library.
#include "reference/reference_bert.h"

#include <cmath>

#include <gtest/gtest.h>

#include "reference/goldens.h"
#include "reference/tiny_checkpoint.h"

namespace filbert::reference {
namespace {

// transformers 5.23, torch 2.15: ACT2FN[name](x) in double.
TEST(Oracle, ActivationsAtAFewPoints) {
  EXPECT_NEAR(activation("gelu", 1.0), 0.8413447460685429, 1e-12);
  EXPECT_NEAR(activation("gelu", -2.0), -0.04550026389635842, 1e-12);
  EXPECT_NEAR(activation("gelu_new", 1.0), 0.8411919906082768, 1e-12);
  EXPECT_NEAR(activation("gelu_fast", 1.0), 0.841191990607477, 1e-12);
  EXPECT_NEAR(activation("quick_gelu", 1.0), 0.8457957659328212, 1e-12);
  EXPECT_NEAR(activation("silu", 1.0), 0.7310585786300049, 1e-12);
  EXPECT_NEAR(activation("tanh", 0.5), 0.46211715726000975, 1e-12);
  EXPECT_EQ(activation("relu", -3.0), 0);
}

TEST(Oracle, FloatsRoundToTheNearestTiesToEven) {
  for (const double value : {0.0, 1.0, -1.5, 3.14159265358979, 1e-45, 1.4e-45, 3.4028234e38, 1e39, 1e-40, -7.3e-12}) {
    EXPECT_EQ(rounded_to(value, "F32"), static_cast<double>(static_cast<float>(value))) << value;
  }
  EXPECT_EQ(rounded_to(65504, "F16"), 65504);
  EXPECT_EQ(rounded_to(65520, "F16"), HUGE_VAL);
  EXPECT_EQ(rounded_to(1 + 0x1p-11, "F16"), 1);               // a tie: to even
  EXPECT_EQ(rounded_to(1 + 3 * 0x1p-11, "F16"), 1 + 0x1p-9);  // a tie: to even
  EXPECT_EQ(rounded_to(0x1p-24, "F16"), 0x1p-24);             // the least subnormal
  EXPECT_EQ(rounded_to(1 + 0x1p-8, "BF16"), 1);
}

TEST(Oracle, WritesWhatItReads) {
  const TinyCheckpoint checkpoint{.seed = 5, .hidden_size = 16, .dtype = "BF16"};
  const TemporaryDirectory directory = write_checkpoint(checkpoint);
  const Arrays written = tiny_tensors(checkpoint);
  const Arrays read = read_arrays(directory.path() / "model.safetensors");
  ASSERT_EQ(read.size(), written.size());
  for (const auto& [name, array] : written) {
    EXPECT_EQ(read.at(name).shape, array.shape) << name;
    EXPECT_EQ(read.at(name).values, array.values) << name;
  }
}

// 1e-5: transformers ran in f32, the oracle in double.
TEST(Oracle, GivesTheLogitsOfTransformers) {
  double greatest = 0;
  for (const TinyGoldens& goldens : tiny_goldens()) {
    SCOPED_TRACE(goldens.directory.filename().string());
    const ReferenceBert oracle(goldens.directory);
    for (const GoldenRow& golden : goldens.rows) {
      greatest = std::max(greatest, greatest_difference(golden.logits, oracle.logits(golden.row.input_ids, golden.row.token_type_ids)));
    }
  }
  RecordProperty("greatest_difference", std::to_string(greatest));
  EXPECT_LT(greatest, 1e-5);
}

}  // namespace
}  // namespace filbert::reference
