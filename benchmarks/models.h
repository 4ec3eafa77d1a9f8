#pragma once

#include <ATen/core/Tensor.h>

#include "instructme/audio/audio_buffer.h"
#include "instructme/pipeline/pipeline.h"

namespace instructme {

/// The default configuration (or that of $INSTRUCTME_MODEL, with its weights), or the baseline AUDIT at
/// the same size: another U-Net, of configs/unet/audit.json, with random weights.
enum class ModelKind { kDefault, kAudit };
const char* model_name(ModelKind kind);
const char* type_name(at::ScalarType type);

/// In evaluation mode and in `type`. Random weights are the same in every run.
Pipeline make_model(ModelKind kind, at::ScalarType type);

/// A condition for `frames` latent frames of one example, in evaluation without gradients.
UNetCondition make_condition(Pipeline& pipeline, int64_t frames);

/// Chords of sines and noise, 44.1 kHz stereo.
AudioBuffer make_music(double seconds);

// Each file adds its benchmarks to Google Benchmark's list.
void register_matmul_benchmarks();
void register_mask_benchmarks();
void register_unet_benchmarks();
void register_vae_benchmarks();
void register_edit_benchmarks();
void register_analysis_benchmarks();

}  // namespace instructme
