#include "instructme/pretrained/note_network.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <optional>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/tensorfile/onnx.h"
#include "instructme/tensorfile/tfjs.h"
#include "instructme/torchx/tensor_view.h"

namespace instructme {
namespace note_network {

// Not a namespace without a name, because a member of NoteNetwork is made of these.
using Shape = std::vector<int64_t>;

constexpr int64_t kOctaves = 9, kBinsPerOctave = 36, kBins = 309, kTaps = 256;
constexpr int64_t kContourBins = NoteNetwork::kKeys * NoteNetwork::kBinsPerKey;
// The octave below, the pitch itself and its harmonics 2 to 7, in bins.
constexpr std::array<int64_t, 8> kHarmonics = {-36, 0, 36, 57, 72, 84, 93, 101};

struct Convolution {
  at::Tensor weight, bias;  // (out, in, height, width), (out)

  at::Tensor operator()(const at::Tensor& x, int64_t stride = 1) const {
    const int64_t width = weight.size(3);
    return at::conv2d(x, weight, bias, {1, stride}, {weight.size(2) / 2, (width - stride + 1) / 2});
  }
};

/// The shapes that make the network what it is, as torch lays them out.
struct Layers {
  Convolution contour_1{at::Tensor(), at::Tensor()}, contour_2, note_1, note_2, onset_1, onset_2;
  ConstantQKernels kernels;
  at::Tensor gain, offset;  // (1): batch normalisation of the spectrum
};

const std::vector<std::pair<Convolution Layers::*, Shape>>& convolution_shapes() {
  static const std::vector<std::pair<Convolution Layers::*, Shape>> shapes = {
      {&Layers::contour_1, {8, 8, 3, 39}}, {&Layers::contour_2, {1, 8, 5, 5}}, {&Layers::note_1, {32, 1, 7, 7}},
      {&Layers::note_2, {1, 32, 7, 3}},    {&Layers::onset_1, {32, 8, 5, 5}},  {&Layers::onset_2, {1, 33, 3, 3}}};
  return shapes;
}

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw Error(ErrorKind::kModel, path.string() + " does not hold the note network of basic-pitch: " + what +
                                     "; wanted its nmp.onnx, or model.json of the npm package @spotify/basic-pitch");
}

const TensorView& expect_shape(const std::filesystem::path& path, const std::string& name, const TensorView* view,
                               const Shape& shape) {
  if (view == nullptr) fail(path, name + " is missing");
  if (view->dtype != DType::kF32 || view->shape != shape) fail(path, name + " has another shape or type");
  return *view;
}

// The exporter named the constants by numbers, so they are found by where they are used and by their shapes.
Layers read_onnx(const std::filesystem::path& path) {
  const OnnxFile file(path);
  const auto constant = [&file](const std::string& name) -> const TensorView* {
    const auto found = file.tensors().find(name);
    return found == file.tensors().end() ? nullptr : &found->second;
  };
  Layers layers;
  std::vector<std::string> transforms;  // kernels of the constant-Q transform
  for (const OnnxNode& node : file.nodes()) {
    if (node.op == "Conv" && node.inputs.size() >= 3) {
      const TensorView* weight = constant(node.inputs[1]);
      if (weight == nullptr) continue;
      for (const auto& [layer, shape] : convolution_shapes())
        if (weight->shape == shape)
          layers.*
              layer = {copy_of(*weight), copy_of(expect_shape(path, "a bias", constant(node.inputs[2]), {shape[0]}))};
      if (weight->shape == Shape{kBinsPerOctave, 1, 1, kTaps} &&
          std::find(transforms.begin(), transforms.end(), node.inputs[1]) == transforms.end())
        transforms.push_back(node.inputs[1]);
      if (weight->shape == Shape{1, 1, 1, kTaps}) layers.kernels.low_pass = copy_of(*weight).view({kTaps});
    }
    for (const std::string& name : node.inputs) {
      const TensorView* value = constant(name);
      if (value == nullptr || value->dtype != DType::kF32) continue;
      if (node.op == "Mul" && value->shape == Shape{1}) layers.gain = copy_of(*value);
      if (node.op == "Add" && value->shape == Shape{1}) layers.offset = copy_of(*value);
      if (node.op == "Mul" && value->shape == Shape{kBins, 1, 1}) layers.kernels.scale = copy_of(*value).view({kBins});
    }
  }
  if (transforms.size() != 2) fail(path, "it has no two kernels of 36 bins for the constant-Q transform");
  // Which of them is the imaginary part does not matter to magnitudes.
  layers.kernels.real = copy_of(*constant(transforms[0])).view({kBinsPerOctave, kTaps});
  layers.kernels.imaginary = copy_of(*constant(transforms[1])).view({kBinsPerOctave, kTaps});
  return layers;
}

// TensorFlow lays kernels out as (height, width, in, out).
Layers read_tfjs(const std::filesystem::path& path) {
  const TfjsFile file(path);
  const auto read = [&](const std::string& name, const Shape& shape) {
    const auto found = file.tensors().find("StatefulPartitionedCall/model_1/" + name);
    const TensorView* view = found == file.tensors().end() ? nullptr : &found->second;
    return copy_of(expect_shape(path, "'" + name + "'", view, shape));
  };
  Layers layers;
  const auto convolution = [&](Convolution Layers::*layer, const std::string& weight, const std::string& bias) {
    for (const auto& [member, shape] : convolution_shapes())
      if (member == layer)
        layers.*layer = {read(weight, {shape[2], shape[3], shape[1], shape[0]}).permute({3, 2, 0, 1}).contiguous(),
                         read(bias, {shape[0]})};
  };
  convolution(&Layers::contour_1, "conv2d_1/Conv2D_weights", "conv2d_1/Conv2D_bn_offset");
  convolution(&Layers::contour_2, "contours-reduced/Conv2D/ReadVariableOp", "contours-reduced/BiasAdd/ReadVariableOp");
  convolution(&Layers::note_1, "conv2d_2/Conv2D/ReadVariableOp", "conv2d_2/BiasAdd/ReadVariableOp");
  convolution(&Layers::note_2, "conv2d_3/Conv2D/ReadVariableOp", "conv2d_3/BiasAdd/ReadVariableOp");
  convolution(&Layers::onset_1, "conv2d_4/Conv2D_weights", "conv2d_4/Conv2D_bn_offset");
  convolution(&Layers::onset_2, "conv2d_5/Conv2D/ReadVariableOp", "conv2d_5/BiasAdd/ReadVariableOp");
  const auto kernel = [&](const std::string& name, int64_t bins) {
    return read("cq_t2010v2_1/" + name + "/ExpandDims_1", {1, kTaps, 1, bins}).view({kTaps, bins}).t().contiguous();
  };
  layers.kernels.real = kernel("conv1d", kBinsPerOctave);
  layers.kernels.imaginary = kernel("conv1d_1", kBinsPerOctave);
  layers.kernels.low_pass = kernel("conv1d_2", 1).view({kTaps});
  layers.kernels.scale = read("cq_t2010v2_1/Sqrt", {kBins, 1, 1}).view({kBins});
  layers.gain = read("batch_normalization/FusedBatchNormV3/Scaled", {1});
  layers.offset = read("batch_normalization/FusedBatchNormV3/Offset", {1});
  return layers;
}

Layers read_layers(const std::filesystem::path& path) {
  Layers layers = path.extension() == ".json" ? read_tfjs(path) : read_onnx(path);
  for (const auto& [layer, shape] : convolution_shapes())
    if (!(layers.*layer).weight.defined())
      fail(path, format("a convolution of %lld by %lld is missing", static_cast<long long>(shape[2]),
                        static_cast<long long>(shape[3])));
  if (!layers.kernels.low_pass.defined() || !layers.kernels.scale.defined() || !layers.gain.defined() ||
      !layers.offset.defined())
    fail(path, "a part of its spectrum is missing");
  return layers;
}

// (N, T, F) -> (N, 8, T, 264): every channel is the spectrum moved by a harmonic, silence where it has ended.
at::Tensor stack_harmonics(const at::Tensor& spectrum) {
  std::vector<at::Tensor> channels;
  for (const int64_t shift : kHarmonics) {
    const at::Tensor moved = shift >= 0 ? at::constant_pad_nd(spectrum.slice(2, shift), {0, shift})
                                        : at::constant_pad_nd(spectrum.slice(2, 0, shift), {-shift, 0});
    channels.push_back(moved.slice(2, 0, kContourBins));
  }
  return at::stack(channels, 1);
}

}  // namespace note_network

