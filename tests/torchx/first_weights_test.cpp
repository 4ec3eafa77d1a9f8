#include "instructme/torchx/first_weights.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <thread>

namespace instructme {
namespace {

TEST(NoFirstWeights, DrawsNothingWhileItLives) {
  torch::manual_seed(1);
  const at::Tensor expected = at::randn({4});
  torch::manual_seed(1);
  {
    const NoFirstWeights outer;
    { const NoFirstWeights inner; }
    EXPECT_TRUE(NoFirstWeights::wanted());
    EXPECT_EQ(normal_weights({3, 5}).sizes(), (std::vector<int64_t>{3, 5}));
    std::thread([] { EXPECT_FALSE(NoFirstWeights::wanted()); }).join();
  }
  EXPECT_FALSE(NoFirstWeights::wanted());
  EXPECT_TRUE(at::equal(normal_weights({4}, 2.0), expected * 2.0));
}

}  // namespace
}  // namespace instructme
