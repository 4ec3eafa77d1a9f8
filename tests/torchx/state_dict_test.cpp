#include <torch/torch.h>
// The precompiled torch header comes first.
#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/torchx/state_dict.h"

namespace instructme {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

struct InnerImpl : torch::nn::Module {
  InnerImpl() {
    weight = register_parameter("weight", torch::randn({2, 3}));
    mean = register_buffer("mean", torch::randn({3}));
    register_buffer("_table", torch::randn({4}));
  }
  at::Tensor weight, mean;
};
TORCH_MODULE(Inner);

struct OuterImpl : torch::nn::Module {
  OuterImpl() {
    inner = register_module("inner", Inner());
    register_module("second", Inner());
    steps = register_buffer("steps", torch::tensor(7, torch::kLong));
    used = register_buffer("used", torch::tensor({true, false, true}));
  }
  Inner inner{nullptr};
  at::Tensor steps, used;
};
TORCH_MODULE(Outer);

std::vector<std::string> names_of(const TensorMap& tensors) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors) names.push_back(name);
  return names;
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.kind()), static_cast<int>(ErrorKind::kModel));
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

TEST(StateDict, NamesLeaveOutWhatIsNotPersistent) {
  EXPECT_THAT(names_of(named_tensors(*Outer(), {"second.mean", "second.weight"})),
              ElementsAre("inner.mean", "inner.weight", "steps", "used"));
}

TEST(StateDict, ModuleRoundTrip) {
  const TempDir folder;
  const auto path = folder.path() / "m.safetensors";
  Outer first, second;
  first->steps.fill_(12);
  first->used.logical_not_();
  save_tensors(path, named_tensors(*first), {{"kind", "test"}});
  load_into(*second, load_tensors(path), path);
  const TensorMap wanted = named_tensors(*first), found = named_tensors(*second);
  for (const auto& [name, tensor] : wanted) EXPECT_TRUE(torch::equal(tensor, found.at(name))) << name;
  EXPECT_EQ(SafetensorsFile(path).metadata().at("kind"), "test");
  EXPECT_TRUE(second->inner->weight.requires_grad());
  EXPECT_TRUE(second->inner->weight.is_leaf());
}

TEST(StateDict, EveryTypeAndLayoutRoundTrips) {
  const TempDir folder;
  const auto path = folder.path() / "t";
  TensorMap tensors{{"scalar", torch::tensor(2.5)},
                    {"empty", torch::zeros({0, 3})},
                    {"transposed", torch::randn({5, 3}).t()},
                    {"every second", torch::arange(10).slice(0, 0, 10, 2)}};
  for (const auto type : {at::kBool, at::kByte, at::kChar, at::kShort, at::kInt, at::kLong, at::kHalf, at::kBFloat16,
                          at::kFloat, at::kDouble})
    tensors[at::toString(type)] = torch::randint(0, 2, {3, 4}).to(type);
  save_tensors(path, tensors);
  const TensorMap found = load_tensors(path);
  ASSERT_EQ(names_of(found), names_of(tensors));
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(found.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(found.at(name), tensor)) << name;
  }
}

TEST(StateDict, TypesMapBothWays) {
  for (int i = 0; i <= static_cast<int>(DType::kF64); ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(to_dtype(to_scalar_type(dtype)), dtype);
    EXPECT_EQ(dtype_size(dtype), c10::elementSize(to_scalar_type(dtype)));
  }
  expect_error(ErrorKind::kInternal, "Complex", [] { to_dtype(at::kComplexFloat); });
}

TEST(StateDict, FloatingTypeIsConvertedOnSavingAndBackOnLoading) {
  const TempDir folder;
  const auto path = folder.path() / "half";
  Outer first, second;
  save_tensors(path, named_tensors(*first), {}, at::kBFloat16);
  const TensorMap stored = load_tensors(path);
  EXPECT_EQ(stored.at("inner.weight").scalar_type(), at::kBFloat16);
  EXPECT_EQ(stored.at("steps").scalar_type(), at::kLong);
  EXPECT_EQ(stored.at("used").scalar_type(), at::kBool);
  load_into(*second, stored, path);
  EXPECT_EQ(second->inner->weight.scalar_type(), at::kFloat);
  EXPECT_TRUE(torch::equal(second->inner->weight, first->inner->weight.to(at::kBFloat16).to(at::kFloat)));
}

