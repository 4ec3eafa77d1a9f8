#include <torch/torch.h>
// The precompiled torch header comes first.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "expect_error.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/files.h"
#include "instructme/pretrained/note_decoding.h"
#include "instructme/pretrained/note_network.h"
#include "instructme/pretrained/note_transcriber.h"
#include "weights.h"

namespace instructme {
namespace {

// The window that tests/pretrained/fixtures/basic_pitch.json was computed from by onnxruntime-web 1.27 with nmp.onnx:
// struck strings that die away, four harmonics each.
at::Tensor test_window() {
  struct Tone {
    double onset_s, pitch, amplitude;
  };
  constexpr Tone kTones[] = {{0.1, 36, 0.3},  {0.1, 60, 0.2}, {0.4, 64, 0.2}, {0.7, 67, 0.25},
                             {1.0, 84, 0.15}, {1.3, 50, 0.3}, {1.3, 105, 0.1}};
  at::Tensor wave = at::zeros({NoteNetwork::kWindow});
  auto sample = wave.accessor<float, 1>();
  for (int64_t n = 0; n < NoteNetwork::kWindow; ++n) {
    const double t = static_cast<double>(n) / NoteNetwork::kSampleRate;
    double value = 0;
    for (const Tone& tone : kTones) {
      const double since = t - tone.onset_s;
      if (since < 0) continue;
      const double hz = 440 * std::exp2((tone.pitch - 69) / 12);
      for (int h = 1; h <= 4; ++h)
        value += tone.amplitude * std::exp(-3 * since) * std::sin(2 * std::numbers::pi * h * hz * since) / h;
    }
    sample[n] = static_cast<float>(value);
  }
  return wave.unsqueeze(0);
}

nlohmann::json fixture() {
  return read_json_file(std::filesystem::path(INSTRUCTME_SOURCE_DIR) / "tests/pretrained/fixtures/basic_pitch.json");
}

// The published model runs in float32 too; sums in another order differ by about 1e-5.
constexpr double kTolerance = 1e-3;

void expect_output(const nlohmann::json& reference, const std::string& name, const at::Tensor& found) {
  const at::Tensor matrix = found.squeeze(0);
  for (const auto& point : reference.at(name))
    EXPECT_NEAR(matrix[point[0].get<int64_t>()][point[1].get<int64_t>()].item<double>(), point[2].get<double>(),
                kTolerance)
        << name << " at " << point.dump();
  const at::Tensor means = matrix.mean(1);
  const auto rows = reference.at(name + "_row_means").get<std::vector<double>>();
  for (size_t i = 0; i < rows.size(); ++i)
    EXPECT_NEAR(means[static_cast<int64_t>(4 * i)].item<double>(), rows[i], kTolerance / 10)
        << name << " frame " << 4 * i;
}

void expect_published_outputs(const std::filesystem::path& path) {
  const NoteNetwork network(path);
  const auto reference = fixture();
  const NoteNetwork::Output output = network.forward(test_window());
  ASSERT_EQ(output.contour.sizes(), (std::vector<int64_t>{1, NoteNetwork::kFrames, 264}));
  ASSERT_EQ(output.note.sizes(), (std::vector<int64_t>{1, NoteNetwork::kFrames, 88}));
  expect_output(reference, "contour", output.contour);
  expect_output(reference, "note", output.note);
  expect_output(reference, "onset", output.onset);

  // The published decoder's notes from the published outputs: [frame, frames, MIDI pitch, mean probability].
  for (const bool without_onset : {false, true}) {
    NoteDecodingOptions options;
    options.without_onset = without_onset;
    const auto notes = decode_notes({output.note[0], output.onset[0]}, options);
    const auto& wanted = reference.at(without_onset ? "notes_without_onset" : "notes");
    ASSERT_EQ(notes.size(), wanted.size());
    for (size_t i = 0; i < notes.size(); ++i) {
      EXPECT_EQ(notes[i].pitch, wanted[i][2].get<int>());
      EXPECT_NEAR(notes[i].onset_s, NotePosteriors::time_of(wanted[i][0].get<int64_t>()), 1e-9);
      EXPECT_NEAR(notes[i].velocity, 127 * wanted[i][3].get<double>(), 0.6);
    }
  }

  // Every window is looked at by itself, and silence is no division by zero.
  const at::Tensor batch = network.forward(torch::cat({torch::zeros({1, NoteNetwork::kWindow}), test_window()})).note;
  EXPECT_TRUE(batch.isfinite().all().item<bool>());
  EXPECT_LT((batch[1] - output.note[0]).abs().max().item<double>(), kTolerance);
  EXPECT_LT(batch[0].max().item<double>(), 0.3);
}

TEST(NoteNetwork, OnnxWeightsGiveThePublishedOutputs) {
  NEEDS_WEIGHTS("INSTRUCTME_NOTE_WEIGHTS", path);
  expect_published_outputs(path);
}

TEST(NoteNetwork, NpmWeightsGiveThePublishedOutputs) {
  NEEDS_WEIGHTS("INSTRUCTME_NOTE_WEIGHTS_NPM", path);
  expect_published_outputs(path);
}

TEST(NoteTranscriber, IsLoadedWhenItIsNeeded) {
  EXPECT_FALSE(transcriber_of(""));
  const auto absent = transcriber_of("/nowhere/nmp.onnx");
  expect_error(ErrorKind::kIo, "/nowhere/nmp.onnx", [&] { absent({24000, 1, std::vector<float>(24000)}, {}, {}); });
}

TEST(NoteNetwork, RefusesOtherFiles) {
  const TempDir folder;
  const auto refused = [&](const char* name, const std::string& content, const std::string& part) {
    write_file_atomically(folder.path() / name, content);
    expect_error(ErrorKind::kModel, part, [&] { NoteNetwork network(folder.path() / name); });
  };
  // A graph (field 7) with one operation (field 1) of type Add (field 4).
  refused("other.onnx",
          std::string("\x3a\x07\x0a\x05\x22\x03"
                      "Add",
                      9),
          "does not hold the note network of basic-pitch");
  refused("text.onnx", "not a model", "text.onnx");
  refused("model.json", R"({"weightsManifest":[]})", "'conv2d_1/Conv2D_weights' is missing");
  expect_error(ErrorKind::kIo, "absent.onnx", [&] { NoteNetwork network(folder.path() / "absent.onnx"); });
}

}  // namespace
}  // namespace instructme