using namespace note_network;

struct NoteNetwork::Weights {
  explicit Weights(const std::filesystem::path& path)
      : layers(read_layers(path)), spectrum(layers.kernels, kHop, kOctaves) {}

  // Decibels between the quietest and the loudest value of each window; (N, S) -> (N, T, F)
  at::Tensor normalised_spectrum(const at::Tensor& windows) const {
    const at::Tensor level = (spectrum.magnitude(windows).square() + 1e-10).log10() * 10.0;
    const at::Tensor above = level - level.amin({1, 2}, true);
    const at::Tensor range = above.amax({1, 2}, true);
    return at::where(range > 0, above / range, at::zeros_like(above)) * layers.gain + layers.offset;
  }

  Layers layers;
  ConstantQ spectrum;
};

NoteNetwork::NoteNetwork(const std::filesystem::path& path) : weights_(std::make_unique<Weights>(path)) {}
NoteNetwork::~NoteNetwork() = default;
NoteNetwork::NoteNetwork(NoteNetwork&&) noexcept = default;

NoteNetwork::Output NoteNetwork::forward(const at::Tensor& windows) const {
  ensure(windows.dim() == 2 && windows.size(1) == kWindow && windows.scalar_type() == at::kFloat,
         "the note network takes float windows of shape (N, 43844)");
  const at::NoGradGuard no_grad;
  const Layers& layers = weights_->layers;
  const at::Tensor harmonics = stack_harmonics(weights_->normalised_spectrum(windows));          // (N, 8, T, 264)
  const at::Tensor contour = layers.contour_2(layers.contour_1(harmonics).relu_()).sigmoid();    // (N, 1, T, 264)
  const at::Tensor note = layers.note_2(layers.note_1(contour, kBinsPerKey).relu_()).sigmoid();  // (N, 1, T, 88)
  const at::Tensor struck = layers.onset_1(harmonics, kBinsPerKey).relu_();                      // (N, 32, T, 88)
  const at::Tensor onset = layers.onset_2(at::cat({note, struck}, 1)).sigmoid();                 // (N, 1, T, 88)
  return {contour.squeeze(1), note.squeeze(1), onset.squeeze(1)};
}

}  // namespace instructme