TEST(StateDict, BoolBytesOtherThanOneAreTrue) {
  const TempDir folder;
  const std::vector<uint8_t> bytes{0, 1, 2, 255};
  write_safetensors(folder.path() / "b", {{"b", {DType::kBool, {4}, std::as_bytes(std::span(bytes))}}});
  EXPECT_TRUE(torch::equal(load_tensors(folder.path() / "b").at("b"), torch::tensor({false, true, true, true})));
}

TEST(StateDict, OnlyWantedTensorsAreRead) {
  const TempDir folder;
  save_tensors(folder.path() / "t", {{"a.x", torch::ones({1})}, {"b.x", torch::ones({1})}});
  const auto wanted = [](const std::string& name) { return name.starts_with("a."); };
  EXPECT_THAT(names_of(load_tensors(folder.path() / "t", wanted)), ElementsAre("a.x"));
}

TEST(StateDict, PrefixSelectsOnePartOfAFile) {
  Inner inner;
  TensorMap tensors{{"vae.weight", torch::ones({2, 3})}, {"vae.mean", torch::ones({3})}, {"unet.x", torch::ones({1})}};
  load_into(*inner, tensors, "f", "vae.");
  EXPECT_TRUE(torch::equal(inner->weight, torch::ones({2, 3})));
  tensors["vae.more"] = torch::ones({1});
  EXPECT_THAT(message_of([&] { load_into(*inner, tensors, "f", "vae."); }), HasSubstr("unexpected: 'vae.more'"));
}

TEST(StateDict, EveryMismatchIsNamedBeforeAnythingIsCopied) {
  Outer outer;
  TensorMap tensors;
  for (const auto& [name, tensor] : named_tensors(*outer)) tensors[name] = torch::zeros_like(tensor);
  const at::Tensor before = outer->inner->weight.detach().clone();
  tensors.erase("second.mean");
  tensors["second.meen"] = torch::zeros({3});
  tensors["second.weight"] = torch::zeros({3, 2});
  tensors["steps"] = torch::zeros({});
  const std::string message = message_of([&] { load_into(*outer, tensors, "dir/file.safetensors"); });
  EXPECT_THAT(message, AllOf(HasSubstr("dir/file.safetensors"), HasSubstr("1 tensor missing: 'second.mean'"),
                             HasSubstr("1 tensor unexpected: 'second.meen'"),
                             HasSubstr("'second.weight' (wanted [2, 3], found [3, 2])"),
                             HasSubstr("'steps' (wanted Long, found Float)")));
  EXPECT_TRUE(torch::equal(outer->inner->weight, before));
}

TEST(StateDict, AGrownModuleAdoptsWhatFits) {
  torch::nn::Sequential old(torch::nn::Linear(2, 3), torch::nn::Linear(3, 3));
  torch::nn::Sequential grown(torch::nn::Linear(2, 3), torch::nn::Linear(3, 4), torch::nn::Linear(4, 1));
  const at::Tensor before = grown[1]->as<torch::nn::Linear>()->weight.detach().clone();
  const auto fresh = adopt_weights(*grown, named_tensors(*old));
  EXPECT_EQ(fresh, (std::vector<std::string>{"1.bias", "1.weight", "2.bias", "2.weight"}));
  EXPECT_TRUE(grown[0]->as<torch::nn::Linear>()->weight.equal(old[0]->as<torch::nn::Linear>()->weight));
  EXPECT_TRUE(grown[1]->as<torch::nn::Linear>()->weight.equal(before));
}

TEST(StateDict, WholeNumbersAreNotConverted) {
  Outer outer;
  TensorMap tensors = named_tensors(*outer);
  tensors["inner.weight"] = torch::zeros({2, 3}, torch::kInt);
  EXPECT_THAT(message_of([&] { load_into(*outer, tensors, "f"); }), HasSubstr("(wanted Float, found Int)"));
  tensors = named_tensors(*outer);
  tensors["used"] = torch::zeros({3}, torch::kByte);
  EXPECT_THAT(message_of([&] { load_into(*outer, tensors, "f"); }), HasSubstr("(wanted Bool, found Byte)"));
}

TEST(StateDict, LongListsAreShortened) {
  torch::nn::ModuleList many;
  for (int i = 0; i < 20; ++i) many->push_back(torch::nn::Linear(1, 1));
  const std::string message = message_of([&] { load_into(*many, {}, "f"); });
  EXPECT_THAT(message, HasSubstr("40 tensors missing: '0.bias', '0.weight', "));
  EXPECT_LT(message.size(), 200u);
}

}  // namespace
}  // namespace instructme
